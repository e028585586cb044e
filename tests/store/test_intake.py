"""Bytes from the event loop to a worker thread."""

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from random import Random

import pytest

from hubproxy.errors import MismatchError
from hubproxy.store.intake import Intake, Pipe

MIB = 1 << 20


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


def digest_of(pipe: Pipe) -> str:
    whole = hashlib.sha256()
    while piece := pipe.read(100_000):
        assert len(piece) <= 100_000
        whole.update(piece)
    return whole.hexdigest()


class Gate:
    """A worker that waits to be let through, in a thread, before each step."""

    def __init__(self) -> None:
        self._steps = threading.Semaphore(0)
        self.waiting = threading.Event()
        self.over = False

    def open(self, steps: int = 1) -> None:
        self._steps.release(steps)

    def wait(self) -> None:
        self.waiting.set()
        assert self._steps.acquire(timeout=60)


@asynccontextmanager
async def entered(
    executor: ThreadPoolExecutor, work: Callable[[Pipe], object], gate: Gate
) -> AsyncIterator[Intake[object]]:
    """An intake whose worker is let go on in the end, whatever happens in the test."""
    try:
        async with Intake(executor, work) as intake:
            await asyncio.to_thread(gate.waiting.wait)
            try:
                yield intake
            except BaseException:
                gate.open(1000)
                raise
    finally:
        gate.open(1000)


async def test_what_is_written_is_read_in_order(executor: ThreadPoolExecutor) -> None:
    random, whole = Random(1), hashlib.sha256()
    async with Intake(executor, digest_of) as intake:
        for _ in range(200):
            piece = random.randbytes(random.choice([0, 1, 50, 99_999, 100_001, 250_000]))
            whole.update(piece)
            await intake.write(piece)
        assert await intake.finish() == whole.hexdigest()


async def test_nothing_at_all_is_an_end(executor: ThreadPoolExecutor) -> None:
    async with Intake(executor, digest_of) as intake:
        assert await intake.finish() == hashlib.sha256().hexdigest()


async def test_the_writer_hears_of_a_failure_at_its_next_write(
    executor: ThreadPoolExecutor,
) -> None:
    def fail(_: Pipe) -> None:
        raise MismatchError("chunk 1 is wrong")

    async with Intake(executor, fail) as intake:
        with pytest.raises(MismatchError):  # noqa: PT012  # whichever write comes after it
            while True:
                await intake.write(bytes(MIB))


@pytest.mark.parametrize("piece", [MIB // 2, MIB, 5 * MIB])
async def test_a_writer_with_much_unread_hears_of_a_failure(
    executor: ThreadPoolExecutor, piece: int
) -> None:
    """Nobody reads any more: a writer that waits for room then would wait for ever."""
    gate = Gate()

    def fail(_: Pipe) -> None:
        gate.wait()
        raise MismatchError("chunk 1 is wrong")

    async with entered(executor, fail, gate) as intake:
        await intake.write(bytes(4 * MIB - 1))
        gate.open()
        await asyncio.wait((intake._done,))
        with pytest.raises(MismatchError):
            async with asyncio.timeout(20):
                await intake.write(bytes(piece))


async def test_a_writer_that_waits_for_room_hears_of_a_failure(
    executor: ThreadPoolExecutor,
) -> None:
    gate = Gate()

    def fail(_: Pipe) -> None:
        gate.wait()
        raise MismatchError("chunk 1 is wrong")

    async with entered(executor, fail, gate) as intake:
        waiting = asyncio.create_task(intake.write(bytes(5 * MIB)))
        await asyncio.sleep(0)
        assert not waiting.done()
        gate.open()
        with pytest.raises(MismatchError):
            async with asyncio.timeout(20):
                await waiting


async def test_the_failure_is_told_at_the_end_too(executor: ThreadPoolExecutor) -> None:
    def fail(pipe: Pipe) -> None:
        digest_of(pipe)
        raise MismatchError("it is short")

    async with Intake(executor, fail) as intake:
        await intake.write(b"x")
        with pytest.raises(MismatchError, match="it is short"):
            await intake.finish()


async def test_a_writer_is_held_back_at_four_mebibytes(executor: ThreadPoolExecutor) -> None:
    gate, written = Gate(), 0

    def work(pipe: Pipe) -> int:
        total = 0
        while True:
            gate.wait()
            piece = pipe.read(MIB)
            if not piece:
                return total
            total += len(piece)

    async def write(intake: Intake[object]) -> None:
        nonlocal written
        for _ in range(64):
            await intake.write(bytes(MIB))
            written += 1

    async with entered(executor, work, gate) as intake:
        writing = asyncio.create_task(write(intake))
        for taken in range(8):
            # As many turns of the loop as the writer could use, had it room.
            for _ in range(100):
                await asyncio.sleep(0)
            assert written <= taken + 4
            gate.waiting.clear()
            gate.open()
            await asyncio.to_thread(gate.waiting.wait)
        gate.open(1000)
        await writing
        assert await intake.finish() == 64 * MIB


async def test_leaving_without_the_end_breaks_the_source(executor: ThreadPoolExecutor) -> None:
    seen: list[str] = []

    def work(pipe: Pipe) -> None:
        try:
            digest_of(pipe)
        except ConnectionAbortedError as error:
            seen.append(str(error))
            raise

    async with Intake(executor, work) as intake:
        await intake.write(b"half")
    assert seen == ["the transfer was given up"]


async def test_leaving_waits_until_the_worker_writes_no_more(
    executor: ThreadPoolExecutor,
) -> None:
    gate = Gate()

    def work(_: Pipe) -> None:
        gate.wait()
        gate.over = True

    async def leave() -> None:
        async with Intake(executor, work):
            await asyncio.to_thread(gate.waiting.wait)

    leaving = asyncio.create_task(leave())
    await asyncio.to_thread(gate.waiting.wait)
    for _ in range(3):
        leaving.cancel()
        for _ in range(10):
            await asyncio.sleep(0)
        assert not leaving.done()
    gate.open()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert gate.over


async def test_a_cancellation_is_not_lost_while_leaving(executor: ThreadPoolExecutor) -> None:
    gate = Gate()

    def work(_: Pipe) -> None:
        gate.wait()

    at_the_door = asyncio.Event()

    async def leave() -> str:
        try:
            async with Intake(executor, work):
                at_the_door.set()
                raise MismatchError("something else")
        except MismatchError:
            return "went on"

    leaving = asyncio.create_task(leave())
    await at_the_door.wait()
    for _ in range(10):
        await asyncio.sleep(0)
    leaving.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    gate.open()
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_a_writer_cancelled_while_it_waits_leaves_no_worker(
    executor: ThreadPoolExecutor,
) -> None:
    gate = Gate()

    def work(pipe: Pipe) -> None:
        gate.wait()
        try:
            digest_of(pipe)
        finally:
            gate.over = True

    async def write() -> None:
        async with Intake(executor, work) as intake:
            await intake.write(bytes(5 * MIB))

    writing = asyncio.create_task(write())
    await asyncio.to_thread(gate.waiting.wait)
    writing.cancel()
    gate.open()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert gate.over
