"""The verifier's memory: how new a list was seen, and how late it was, by the audit log.

The folder that a TUF client keeps is its whole memory: wiped, it takes any list that was ever
signed. What came into force stands in the audit log as well, and so does the time.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from hubproxy.core.audit import AuditEvent
from hubproxy.core.trust import Verdict, Versions

TOLERANCE = timedelta(minutes=5)
"""By so much a clock may be set back without anyone being asked."""

_OFFICERS_ROLES = ("targets", "root")
_ROLES = ("timestamp", "snapshot", *_OFFICERS_ROLES)


def floor_of(event: AuditEvent, identity: str) -> Versions | None:
    """The versions that an event says were seen of a list, or None where it is of no help.

    Args:
        event: any.
        identity: of the list: the digest of the root file that trust in it began with.
    """
    if event.event != "trust" or event.record != identity:
        return None
    try:
        return Versions.parse(event.trust)
    except ValueError:
        return None


def went_back(offered: Versions, seen: Versions, *, online_since: int = 1) -> Verdict | None:
    """The refusal of a list that is older than one already seen, or None.

    Whoever stole an online key may have run up the numbers that it signs, so that the officers'
    list would look old for ever. So these are forgotten when the officers change the online keys
    (TUF 1.0, 5.3.11); the numbers that the officers sign themselves never are.

    Args:
        offered: versions of the list in question.
        seen: the highest versions that were in force.
        online_since: version of the first root with the online keys that `offered` is signed by.
    """
    for role in _OFFICERS_ROLES if online_since > seen.root else _ROLES:
        now, before = getattr(offered, role), getattr(seen, role)
        if now < before:
            return Verdict(
                "HP-T08",
                503,
                f"trust list went backwards: {role} {now} offered, {before} already seen",
                remedy="Somebody may have put an old list in the place of the new one: "
                "ask a trust officer, and see `trust.source`.",
            )
    return None


def newest(events: Iterable[AuditEvent]) -> datetime | None:
    """The latest time that events tell of, oldest event first; None where there is no event.

    What stands before the acceptance of a clock does not count.
    """
    latest: datetime | None = None
    for event in events:
        try:
            at = datetime.fromisoformat(event.time)
        except ValueError:
            continue
        if at.tzinfo is not None and (latest is None or at > latest or event.event == "clock"):
            latest = at
    return latest


def behind(now: datetime, latest: datetime | None) -> Verdict | None:
    """The refusal to go on with a clock that is behind what was already recorded, or None."""
    if latest is None or now >= latest - TOLERANCE:
        return None
    return Verdict(
        "HP-T14",
        503,
        f"clock is behind the last audited event by {_in_words(latest - now)}",
        remedy="Set the clock: `timedatectl set-ntp true`. Where it is right, and the log's was "
        "wrong: `hubproxy audit accept-clock`, with the daemon stopped.",
    )


def _in_words(time: timedelta) -> str:
    for unit, word in ((timedelta(days=1), "day"), (timedelta(hours=1), "hour")):
        if time >= unit:
            count = round(time / unit)
            return f"{count} {word}{'' if count == 1 else 's'}"
    return f"{round(time / timedelta(minutes=1))} minutes"
