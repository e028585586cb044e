"""Modules that a mirror brings, checked as the daemon would, into a batch beside the store."""

import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import BinaryIO

from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.record import Record
from hubproxy.errors import MismatchError, StorageFullError
from hubproxy.store.drafts import Drafts
from hubproxy.store.receiving import Receiving
from hubproxy.store.spool import open_spool
from hubproxy.store.staging import Stage
from hubproxy.store.threads import in_thread


class Arrivals:
    """Receives modules whose records are known.

    Args:
        stage: where they lie until the owner of the data folder takes them in.
        floor: bytes of the disk that are left free for everything else.
        at_once: modules that are unpacked at the same time.
    """

    def __init__(
        self, stage: Stage, drafts: Drafts, limits: ArchiveLimits, *, floor: int, at_once: int
    ) -> None:
        self._stage, self._drafts, self._limits, self._floor = stage, drafts, limits, floor
        self._executor = ThreadPoolExecutor(at_once, thread_name_prefix="unpack")

    def close(self) -> None:
        self._executor.shutdown()

    def has(self, record: Record) -> bool:
        """Whether an earlier run has received it."""
        return self._stage.has(record)

    def drop(self, record: Record) -> None:
        """Remove what was received of a module that the store has already."""
        self._stage.path(record.archive_digest).unlink(missing_ok=True)

    @asynccontextmanager
    async def receive(
        self, record: Record, verified: Callable[[int], None]
    ) -> AsyncIterator[Receiving]:
        """A place for a module: kept on leaving, if it is whole.

        Raises:
            MismatchError: it is not whole; nothing is left of it.
            StorageFullError: there is no room for it.
        """
        self._check_room(record.archive.size)
        part = self._stage.new_part()
        try:
            receiving = Receiving(
                self._executor, record, part, self._limits, verified, self._spool, self._drafts
            )
            yield receiving
            if not receiving.whole:
                raise MismatchError(f"{record.handle} was left before its end")
            await in_thread(lambda: part.become(self._stage.path(record.archive_digest)))
        finally:
            part.drop()

    def _spool(self) -> BinaryIO:
        return open_spool(self._stage.folder / "tmp", lambda _: None)

    def _check_room(self, size: int) -> None:
        found = os.statvfs(self._stage.folder)
        free = found.f_bavail * found.f_frsize
        if free - size < self._floor:
            raise StorageFullError(
                f"there is no room for {size:,} more bytes: the disk has {free:,} left, of which "
                f"{self._floor:,} stay free",
                remedy="Free space on the disk of the data folder, or lower `store.free_floor`.",
            )
