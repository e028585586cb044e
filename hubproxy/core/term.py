"""Until when a list may be used: in force, then in a grace that serves what is known, then not.

An air gap is no reason to stop a cluster on the day a list expires. So the officers sign how
long afterwards a site may go on with what it has; in that time nothing new comes in.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from hubproxy.core.handle import Handle
from hubproxy.core.trust import Verdict
from hubproxy.core.trustlist import TOP

Standing = Literal["in force", "in grace", "ended"]
_RENEW = "Ask a trust officer to run `hubproxy trust renew --all`, or mend `trust.source`."


@dataclass(frozen=True, slots=True)
class Term:
    """How long something that is listed may be served.

    Args:
        expires: when the first of the roles that list it expires, timezone-aware UTC.
        grace_days: how long after that what is stored already is served.
        role: whose expiry it is: `targets` stands for the whole list, any other for a team.
    """

    expires: datetime
    grace_days: int
    role: str = TOP

    @property
    def ends(self) -> datetime:
        """When the grace is over; the last moment there is where that is beyond any calendar."""
        try:
            return self.expires + timedelta(days=self.grace_days)
        except OverflowError:
            return datetime.max.replace(tzinfo=self.expires.tzinfo)

    def standing(self, at: datetime) -> Standing:
        """What holds at a time."""
        if at < self.expires:
            return "in force"
        return "in grace" if at < self.ends else "ended"

    def refusal(self, at: datetime) -> Verdict | None:
        """The refusal of everything once the grace has ended, or None."""
        if self.standing(at) != "ended":
            return None
        grace = f", grace of {self.grace_days} days ended" if self.grace_days else ""
        return Verdict("HP-T07", 503, f"{self._expired}{grace}", remedy=self._remedy)

    def warning(self, at: datetime) -> Verdict | None:
        """What is to be said with an answer given in the grace, or None."""
        if self.standing(at) != "in grace":
            return None
        text = f"{self._expired}; what is stored is served until {_moment(self.ends)}"
        return Verdict("HP-T07", 200, text, remedy=self._remedy)

    def nothing_new(self, handle: Handle) -> Verdict:
        """The refusal of what would have to be fetched in the grace."""
        text = f"{self._expired}; nothing new is fetched until it is renewed, such as {handle}"
        return Verdict("HP-T07", 503, text, remedy=self._remedy)

    @property
    def _expired(self) -> str:
        what = "trust list" if self.role == TOP else f"trust list of team {self.role}"
        return f"{what} expired on {_moment(self.expires)}"

    @property
    def _remedy(self) -> str:
        if self.role == TOP:
            return _RENEW
        return f"Ask whoever signs for team {self.role} to sign its list anew."


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
