"""The way of bytes from the event loop into a worker thread that unpacks and checks them."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from threading import Condition
from typing import Generic, Self, TypeVar

from hubproxy.store.threads import settled

T = TypeVar("T")
_FULL = 4 * 1024 * 1024


class Pipe:
    """A bounded queue of bytes: written by a coroutine, read by a thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pieces: deque[bytes] = deque()
        self._taken = 0
        """Bytes of the first piece that were read."""
        self._held = 0
        self._ended = False
        self._broken = False
        self._changed = Condition()
        self._room = asyncio.Event()
        self._room.set()

    def put(self, piece: bytes) -> None:
        if not piece:
            return  # read, it would look like the end
        with self._changed:
            self._pieces.append(piece)
            self._held += len(piece)
            if self._held >= _FULL:
                self._room.clear()
            self._changed.notify()

    def release(self, _: object = None) -> None:
        """The reader is gone: nobody waits for room any more."""
        self._room.set()

    def end(self, *, broken: bool = False) -> None:
        """No more will come; when `broken`, the reader gets an error instead of an end."""
        with self._changed:
            self._ended = True
            self._broken |= broken
            self._changed.notify()

    async def room(self) -> None:
        """Wait until less than 4 MiB are held."""
        await self._room.wait()

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most `size`; empty at the end. Called in the worker thread.

        Raises:
            ConnectionAbortedError: the writer gave up.
        """
        with self._changed:
            while not self._pieces and not self._ended:
                self._changed.wait()
            if self._broken:
                raise ConnectionAbortedError("the transfer was given up")
            if not self._pieces:
                return b""
            piece = self._pieces[0]
            end = self._taken + size
            if end < len(piece):
                piece, self._taken = piece[self._taken : end], end
            else:
                piece, self._taken = piece[self._taken :], 0
                self._pieces.popleft()
            self._held -= len(piece)
            wake = self._held < _FULL and not self._room.is_set()
        if wake:
            self._loop.call_soon_threadsafe(self._room.set)
        return piece


class Intake(Generic[T]):
    """Runs `work(source)` in a thread while a coroutine feeds the source.

    Leaving the block without `finish` breaks the source and waits for the thread, so that
    nobody writes any more when the block is over.
    """

    def __init__(self, executor: Executor, work: Callable[[Pipe], T]) -> None:
        self._executor = executor
        self._work = work

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._pipe = Pipe(loop)
        self._done: asyncio.Future[T] = loop.run_in_executor(self._executor, self._work, self._pipe)
        self._done.add_done_callback(self._pipe.release)
        return self

    async def write(self, piece: bytes) -> None:
        """Hand over some bytes; waits while the worker is behind.

        Raises:
            HubproxyError: what the worker found wrong, as soon as it has.
        """
        # Before as well: where nobody reads any more, no room would ever be made.
        if not self._done.done():
            self._pipe.put(piece)
            await self._pipe.room()
        if self._done.done():
            self._done.result()

    async def finish(self) -> T:
        """Say that these were all the bytes, and wait for the worker's result."""
        self._pipe.end()
        return await asyncio.shield(self._done)

    async def __aexit__(self, *_: object) -> None:
        self._pipe.end(broken=True)
        await settled(self._done)
        self._done.exception()  # seen, as the caller has another one or does not care
