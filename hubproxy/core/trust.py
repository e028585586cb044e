"""What the trust list's answers mean: pure decisions on what it lists."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Self

from hubproxy.core.digest import Descriptor
from hubproxy.core.handle import Handle
from hubproxy.core.record import Format, Record

Mode = Literal["enforce", "quarantine", "first-use"]
_VERSIONS = re.compile(
    "root ([0-9]{1,19}), timestamp ([0-9]{1,19})"
    "(?:, snapshot ([0-9]{1,19}), targets ([0-9]{1,19}))?"
)
_NEVER = datetime.max.replace(tzinfo=UTC)
MODES: tuple[Mode, ...] = ("enforce", "quarantine", "first-use")
"""What becomes of a module that is not on the list; the strictest comes first."""


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of the roles that a snapshot was read from."""

    root: int = 0
    timestamp: int = 0
    snapshot: int = 0
    targets: int = 0

    def __str__(self) -> str:
        return f"root {self.root}, timestamp {self.timestamp}"

    @property
    def full(self) -> str:
        """Every version, as `parse` reads it."""
        return f"{self}, snapshot {self.snapshot}, targets {self.targets}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` or `full` wrote; a version that is not named is 0.

        Raises:
            ValueError: any other text.
        """
        match = _VERSIONS.fullmatch(text)
        if match is None:
            raise ValueError(f"not the versions of a trust list: {text[:80]!r}")
        return cls(*(int(number or 0) for number in match.groups()))

    def behind(self, other: "Versions") -> bool:
        """Whether any role is older than in `other`."""
        return (
            self.root < other.root
            or self.timestamp < other.timestamp
            or self.snapshot < other.snapshot
            or self.targets < other.targets
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to "may this be served?"; `None` stands for yes.

    `code` and `status` are those of the table of failure messages, `message` is what the
    client shows, `remedy` the command that would lift it.
    """

    code: str
    status: int
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """An exact handle that the list names, with the descriptor of its record."""

    exact: Handle
    format: Format
    record: Descriptor
    role: str = "targets"
    """The role that lists it: the officers' own, or a team's."""
    expires: datetime = _NEVER
    """When the first of the roles on the way to it expires, timezone-aware UTC."""


def unlisted(handle: Handle, versions: Versions) -> Verdict:
    """The refusal of a module that the list does not name."""
    name = str(handle) if handle.version is not None else f"{handle} (any version)"
    return Verdict(
        "HP-T01",
        403,
        f"{name} is not on the trust list ({versions})",
        remedy=f"Ask for it: `hubproxy request {handle} --why REASON`; a trust officer lists it "
        f"with `hubproxy trust approve {handle}{_version(handle)}`",
    )


def judge(record: Record, listed: Listed) -> Verdict | None:
    """Whether a record allows what the list says it is the record of."""
    if record.handle != str(listed.exact) or record.format != listed.format:
        return Verdict(
            "HP-T09",
            503,
            f"the trust list names for {listed.exact} the record of {record.handle}",
            remedy="Ask a trust officer to approve the module again.",
        )
    if record.status == "revoked":
        day = record.decided_at[:10]
        by = ", ".join(record.reviewers) or "the officers"
        return Verdict(
            "HP-T10",
            410,
            f"{record.handle} was revoked on {day} by {by}: {record.reason}",
            remedy="Use another version, or ask the officers named.",
        )
    return None


def _version(handle: Handle) -> str:
    """What is still to be said: only an exact module can be approved."""
    return "/VERSION" if handle.version is None else ""
