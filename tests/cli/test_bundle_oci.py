"""A bundle's volumes are OCI image layouts: what carries images carries them."""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from hubproxy.core.bundle import LAYOUT
from tests.cli.gap import open_gap
from tests.cli.place import SPICE


async def make(folder: Path) -> Path:
    async with open_gap(folder) as gap:
        await gap.bring(SPICE)
        return gap.bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asyncio.run(make(tmp_path_factory.mktemp("gap")))


def test_it_is_laid_out_as_the_image_layout_specification_says(bundle: Path) -> None:
    assert (bundle / "oci-layout").read_bytes() == LAYOUT
    index = json.loads((bundle / "index.json").read_bytes())
    assert index["schemaVersion"] == 2
    for described in index["manifests"]:
        manifest = json.loads(blob(bundle, described))
        assert manifest["schemaVersion"] == 2
        assert manifest["mediaType"] == described["mediaType"]
        for one in (manifest["config"], *manifest["layers"]):
            assert len(blob(bundle, one)) == one["size"]


def blob(bundle: Path, described: dict[str, str]) -> bytes:
    algorithm, _, digest = described["digest"].partition(":")
    return (bundle / "blobs" / algorithm / digest).read_bytes()


@pytest.mark.parametrize("tag", ["bundle", "tfhub.dev_google_spice_2.saved_model"])
def test_skopeo_copies_it_blob_for_blob(bundle: Path, tmp_path: Path, tag: str) -> None:
    skopeo = shutil.which("skopeo")
    if skopeo is None:
        pytest.skip("skopeo is not installed")
    out = tmp_path / "out"
    done = subprocess.run(
        [skopeo, "copy", "--insecure-policy", f"oci:{bundle}:{tag}", f"oci:{out}:{tag}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    copied = list((out / "blobs" / "sha256").iterdir())
    assert copied
    for path in copied:
        assert path.read_bytes() == (bundle / "blobs" / "sha256" / path.name).read_bytes()
    if tag != "bundle":
        assert any(b"saved_model.pb" in path.read_bytes() for path in copied)
