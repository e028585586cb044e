"""What officers allow of the gate's findings: changes of their policy."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from hubproxy.core.allowance import Allowance
from hubproxy.core.policy import Policy
from hubproxy.errors import UsageError

_DAYS = 365


def allowances(
    patterns: Iterable[str], findings: Sequence[str], *, reason: str, review_by: str, at: datetime
) -> tuple[Allowance, ...]:
    """An allowance of each finding for each pattern.

    Args:
        review_by: the day until which they hold; a year from now where it is empty.
        at: now, timezone-aware UTC.

    Raises:
        UsageError: one cannot be understood, gives no reason, or has ended already.
    """
    day = review_by or (at + timedelta(days=_DAYS)).date().isoformat()
    found = tuple(
        Allowance(pattern=pattern, finding=finding, reason=reason, review_by=day)
        for pattern in patterns
        for finding in dict.fromkeys(findings)
    )
    for one in found:
        try:
            one.check()
        except ValueError as error:
            raise UsageError(f"not an allowance: {error}") from error
    if day < at.date().isoformat():
        raise UsageError(f"an allowance until {day} has ended already")
    return found


def with_allowances(policy: Policy, more: Iterable[Allowance]) -> Policy:
    """A policy that allows more; of the same finding for the same pattern, the new one counts."""
    known = {(one.pattern, one.finding): one for one in policy.allow}
    known |= {(one.pattern, one.finding): one for one in more}
    return msgspec.structs.replace(policy, allow=tuple(known[key] for key in sorted(known)))


def without_allowances(policy: Policy, pattern: str, findings: Sequence[str]) -> Policy:
    """A policy that allows no longer what it allowed for a pattern.

    Args:
        findings: their names; all of that pattern where there is none.

    Raises:
        UsageError: it does not allow one of them.
    """
    there = {one.finding for one in policy.allow if one.pattern == pattern}
    for name in findings or ("anything",) * (not there):
        if name not in there:
            raise UsageError(
                f"the policy does not allow {name} for {pattern}",
                remedy="See `hubproxy trust policy show`.",
            )
    gone = set(findings) or there
    kept = [one for one in policy.allow if one.pattern != pattern or one.finding not in gone]
    return msgspec.structs.replace(policy, allow=tuple(kept))
