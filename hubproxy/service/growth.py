"""A file that is still growing: how much of it is verified, and how it ended."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from hubproxy.errors import BusyError, HubproxyError, UpstreamError


class Growth:
    """What the readers of an unfinished archive share.

    `advance` may be called from any thread; so are the callbacks of `watch`. Everything else
    belongs to the event loop.

    Args:
        size: bytes the whole archive will have.

    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.verified = 0
        self.error: HubproxyError | None = None
        self.complete = False
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._watchers: list[Callable[[], None]] = []
        self._lock = Lock()
        self._descriptor = -1

    @property
    def ended(self) -> bool:
        return self.complete or self.error is not None

    @contextmanager
    def written(self, descriptor: int) -> Iterator[None]:
        """Name the file that grows, for as long as the descriptor is sure to be open."""
        self._descriptor = descriptor
        try:
            yield
        finally:
            self._descriptor = -1

    def open(self) -> int | None:
        """A descriptor of its own for a reader; None when nobody writes any more."""
        if self._descriptor < 0:
            return None
        try:
            return os.dup(self._descriptor)
        except OSError as error:
            raise BusyError("this host has no file descriptor left") from error

    def advance(self, verified: int) -> None:
        """Say that the first `verified` bytes may be read."""
        self.verified = max(self.verified, verified)
        self._loop.call_soon_threadsafe(self._ring)
        self._notify()

    def end(self, error: BaseException | None = None) -> None:
        """Say that the file is whole and has its place, or why it never will be."""
        if error is None:
            self.complete = True
        elif isinstance(error, HubproxyError):
            self.error = error
        else:
            self.error = UpstreamError(f"the fetch was given up: {type(error).__name__}")
        self._ring()
        self._notify()

    async def reach(self, offset: int) -> None:
        """Wait until the byte at `offset` is verified, or the file is whole.

        Raises:
            HubproxyError: it never will be.
        """
        while self.verified <= offset and not self.complete:
            if self.error is not None:
                # Many raise this one error: each without the traces of the others.
                raise self.error.with_traceback(None)
            self._changed.clear()
            await self._changed.wait()

    async def whole(self) -> None:
        """Wait until the file is whole.

        Raises:
            HubproxyError: it never will be.
        """
        await self.reach(self.size)

    def watch(self, callback: Callable[[], None]) -> None:
        with self._lock:
            self._watchers.append(callback)

    def unwatch(self, callback: Callable[[], None]) -> None:
        with self._lock:
            self._watchers.remove(callback)

    def _ring(self) -> None:
        self._changed.set()

    def _notify(self) -> None:
        with self._lock:
            watchers = list(self._watchers)
        for callback in watchers:
            callback()
