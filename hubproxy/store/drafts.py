"""Archives that an officer has read, kept until the daemon takes them into the store."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, cast

from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.record import Record
from hubproxy.files import make_folder
from hubproxy.store.discovery import Discovery
from hubproxy.store.folder import Part


class Drafts:
    """`drafts/<handle>/archive.tar`. Needs no lock: each file appears whole."""

    def __init__(self, folder: Path, limits: ArchiveLimits) -> None:
        self._folder, self._limits = folder, limits

    @asynccontextmanager
    async def discover(self) -> AsyncIterator[Discovery]:
        """A place for a module that is looked at; gone again unless `adopt`ed."""
        make_folder(self._folder, mode=0o700)
        with ThreadPoolExecutor(1) as executor:
            discovery = Discovery(
                executor=executor,
                limits=self._limits,
                new_part=self._new_part,
                room=lambda _: None,
                spool=self._spool,
            )
            try:
                yield discovery
            finally:
                discovery.drop()

    async def adopt(self, discovery: Discovery, record: Record) -> None:
        """Keep the archive as the draft of its handle."""
        await asyncio.to_thread(discovery.part.become, self._path(record.handle))

    def drop(self, handle: str) -> None:
        """Remove the draft of a handle, and the folders that are then empty."""
        path = self._path(handle)
        if path.exists():
            path.unlink()
            self._tidy(path)

    def reject(self, handle: str) -> None:
        """Put a draft aside that is not what the record says: upstream is asked next time."""
        path = self._path(handle)
        if path.exists():
            path.rename(self._folder / f"rejected.{time.time_ns()}.tar")
            self._tidy(path)

    def _path(self, handle: str) -> Path:
        return self._folder / handle / "archive.tar"

    def _tidy(self, path: Path) -> None:
        for parent in path.parents:
            if parent == self._folder or any(parent.iterdir()):
                return
            parent.rmdir()

    def _new_part(self) -> Part:
        return Part.create(self._folder)

    def _spool(self) -> BinaryIO:
        return cast("BinaryIO", tempfile.TemporaryFile(dir=self._folder))
