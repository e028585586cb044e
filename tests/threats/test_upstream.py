"""Threats from upstream and from the disk, by the row of the threat model that each one is.

Every one is seen from outside: through a whole daemon, at the client.
"""

import asyncio
import gzip
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hubproxy.core.handle import Handle
from hubproxy.core.record import CHUNK_SIZE, Record
from tests import faults
from tests.archives import block, folder, member, tarball
from tests.faults import Fault
from tests.site import SPICE, Site, large, tar_gz

PATH = Handle.parse(SPICE).url_path
WEIGHTS = "variables/variables.data-00000-of-00001"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    settings = {"network.idle_seconds": 1, "network.first_byte_seconds": 1}
    async with Site(tmp_path, settings) as site:
        yield site


def blob_of(site: Site, record: Record) -> Path:
    digest = record.archive_digest.hex
    return site.folder / "data/blobs/sha256" / digest[:2] / digest


def damage(blob: Path) -> None:
    blob.chmod(0o600)
    with blob.open("r+b") as file:
        file.seek(-3000, os.SEEK_END)
        file.write(b"rot")
    # The clock of file times may not have ticked since the file was made.
    os.utime(blob, ns=(0, blob.stat().st_mtime_ns + 1))


@pytest.mark.parametrize(
    "where",
    [
        pytest.param(0, id="row 1: the first byte"),
        pytest.param(0.5, id="row 1: in the middle"),
        pytest.param(-1, id="row 1: the last byte"),
    ],
)
async def test_a_swapped_byte_never_leaves(site: Site, where: float) -> None:
    files = large(2.5)
    wanted = site.put(SPICE, files)
    await site.approve(SPICE)
    weights = bytearray(files[WEIGHTS])
    weights[int(len(weights) * where) if where >= 0 else -1] ^= 1
    site.origin.put(PATH, tar_gz({**files, WEIGHTS: bytes(weights)}))

    got = await site.get(SPICE)

    if got.status == 200:
        assert got.error is not None
        assert len(got.body) % CHUNK_SIZE == 0
        assert wanted.startswith(got.body)
    else:
        assert got.problem["code"] == "HP-T03"
    assert wanted != got.body


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faults.truncated(5_000_000), id="row 2: too short"),
        pytest.param(faults.truncated(5_000_000, "close"), id="row 2: short, and says nothing"),
        pytest.param(faults.stalled(5_000_000), id="row 2: stalls"),
        pytest.param(faults.reset(5_000_000), id="row 2: resets"),
    ],
)
async def test_an_upstream_that_does_not_finish_delivers_no_whole_module(
    site: Site, fault: Fault
) -> None:
    wanted = site.put(SPICE, large(3.5))
    await site.approve(SPICE)
    site.origin.always(PATH, fault)

    async with asyncio.timeout(60):
        got = await site.get(SPICE)

    assert got.status != 200 or got.error is not None
    assert got.status != 200 or wanted.startswith(got.body)


@pytest.mark.parametrize(
    "surplus",
    [
        pytest.param(b"\0" * 10_000_000, id="row 2: too much, zeros"),
        pytest.param(b"x", id="row 2: one byte too much"),
        pytest.param(os.urandom(30_000_000), id="row 2: endless, noise"),
    ],
)
async def test_an_upstream_that_sends_too_much_is_refused(site: Site, surplus: bytes) -> None:
    files = large(1.5)
    wanted = site.put(SPICE, files)
    record = await site.approve(SPICE)
    site.origin.put(PATH, tar_gz({**files, WEIGHTS: files[WEIGHTS] + surplus}))

    got = await site.get(SPICE)

    assert got.status == 502 or got.error is not None
    assert wanted.startswith(got.body) or got.status == 502
    assert not blob_of(site, record).exists()


async def test_row_2_a_slow_upstream_is_waited_for(site: Site) -> None:
    wanted = site.put(SPICE, large(1.5))
    await site.approve(SPICE)
    site.origin.always(PATH, faults.slow(500_000, 0.05))

    assert (await site.get(SPICE)).body == wanted


TRICKS = {
    "row 15: a symbolic link": block(b"x", kind=b"2", link=b"/etc/passwd"),
    "row 15: a hard link": block(b"x", kind=b"1", link=b"saved_model.pb"),
    "row 15: a device": block(b"x", kind=b"3"),
    "row 15: a named pipe": block(b"x", kind=b"6"),
    "row 15: an absolute name": member(b"/etc/x"),
    "row 15: a name that leads out": member(b"../x"),
    "row 15: a name that leads out from within": member(b"assets/../../x"),
    "row 15: a member twice": member(b"saved_model.pb", b"another"),
    "row 15: a file that is a folder": folder(b"saved_model.pb/"),
    "row 15: a bomb": member(b"bomb", bytes(64 * 1024 * 1024)),
    "row 15: a bomb of names": b"".join(folder(b"d%d/" % number) for number in range(1500)),
}


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS)
async def test_a_trick_in_a_tar_is_refused_whole(tmp_path: Path, trick: bytes) -> None:
    settings = {"trust.mode": "first-use", "limits.members": 1000, "limits.unpacked": "32MiB"}
    async with Site(tmp_path, settings) as site:
        site.origin.put(PATH, gzip.compress(tarball(member(b"saved_model.pb", b"graph"), trick)))

        got = await site.get(SPICE)

        assert (got.status, got.problem["code"]) == (502, "HP-T05"), got.problem
        assert not list((tmp_path / "data").glob("blobs/sha256/*/*"))
        assert not list((tmp_path / "data" / "tmp").iterdir())


async def test_row_21_a_byte_changed_on_disk_never_leaves(site: Site) -> None:
    wanted = site.put(SPICE, large(1.5))
    record = await site.approve(SPICE)
    assert (await site.get(SPICE)).body == wanted
    await site.settled()
    damage(blob_of(site, record))

    cut = await site.get(SPICE)  # the damage is behind the first chunk, which was good

    assert cut.error is not None
    assert wanted.startswith(cut.body)
    assert (await site.get(SPICE)).body == wanted
    assert len(list((site.folder / "data/quarantine").iterdir())) == 1


async def test_row_21_a_file_that_a_crash_left_without_its_name_is_read_through(
    site: Site,
) -> None:
    """Between the blob and its ref: what is there is not trusted for lying in the right place."""
    wanted = site.put(SPICE, large(1.5))
    record = await site.approve(SPICE)
    assert (await site.get(SPICE)).body == wanted
    await site.settled()
    await site.stop()
    for ref in (site.folder / "data/refs").rglob("@saved_model"):
        ref.unlink()
    damage(blob_of(site, record))

    await site.start()

    cut = await site.get(SPICE)
    assert cut.error is not None
    assert wanted.startswith(cut.body)
    assert (await site.get(SPICE)).body == wanted
