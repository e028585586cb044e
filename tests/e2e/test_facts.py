"""What hubproxy reads in a module without TensorFlow, against what TensorFlow reads in it."""

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from hubproxy.core.formats import detect_format
from hubproxy.core.limits import ArchiveLimits
from hubproxy.inspection.facts import Facts, Tensor
from hubproxy.inspection.reader import inspect
from hubproxy.unpack.ingest import repack
from tests.archives import Kept
from tests.client.interpreters import tf1_python
from tests.e2e.jobs import environ, pack
from tests.made import describe
from tests.realmodules import BASIC_PITCH, MEDAKA, Carrier, fetch

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

HERE = Path(__file__).parent


def run(python: Path | str, script: str, hook: Path, *arguments: Path) -> str:
    ran = subprocess.run(
        [python, HERE / script, *arguments],
        env=environ(hook, None),
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def told(python: Path | str, hook: Path, *folders: Path) -> list[dict[str, Any]]:
    """What TensorFlow finds in each folder."""
    found: dict[str, dict[str, Any]] = json.loads(run(python, "tell_facts.py", hook, *folders))
    return [found[str(folder)] for folder in folders]


def facts_of(folder: Path, scratch: Path) -> Facts:
    """What hubproxy's child finds in the archive of a folder."""
    output = Kept()
    files = repack(io.BytesIO(pack(folder)), output, limits=ArchiveLimits()).files
    record = describe(output.whole, files=files)
    assert detect_format(entry.path for entry in files) in ("saved_model", "tf1_hub")
    archive = scratch / "module.tar"
    archive.write_bytes(output.whole)
    with archive.open("rb") as file:
        found = inspect(file.fileno(), record)
    assert found.verdict != "refuse", found.findings
    assert found.facts is not None
    return found.facts


def as_told(facts: Facts) -> dict[str, Any]:
    def tensors(found: tuple[Tensor, ...]) -> dict[str, Any]:
        return {
            one.name: [one.dtype, None if one.shape is None else list(one.shape)] for one in found
        }

    return {
        "ops": list(facts.ops or ()),
        "graphs": [
            [
                list(graph.tags),
                graph.tensorflow,
                {one.name: [tensors(one.inputs), tensors(one.outputs)] for one in graph.signatures},
            ]
            for graph in facts.graphs
        ],
        "parameters": facts.parameters,
    }


def test_modules_of_todays_tensorflow_are_read_as_it_reads_them(
    hook: Path, modules: Path, tmp_path: Path
) -> None:
    pytest.importorskip("tensorflow_hub", reason="needs the real tensorflow_hub")
    folders = [modules / name for name in ("doubler", "words", "images")]
    expected = told(sys.executable, hook, *folders)
    found = [facts_of(folder, tmp_path) for folder in folders]
    assert [as_told(facts) for facts in found] == expected
    assert [len(facts.vocabularies) for facts in found] == [0, 1, 0]
    assert (found[1].vocabularies[0].path, found[1].vocabularies[0].lines) == (
        "assets/tokens.txt",
        210_000,
    )


@pytest.mark.parametrize(
    ("carrier", "top"),
    [
        pytest.param(BASIC_PITCH, ".", id="basic-pitch"),
        pytest.param(MEDAKA, "model", id="medaka"),
    ],
)
def test_modules_that_people_use_are_read_as_tensorflow_reads_them(
    hook: Path, kept: Path, tmp_path: Path, carrier: Carrier, top: str
) -> None:
    pytest.importorskip("tensorflow_hub", reason="needs the real tensorflow_hub")
    with tarfile.open(fileobj=io.BytesIO(fetch(carrier, kept))) as tar:
        for member in filter(tarfile.TarInfo.isfile, tar):
            path = tmp_path / "module" / member.name
            path.parent.mkdir(parents=True, exist_ok=True)
            content = tar.extractfile(member)
            assert content is not None
            path.write_bytes(content.read())
    folder = tmp_path / "module" / top
    assert [as_told(facts_of(folder, tmp_path))] == told(sys.executable, hook, folder)


def test_modules_of_tensorflow_1_are_read_as_it_reads_them(hook: Path, tmp_path: Path) -> None:
    python = tf1_python()
    run(python, "make_tf1_modules.py", hook, tmp_path)
    folders = [tmp_path / "text", tmp_path / "image"]
    expected = told(python, hook, *folders)
    assert [as_told(facts_of(folder, tmp_path)) for folder in folders] == expected
    assert [one["parameters"] for one in expected] == [64 * 16, 3 * 3 * 3 * 4]
