"""No room: it is told with the reason, nothing is left of it, and what is there is served on."""

import asyncio
import itertools
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hubproxy.core.record import CHUNK_SIZE
from tests import faults
from tests.durability.place import Daemon, Place
from tests.made import Made, make
from tests.site import Got

MIB = 1024**2
SMALL = make("tfhub.dev/google/small/1", size=MIB)
MIDDLE = make("tfhub.dev/google/middle/1", size=3 * CHUNK_SIZE)
LARGE = make("tfhub.dev/google/large/1", size=40 * MIB)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 36 MiB and 400 files."""
    place = tmp_path / "disk"
    place.mkdir()
    options = "size=36m,nr_inodes=400,mode=0700"
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", place], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"needs the right to mount a tmpfs: {made.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def use_up_bytes(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass


def use_up_inodes(disk: Path) -> None:
    with suppress(OSError):
        for number in itertools.count():
            (disk / f"filler{number}").touch()


def give_back(disk: Path) -> None:
    for filler in disk.glob("filler*"):
        filler.unlink()


async def until_served(place: Place, daemon: Daemon, made: Made) -> Got:
    """Ask until it is served: a failure is told again for a second or two."""
    async with asyncio.timeout(60):
        while (got := await place.get(daemon, made)).status != 200:
            assert got.status in (503, 507), got.body
            await asyncio.sleep(0.1)
    return got


async def serves_on(place: Place, daemon: Daemon) -> None:
    """What is in the store is served, without asking the hub, and on record."""
    before = len([event for event in place.events() if event.cache == "hit"])
    fetches = place.fetches(SMALL)
    for _ in range(3):
        assert (await place.get(daemon, SMALL)).body == SMALL.plain
    assert place.fetches(SMALL) == fetches
    hits = [event for event in place.events() if event.cache == "hit"]
    assert len(hits) == before + 3


async def test_a_module_that_does_not_fit_is_refused_before_it_is_asked_for(
    tmp_path: Path, small_disk: Path
) -> None:
    data = small_disk / "data"
    async with (
        Place(tmp_path / "place", [SMALL, LARGE], data=data) as place,
        place.serving() as daemon,
    ):
        await place.get(daemon, SMALL)
        await place.settled(daemon)
        got = await place.get(daemon, LARGE)
        assert got.status == 507
        assert got.problem["code"] == "STORAGE_FULL"
        assert f"no room for {len(LARGE.plain):,} more bytes" in got.problem["detail"]
        assert place.fetches(LARGE) == 0
        assert place.leftovers() == []
        assert (await place.get(daemon, SMALL)).headers["Cache-Status"] == "hubproxy; hit"
        last = [event for event in place.events() if event.code]
        assert [event.code for event in last] == ["STORAGE_FULL"]


async def test_a_disk_that_fills_up_meanwhile_breaks_the_answer_and_nothing_else(
    tmp_path: Path, small_disk: Path
) -> None:
    data, go_on = small_disk / "data", asyncio.Event()
    async with (
        Place(tmp_path / "place", [SMALL, MIDDLE], data=data) as place,
        place.serving() as daemon,
    ):
        await place.get(daemon, SMALL)
        await place.settled(daemon)
        place.origin.misbehave(
            MIDDLE.handle.url_path, faults.stalled(CHUNK_SIZE + MIB, until=go_on)
        )
        begun = asyncio.Event()
        getting = asyncio.create_task(place.get(daemon, MIDDLE, took=lambda _: begun.set()))
        await begun.wait()
        use_up_bytes(small_disk)
        go_on.set()
        got = await getting
        assert got.error is not None
        assert got.body == MIDDLE.plain[:CHUNK_SIZE]
        assert place.leftovers() == []
        assert (await place.get(daemon, MIDDLE)).problem["code"] == "STORAGE_FULL"

        await serves_on(place, daemon)

        give_back(small_disk)
        assert (await until_served(place, daemon, MIDDLE)).body == MIDDLE.plain
        assert await daemon.stop() == 0
        assert await place.fsck() == []


async def test_a_disk_without_inodes_is_a_full_one(tmp_path: Path, small_disk: Path) -> None:
    data = small_disk / "data"
    async with (
        Place(tmp_path / "place", [SMALL, MIDDLE], data=data) as place,
        place.serving() as daemon,
    ):
        await place.get(daemon, SMALL)
        await place.settled(daemon)
        use_up_inodes(small_disk)
        got = await place.get(daemon, MIDDLE)
        assert got.status == 507
        assert got.problem["code"] == "STORAGE_FULL"
        assert place.leftovers() == []

        await serves_on(place, daemon)

        give_back(small_disk)
        assert (await until_served(place, daemon, MIDDLE)).body == MIDDLE.plain
        assert await daemon.stop() == 0
        assert await place.fsck() == []


@pytest.mark.parametrize("free", [1, 2, 4, 8])
async def test_inodes_that_run_out_amid_a_commit_leave_nothing(
    tmp_path: Path, small_disk: Path, free: int
) -> None:
    """A commit makes some ten files and folders; so many of them can be made."""
    data = small_disk / "data"
    async with (
        Place(tmp_path / "place", [SMALL, MIDDLE], data=data) as place,
        place.serving() as daemon,
    ):
        await place.get(daemon, SMALL)
        await place.settled(daemon)
        use_up_inodes(small_disk)
        for filler in list(small_disk.glob("filler*"))[:free]:
            filler.unlink()
        await place.get(daemon, MIDDLE)
        await place.settled(daemon)
        assert place.leftovers() == []
        await serves_on(place, daemon)
        give_back(small_disk)
        assert (await until_served(place, daemon, MIDDLE)).body == MIDDLE.plain
        assert await daemon.stop() == 0
        assert await place.fsck() == []


async def test_a_full_disk_still_starts_and_serves(tmp_path: Path, small_disk: Path) -> None:
    data = small_disk / "data"
    async with Place(tmp_path / "place", [SMALL], data=data) as place:
        async with place.serving() as daemon:
            await place.get(daemon, SMALL)
            await place.settled(daemon)
            assert await daemon.stop() == 0
        use_up_bytes(small_disk)
        use_up_inodes(small_disk)
        async with place.serving() as daemon:
            await serves_on(place, daemon)
            assert await daemon.stop() == 0
