"""What has come of an archive stays on disk, so that another process goes on where one stopped.

Nothing here is believed: it is fed to the same checks as what comes from upstream.
"""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import aiofiles
import msgspec

from hubproxy.core.fetching import Incoming, Resume
from hubproxy.core.handle import Handle
from hubproxy.errors import StorageFailedError, StorageFullError

_PIECE = 1024 * 1024


class Inner(Protocol):
    """The upstream that is asked for what is not here yet."""

    def open(
        self, exact: Handle, *, resume: Resume | None = None
    ) -> AbstractAsyncContextManager[Incoming]: ...


class Kept(msgspec.Struct, frozen=True):
    """What is known of upstream's archive of which some bytes lie here.

    Args:
        validator: its strong ETag, or Last-Modified.
        total: bytes of all of it; None when upstream did not say.
        media_type: as upstream said.
        url: where it comes from.
    """

    validator: str
    total: int | None
    media_type: str
    url: str


class PartialUpstream:
    """Keeps what comes from an upstream, and begins with what was kept.

    Args:
        inner: the upstream.
        folder: of this process alone; made if missing.
    """

    def __init__(self, inner: Inner, folder: Path) -> None:
        self._inner, self._folder = inner, folder

    def size(self, exact: Handle) -> int:
        """Bytes of upstream's archive that lie here."""
        try:
            return self._body(exact).stat().st_size
        except OSError:
            return 0

    def validator(self, exact: Handle) -> str:
        """What upstream's archive is known by, of which some bytes lie here; else empty."""
        kept = self._read(exact)
        return kept.validator if kept is not None else ""

    def forget(self, exact: Handle) -> None:
        """Remove what lies here of a module; fine if nothing does."""
        self._about(exact).unlink(missing_ok=True)
        self._body(exact).unlink(missing_ok=True)

    def sweep(self, wanted: set[Handle]) -> None:
        """Remove what lies here of all other modules."""
        names = {self._body(exact).stem for exact in wanted}
        for path in self._folder.glob("*"):
            if path.stem not in names:
                path.unlink(missing_ok=True)

    def check(self, exact: Handle) -> None:
        """It may be asked."""

    @asynccontextmanager
    async def open(self, exact: Handle, *, resume: Resume | None = None) -> AsyncIterator[Incoming]:
        """Ask for a module's archive, as the `Upstream` port says.

        Raises:
            UpstreamError: it was not delivered; also while `body` is read.
            StorageFullError: there is no room to keep it; also while `body` is read.
            StorageFailedError: what was kept cannot be read any more.
        """
        kept, have = self._read(exact), self.size(exact)
        if resume is not None or kept is None or not have:
            have = 0
        elif kept.total == have:
            async with aclosing(self._again(exact, have)) as body:
                yield Incoming(0, have, kept.media_type, kept.validator, kept.url, body)
            return
        else:
            resume = Resume(have, kept.validator)
        async with self._inner.open(exact, resume=resume) as incoming:
            if not have or incoming.offset != have:
                async with aclosing(self._noting(exact, incoming)) as body:
                    yield replace(incoming, body=body)
                return
            length = None if incoming.length is None else have + incoming.length
            async with aclosing(self._going_on(exact, have, incoming)) as body:
                yield replace(incoming, offset=0, length=length, body=body)

    async def _going_on(
        self, exact: Handle, have: int, incoming: Incoming
    ) -> AsyncGenerator[bytes, None]:
        async with aclosing(self._again(exact, have)) as before:
            async for piece in before:
                yield piece
        async with aclosing(self._noting(exact, incoming)) as after:
            async for piece in after:
                yield piece

    async def _again(self, exact: Handle, size: int) -> AsyncGenerator[bytes, None]:
        try:
            async with aiofiles.open(self._body(exact), "rb") as file:
                while size and (piece := await file.read(min(_PIECE, size))):
                    size -= len(piece)
                    yield piece
        except OSError as error:
            self.forget(exact)
            raise StorageFailedError(
                f"what had come of {exact} cannot be read: {error.strerror}",
                remedy="It was removed: run it again, and look at the disk.",
            ) from error

    async def _noting(self, exact: Handle, incoming: Incoming) -> AsyncGenerator[bytes, None]:
        """Pass the body on, and keep it where it may be gone on with."""
        if not incoming.validator or incoming.offset not in (0, self.size(exact)):
            self.forget(exact)
            async for piece in incoming.body:
                yield piece
            return
        try:
            if not incoming.offset:
                self._begin(exact, incoming)
            async with aiofiles.open(self._body(exact), "ab", buffering=0) as file:
                async for piece in incoming.body:
                    await file.write(piece)
                    yield piece
        except OSError as error:
            self.forget(exact)
            raise StorageFullError(
                f"what comes of {exact} cannot be kept: {error.strerror}",
                remedy="Free space on the disk of the data folder, and run it again.",
            ) from error

    def _begin(self, exact: Handle, incoming: Incoming) -> None:
        self.forget(exact)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = Kept(incoming.validator, incoming.length, incoming.media_type, incoming.url)
        self._about(exact).write_bytes(msgspec.json.encode(about))

    def _read(self, exact: Handle) -> Kept | None:
        try:
            return msgspec.json.decode(self._about(exact).read_bytes(), type=Kept)
        except (OSError, msgspec.MsgspecError):
            return None

    def _body(self, exact: Handle) -> Path:
        return self._folder / f"{hashlib.sha256(str(exact).encode()).hexdigest()}.part"

    def _about(self, exact: Handle) -> Path:
        return self._body(exact).with_suffix(".json")
