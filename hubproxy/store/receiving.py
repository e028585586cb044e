"""A module whose record is known, on its way into the store."""

import logging
from collections.abc import Callable
from concurrent.futures import Executor
from typing import BinaryIO

from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.record import Record
from hubproxy.errors import MismatchError, UnsafeArchiveError
from hubproxy.logs import event
from hubproxy.store.drafts import Drafts
from hubproxy.store.folder import Part, disk_errors
from hubproxy.store.intake import Intake
from hubproxy.store.sinks import CheckedSink
from hubproxy.store.threads import in_thread
from hubproxy.unpack.ingest import Source, repack


class Receiving:
    """Unpacks upstream's archive into a part file, letting in only what the record names.

    Args:
        verified: called with the number of bytes of the file that may be read, from a thread.
        spool: makes a temporary file, for archives that cannot be read from their front.
    """

    def __init__(
        self,
        executor: Executor,
        record: Record,
        part: Part,
        limits: ArchiveLimits,
        verified: Callable[[int], None],
        spool: Callable[[], BinaryIO],
        drafts: Drafts,
    ) -> None:
        self._executor, self._record, self._part = executor, record, part
        self._limits, self._report, self._spool = limits, verified, spool
        self._drafts = drafts
        self._have = 0

    @property
    def descriptor(self) -> int:
        """The part file. It is good as far as was reported to `verified`."""
        return self._part.descriptor

    @property
    def whole(self) -> bool:
        """Whether every byte of the archive is in the part file."""
        return self._have == self._record.archive.size

    def attempt(self) -> Intake[None]:
        """Check upstream's archive from its first byte; chunks already there stay."""
        return Intake(self._executor, self._check)

    async def from_draft(self) -> bool:
        """Take the archive that an officer has read already, through the same checks.

        Returns:
            Whether it was there and is the one that the record names; if not, it is removed.
        """
        draft = self._drafts.open(self._record)
        if draft is None:
            return False

        def work() -> bool:
            with draft:
                try:
                    self._check(draft, strip="")
                except MismatchError as error:
                    event("draft.rejected", level=logging.WARNING, reason=error)
                    self._drafts.drop(self._record)
                    return False
            return True

        return await in_thread(work)

    def _check(self, source: Source, *, strip: str | None = None) -> None:
        record = self._record
        sink = CheckedSink(record, self._part, have=self._have, verified=self._verified)
        try:
            with disk_errors():
                repack(
                    source,
                    sink,
                    limits=self._limits,
                    strip=record.root if strip is None else strip,
                    expected_size=record.archive.size,
                    hash_files=False,
                    spool=self._spool,
                )
        except UnsafeArchiveError as error:
            raise MismatchError(f"{record.handle}: {error}", remedy=error.remedy) from error
        sink.close()

    def _verified(self, size: int) -> None:
        self._have = size
        self._report(size)
