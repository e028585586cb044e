"""A bundle on a stick that somebody has had in his hands: no byte of it can be another."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from hubproxy.core.bundle import texts
from hubproxy.errors import HubproxyError
from hubproxy.store.volumes import BundleError, Volume
from hubproxy.wiring import importing
from tests.cli.gap import NNLM, open_gap
from tests.cli.place import SPICE

REGION = 48
"""Bytes of which one is flipped."""


async def make(folder: Path) -> tuple[Path, bytes]:
    async with open_gap(folder) as gap:
        await gap.outside.good("trust", "revoke", "tfhub.dev/google/nnlm/1", "--reason", "it leaks")
        await gap.bring(SPICE, NNLM)
        return gap.bundle, gap.root.read_bytes()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A bundle of two modules and a revoked one, and the list's root."""
    return asyncio.run(make(tmp_path_factory.mktemp("gap")))


def test_it_verifies_as_it_was_made(bundle: tuple[Path, bytes]) -> None:
    folder, root = bundle
    assert len(importing.verify([folder], root).bundle.modules) == 2


def test_no_flipped_byte_is_accepted(bundle: tuple[Path, bytes]) -> None:
    folder, root = bundle
    accepted, tried = [], 0
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        for at in {*range(0, len(whole), REGION), len(whole) - 1}:
            flipped = bytearray(whole)
            flipped[at] ^= 1 << at % 8
            path.write_bytes(flipped)
            tried += 1
            try:
                importing.verify([folder], root)
            except HubproxyError:
                continue
            finally:
                path.write_bytes(whole)
            accepted.append((path.name, at))
    assert accepted == []
    assert tried > 500


def test_no_file_may_be_missing_or_cut(bundle: tuple[Path, bytes]) -> None:
    folder, root = bundle
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        for rest in (b"", whole[:-1], whole + b"x"):
            path.write_bytes(rest)
            with pytest.raises(HubproxyError):
                importing.verify([folder], root)
        path.unlink()
        with pytest.raises(HubproxyError):
            importing.verify([folder], root)
        path.write_bytes(whole)


def test_no_file_may_be_a_link(bundle: tuple[Path, bytes], tmp_path: Path) -> None:
    """It could lead to the right bytes now, and to others when they are taken in."""
    folder, root = bundle
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        (tmp_path / "moved").write_bytes(path.read_bytes())
        path.unlink()
        path.symlink_to(tmp_path / "moved")
        with pytest.raises(HubproxyError):
            importing.verify([folder], root)
        path.unlink()
        path.write_bytes((tmp_path / "moved").read_bytes())


def test_what_is_written_anew_by_a_stranger_is_not_the_list(bundle: tuple[Path, bytes]) -> None:
    """Everything that a bundle says of itself can be made to fit; the list cannot."""
    folder, root = bundle
    volume = Volume.open(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    forged = msgspec.structs.replace(volume.bundle, modules=volume.bundle.modules[:1])
    index, blobs = texts(forged, 1)
    for digest, text in blobs.items():
        volume.path(digest).write_bytes(text)
    (folder / "index.json").write_bytes(index)
    try:
        assert Volume.open(folder).bundle == forged
        with pytest.raises(HubproxyError, match="signed to go with other contents"):
            importing.verify([folder], root)
    finally:
        for path in folder.rglob("*"):
            if path.is_file() and path not in before:
                path.unlink()
        for path, whole in before.items():
            path.write_bytes(whole)
    importing.verify([folder], root)


def test_the_index_of_another_artifact_is_no_bundle(bundle: tuple[Path, bytes]) -> None:
    folder, root = bundle
    index = folder / "index.json"
    whole = index.read_bytes()
    index.write_bytes(whole.replace(b"hubproxy.bundle.v1", b"example.bundle.v1"))
    try:
        with pytest.raises(BundleError, match="not the index of a bundle"):
            importing.verify([folder], root)
    finally:
        index.write_bytes(whole)


def test_a_volume_that_its_bundle_has_not_is_refused(bundle: tuple[Path, bytes]) -> None:
    folder, root = bundle
    index = folder / "index.json"
    whole = index.read_bytes()
    told, _ = texts(Volume.open(folder).bundle, 7)
    index.write_bytes(told)
    try:
        with pytest.raises(BundleError, match="no volume of its bundle"):
            importing.verify([folder], root)
    finally:
        index.write_bytes(whole)
