"""The machine's clock, held against the newest event of the audit log."""

from collections.abc import Callable
from datetime import datetime

from hubproxy.core.floors import behind
from hubproxy.errors import TrustListError


class AuditedClock:
    """Tells the time, and whether it can be true: time that is on record has passed.

    Args:
        clock: the machine's time, timezone-aware UTC.
        newest: the time of the newest event in the log; None when it is empty.
    """

    def __init__(self, clock: Callable[[], datetime], newest: datetime | None = None) -> None:
        self._clock, self._newest = clock, newest

    def now(self) -> datetime:
        """The machine's time, whatever it is."""
        return self._clock()

    def check(self) -> None:
        """See that the clock is not behind the log.

        Raises:
            TrustListError: HP-T14: it is, by more than five minutes.
        """
        verdict = behind(self._clock(), self._newest)
        if verdict is not None:
            raise TrustListError(verdict.code, verdict.message, remedy=verdict.remedy)

    def stamp(self) -> datetime:
        """The time for an event that is about to be recorded.

        While the clock is behind, that of the newest event: the log must not take over a time
        that is known to be wrong, or the next start would believe it.
        """
        now = self._clock()
        if behind(now, self._newest) is not None:
            assert self._newest is not None
            return self._newest
        self._newest = now if self._newest is None else max(now, self._newest)
        return now
