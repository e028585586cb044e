"""An archive that lies on this machine, behind the same port as a hub's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiofiles

from hubproxy.core.fetching import Incoming, Resume
from hubproxy.core.handle import Handle
from hubproxy.errors import UpstreamError

_PIECE = 1024 * 1024


class FileUpstream:
    """One archive file, whatever is asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self, exact: Handle) -> None:
        """It may be asked."""

    @asynccontextmanager
    async def open(
        self,
        exact: Handle,  # noqa: ARG002  # the port's: there is but one file
        *,
        resume: Resume | None = None,  # noqa: ARG002  # a file does not break off
    ) -> AsyncIterator[Incoming]:
        """The whole file, from its first byte.

        Raises:
            UpstreamError: it cannot be read.
        """
        try:
            async with aiofiles.open(self._path, "rb") as file:
                yield Incoming(
                    offset=0,
                    length=self._path.stat().st_size,
                    media_type="application/octet-stream",
                    validator="",
                    url=f"file:{self._path.name}",
                    body=_pieces(file),
                )
        except OSError as error:
            raise UpstreamError(
                f"{self._path} cannot be read: {error.strerror}", transient=False
            ) from error


async def _pieces(file: "aiofiles.threadpool.binary.AsyncBufferedReader") -> AsyncIterator[bytes]:
    while piece := await file.read(_PIECE):
        yield piece
