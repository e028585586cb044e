"""Archives that an officer has read, kept until the daemon takes them into the store."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.original import OriginalHash
from hubproxy.core.record import Record
from hubproxy.files import make_folder
from hubproxy.store.discovery import Discovery
from hubproxy.store.folder import Part
from hubproxy.store.spool import open_spool
from hubproxy.store.threads import in_thread


class Drafts:
    """`drafts/<sha256>.tar`. Needs no lock: each file appears whole.

    Named by content, so that a module's older record never finds, or drops, the archive of
    its newer one. What nobody has signed is never looked for.
    """

    def __init__(self, folder: Path, limits: ArchiveLimits) -> None:
        self._folder, self._limits = folder, limits

    @asynccontextmanager
    async def discover(
        self, originals: frozenset[OriginalHash] = frozenset()
    ) -> AsyncIterator[Discovery]:
        """A place for a module that is looked at; gone again unless `adopt`ed.

        Args:
            originals: what to compute of upstream's archive besides its sha256.
        """
        make_folder(self._folder, mode=0o700)
        with ThreadPoolExecutor(1) as executor:
            discovery = Discovery(
                executor=executor,
                limits=self._limits,
                new_part=self._new_part,
                room=lambda _: None,
                spool=self._spool,
                originals=originals,
            )
            try:
                yield discovery
            finally:
                discovery.drop()

    async def adopt(self, discovery: Discovery, record: Record) -> None:
        """Keep the archive for the daemon."""
        await in_thread(lambda: discovery.part.become(self._path(record)))

    def open(self, record: Record) -> BinaryIO | None:
        """The archive that a record names, if an officer has left it here. Not checked yet."""
        try:
            return self._path(record).open("rb", buffering=0)
        except FileNotFoundError:
            return None

    def drop(self, record: Record) -> None:
        """Remove the archive of a record; fine if there is none."""
        self._path(record).unlink(missing_ok=True)

    def _path(self, record: Record) -> Path:
        return self._folder / f"{record.archive_digest.hex}.tar"

    def _new_part(self) -> Part:
        return Part.create(self._folder)

    def _spool(self) -> BinaryIO:
        return open_spool(self._folder, lambda _: None)
