"""What officers allow all the same, of what the content gate finds."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from hubproxy.core.finding import is_finding_name, name_in
from hubproxy.core.patterns import PATTERN, matches
from hubproxy.core.record import Record
from hubproxy.core.trust import Verdict

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Allowance(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A finding that is allowed in modules of some handles, and why.

    Args:
        pattern: of handles: `*` is any text within one segment, `**` any segments. An exact
            handle is a pattern of itself.
        finding: its name, exactly.
        reason: why, in a person's words.
        review_by: the day, `2027-03-01`, after which it allows nothing any more.
    """

    pattern: str
    finding: str
    reason: str
    review_by: str

    def covers(self, handle: str, name: str, at: datetime) -> bool:
        """Whether it allows a finding of that name in a module, at that moment."""
        day = datetime.fromisoformat(self.review_by).replace(tzinfo=UTC)
        return (
            name == self.finding and at < day + timedelta(days=1) and matches(self.pattern, handle)
        )

    def check(self) -> None:
        """See that it can be understood.

        Raises:
            ValueError: it cannot; the message names the field.
        """
        if not PATTERN.fullmatch(self.pattern):
            raise ValueError(f"{self.pattern!r} is not a pattern of handles")
        if not is_finding_name(self.finding):
            raise ValueError(
                f"{self.finding!r} is not the name of a finding, such as `op:ReadFile`"
            )
        if not self.reason.strip():
            raise ValueError(f"the allowance of {self.finding} for {self.pattern} gives no reason")
        if not _DAY.fullmatch(self.review_by):
            raise ValueError(f"{self.review_by!r} is not a day, such as 2027-03-01")
        if datetime.fromisoformat(self.review_by).year > 9000:
            raise ValueError(f"{self.review_by} is later than makes sense")


def unallowed(record: Record, allow: Iterable[Allowance], at: datetime) -> tuple[str, ...]:
    """The lines of a record's findings that nobody allows.

    Args:
        at: now, timezone-aware UTC.
    """
    known = tuple(allow)
    return tuple(
        line
        for line in record.findings
        if not any(one.covers(record.handle, name_in(line), at) for one in known)
    )


def judge_findings(record: Record, allow: Iterable[Allowance], at: datetime) -> Verdict | None:
    """The refusal of a module with findings that the officers do not allow.

    Args:
        at: now, timezone-aware UTC.
    """
    lines = unallowed(record, allow, at)
    if not lines:
        return None
    more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    names = " ".join(dict.fromkeys(map(name_in, lines)))
    return Verdict(
        "HP-T06",
        403,
        f"{record.handle} has {lines[0]}{more}, which the officers' policy does not allow for it",
        remedy="Ask the trust officers: "
        f"`hubproxy trust policy allow {record.handle} {names} --why REASON --review-by DAY`",
    )
