"""The trust list in force: refreshed on a timer, kept when the new one is bad."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from hubproxy.core.record import Record
from hubproxy.core.trust import Listed, Versions
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.errors import TrustListError
from hubproxy.logs import event
from hubproxy.service.ports import Modules, TrustSource
from hubproxy.service.records import Records


class TrustKeeper:
    """Holds the last good state of the list.

    Args:
        clock: the time, timezone-aware UTC.

    """

    def __init__(
        self, source: TrustSource, modules: Modules, *, clock: Callable[[], datetime]
    ) -> None:
        self._source, self._clock = source, clock
        self._snapshot: TrustSnapshot | None = None
        self._records = Records(source, modules)
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
            if self.error is None:
                raise TrustListError("HP-T09", "the trust list has not been read yet")
            raise self.error.with_traceback(None)
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
        if self._snapshot is not None and fresh.versions.behind(self._snapshot.versions):
            # The state folder remembers; this is for one that was wiped while we ran.
            self._failed(
                TrustListError(
                    "HP-T08",
                    f"trust list went backwards: {fresh.versions} offered, "
                    f"{self._snapshot.versions} already seen",
                    remedy="Somebody may have altered the list: ask a trust officer.",
                )
            )
            return
        if self._snapshot is None or fresh.versions != self._snapshot.versions:
            event("trust.refreshed", versions=fresh.versions, modules=len(fresh.listing()))
        self._snapshot, self.error = fresh, None

    async def keep_fresh(self, seconds: float) -> None:
        """Refresh every `seconds`, for ever."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.refresh()
            except Exception as error:  # noqa: BLE001  # else nobody would refresh any more
                event("trust.refresh_crashed", level=logging.ERROR, error=repr(error))

    async def record(self, listed: Listed) -> Record:
        """The record that the list names.

        Raises:
            TrustListError: it cannot be had, or is not what the list says.
        """
        return await self._records.get(listed)

    async def _fall_back(self) -> None:
        try:
            self._snapshot = await asyncio.to_thread(self._source.cached)
        except TrustListError as error:
            event("trust.cache_unusable", level=logging.WARNING, reason=error)

    def _failed(self, error: TrustListError) -> None:
        if self.error is None or str(self.error) != str(error):
            event("trust.refresh_failed", level=logging.ERROR, code=error.code, reason=error)
        self.error = error
