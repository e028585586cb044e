"""The trust list in force: refreshed on a timer, kept when the new one is bad."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

from hubproxy.core.digest import Digest
from hubproxy.core.record import Record
from hubproxy.core.trust import Listed, TrustSnapshot, Versions
from hubproxy.errors import TrustListError
from hubproxy.logs import event
from hubproxy.service.ports import Modules, TrustSource

_RECORDS_IN_MEMORY = 256


class TrustKeeper:
    """Holds the last good state of the list, and the records that it names.

    Args:
        clock: the time, timezone-aware UTC.

    """

    def __init__(
        self, source: TrustSource, modules: Modules, *, clock: Callable[[], datetime]
    ) -> None:
        self._source, self._modules, self._clock = source, modules, clock
        self._snapshot: TrustSnapshot | None = None
        self._records: OrderedDict[Digest, Record] = OrderedDict()
        self.error: TrustListError | None = None
        """Why the last refresh failed; None when it did not."""

    @property
    def versions(self) -> Versions:
        return self._snapshot.versions if self._snapshot else Versions()

    @property
    def expires(self) -> datetime | None:
        return self._snapshot.expires if self._snapshot else None

    def snapshot(self) -> TrustSnapshot:
        """The list in force.

        Raises:
            TrustListError: there is none, or it has expired.
        """
        if self._snapshot is None:
            raise self.error or TrustListError("HP-T09", "the trust list has not been read yet")
        stale = self._snapshot.fresh(self._clock())
        if stale is not None:
            raise TrustListError(stale.code, stale.message, remedy=stale.remedy)
        return self._snapshot

    async def refresh(self) -> None:
        """Read the list anew. A bad or missing one changes nothing but `error`."""
        try:
            fresh = await asyncio.to_thread(self._source.refresh)
        except TrustListError as error:
            self._failed(error)
            if self._snapshot is None:
                await self._fall_back()
            return
        if self._snapshot is None or fresh.versions != self._snapshot.versions:
            event("trust.refreshed", versions=fresh.versions, modules=len(fresh.targets))
        self._snapshot, self.error = fresh, None

    async def keep_fresh(self, seconds: float) -> None:
        """Refresh every `seconds`, for ever."""
        while True:
            await asyncio.sleep(seconds)
            await self.refresh()

    async def record(self, listed: Listed) -> Record:
        """The record that the list names, from memory, the store, or the list's source.

        Raises:
            TrustListError: it cannot be had, or is not what the list says.
        """
        digest = listed.record.digest
        record = self._records.get(digest)
        if record is None:
            record = await self._read(listed)
            self._records[digest] = record
            if len(self._records) > _RECORDS_IN_MEMORY:
                self._records.popitem(last=False)
        else:
            self._records.move_to_end(digest)
        return record

    async def _read(self, listed: Listed) -> Record:
        text = await self._modules.read_record(listed.record)
        if text is None:
            text = await asyncio.to_thread(self._source.fetch_record, listed.record)
            await self._modules.keep_record(text)
        try:
            return Record.decode(text)
        except ValueError as error:
            raise TrustListError(
                "HP-T09",
                f"the record of {listed.exact} cannot be read: {error}",
                remedy="Ask a trust officer to approve the module again.",
            ) from error

    async def _fall_back(self) -> None:
        try:
            self._snapshot = await asyncio.to_thread(self._source.cached)
        except TrustListError as error:
            event("trust.cache_unusable", level=logging.WARNING, reason=error)

    def _failed(self, error: TrustListError) -> None:
        if self.error is None or str(self.error) != str(error):
            event("trust.refresh_failed", level=logging.ERROR, code=error.code, reason=error)
        self.error = error
