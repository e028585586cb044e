"""What the readers of an unfinished archive share."""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from traceback import walk_tb

import pytest

from hubproxy.errors import HubproxyError, MismatchError
from hubproxy.service.growth import Growth


async def test_a_reader_waits_for_its_byte_only() -> None:
    growth = Growth(100)
    first, last = (asyncio.create_task(growth.reach(offset)) for offset in (9, 99))
    await asyncio.sleep(0)
    growth.advance(10)
    await first
    assert not last.done()
    growth.advance(100)
    await last
    assert not growth.ended


async def test_whole_means_that_it_has_its_place() -> None:
    growth = Growth(100)
    waiting = asyncio.create_task(growth.whole())
    growth.advance(100)
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()
    growth.end()
    await waiting
    assert growth.complete
    await growth.reach(1000)


async def test_an_advance_never_goes_back() -> None:
    growth = Growth(100)
    growth.advance(50)
    growth.advance(10)
    assert growth.verified == 50


async def test_a_failure_reaches_all_but_takes_back_nothing() -> None:
    growth = Growth(100)
    waiting = [asyncio.create_task(growth.reach(50 + number)) for number in range(50)]
    await asyncio.sleep(0)
    growth.advance(10)
    growth.end(MismatchError("chunk 2 is wrong"))
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(result) for result in results] == ["chunk 2 is wrong"] * 50
    await growth.reach(9)
    with pytest.raises(MismatchError):
        await growth.reach(10)
    with pytest.raises(MismatchError):
        await growth.whole()
    assert growth.ended


async def test_an_end_of_another_kind_is_an_upstream_s() -> None:
    growth = Growth(100)
    growth.end(asyncio.CancelledError())
    with pytest.raises(HubproxyError, match="given up: CancelledError") as caught:
        await growth.whole()
    assert caught.value.code == "UPSTREAM_FAILED"


async def test_an_error_told_to_many_does_not_keep_the_frames_of_all() -> None:
    growth = Growth(100)
    growth.end(MismatchError("wrong"))
    for _ in range(50):
        with pytest.raises(MismatchError) as caught:
            await growth.whole()
    assert len(list(walk_tb(caught.value.__traceback__))) < 10


async def test_callbacks_are_called_for_every_step_until_taken_away() -> None:
    growth = Growth(100)
    seen: list[int] = []

    def callback() -> None:
        seen.append(growth.verified)

    growth.watch(callback)
    growth.advance(10)
    growth.advance(20)
    growth.end(MismatchError("wrong"))
    growth.unwatch(callback)
    growth.end()
    assert seen == [10, 20, 20]


async def test_a_reader_has_a_descriptor_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"content")
    growth = Growth(7)
    assert growth.open() is None
    descriptor = os.open(tmp_path / "part", os.O_RDONLY)
    with growth.written(descriptor):
        mine = growth.open()
    os.close(descriptor)
    assert growth.open() is None
    assert mine is not None
    assert os.pread(mine, 100, 0) == b"content"
    os.close(mine)


async def test_no_wake_up_is_lost_between_threads() -> None:
    """Readers at every place of a file that a thread lets grow as fast as it can."""
    size, random = 2000, Random(3)
    for _ in range(5):
        growth = Growth(size)
        rung = threading.Event()
        growth.watch(rung.set)

        def grow(growth: Growth = growth) -> None:
            for verified in range(1, size + 1):
                growth.advance(verified)

        async def follow(growth: Growth = growth) -> int:
            at = 0
            while at < size:
                await growth.reach(at)
                assert growth.verified > at
                at = min(growth.verified, at + random.randint(1, 50))
            return at

        with ThreadPoolExecutor(1) as thread:
            growing = asyncio.get_running_loop().run_in_executor(thread, grow)
            async with asyncio.timeout(60):
                results = await asyncio.gather(*(follow() for _ in range(50)))
            await growing
        assert results == [size] * 50
        assert rung.is_set()
