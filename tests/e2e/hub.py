"""An `Origin` in a thread of its own, for tests that wait for training jobs meanwhile.

with Hub() as hub:
    hub.put(handle, ARCHIVE)
    ...
    assert hub.fetches(handle) == 1
"""

import asyncio
import threading
from typing import Any, Self

from hubproxy.core.handle import Handle
from tests.origin import Origin


class Hub:
    """A hub upstream, on loopback."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._origin = Origin()
        self._await(self._origin.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        return self._origin.url

    def put(self, handle: str, archive: bytes, media_type: str = "application/gzip") -> None:
        """Let the hub hold this archive from now on."""
        self._origin.put(Handle.parse(handle).url_path, archive, media_type=media_type)

    def fetches(self, handle: str) -> int:
        """How often a module was asked for."""
        path = Handle.parse(handle).url_path
        return sum(request.path == path for request in self._origin.requests)

    def stop(self) -> None:
        """Answer no more; the port then refuses connections. May be called twice."""
        self._await(self._origin.stop())

    def _await(self, what: Any) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(timeout=30)
