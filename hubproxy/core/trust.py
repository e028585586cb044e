"""What the trust list says: pure decisions on a verified snapshot of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from hubproxy.core.digest import Descriptor
from hubproxy.core.handle import Handle
from hubproxy.core.record import FORMATS, Format, Record, target_path

Mode = Literal["enforce", "first-use"]
MODES: tuple[Mode, ...] = ("enforce", "first-use")


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of the roles that a snapshot was read from."""

    root: int = 0
    timestamp: int = 0
    snapshot: int = 0
    targets: int = 0

    def __str__(self) -> str:
        return f"root {self.root}, timestamp {self.timestamp}"

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


@dataclass(frozen=True, slots=True)
class TrustSnapshot:
    """One verified state of the list.

    Args:
        versions: of the roles it was read from.
        expires: the earliest expiry of any role, timezone-aware UTC.
        targets: target path -> descriptor of the record.
        revoked: the target paths whose record takes an approval back.
    """

    versions: Versions
    expires: datetime
    targets: Mapping[str, Descriptor]
    revoked: frozenset[str] = frozenset()
    _versions: Mapping[Handle, list[tuple[Handle, Format]]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        versions: dict[Handle, list[tuple[Handle, Format]]] = {}
        for exact, form in reversed(self.listing()):
            versions.setdefault(exact.unversioned, []).append((exact, form))
        object.__setattr__(self, "_versions", versions)

    def listing(self) -> list[tuple[Handle, Format]]:
        """Every exact handle and format named, sorted. Targets of another shape are passed over."""
        found = []
        for path in self.targets:
            text, _, name = path.rpartition("/")
            form = next((form for form in FORMATS if name == f"{form}.json"), None)
            if form is None:
                continue
            try:
                exact = Handle.parse(text)
            except ValueError:
                continue
            if str(exact) == text and exact.version is not None:
                found.append((exact, form))
        return sorted(found)

    def exact(self, handle: Handle, formats: tuple[Format, ...] = FORMATS) -> Handle:
        """The handle with its version: for "latest", the highest that is approved.

        Only versions in one of `formats` count; where all of them are revoked, the highest
        of those is it. A handle that the list does not name comes back as it is.
        """
        if handle.version is not None:
            return handle
        named = [found for found in self._versions.get(handle, ()) if found[1] in formats]
        approved = [found for found in named if target_path(*found) not in self.revoked]
        return (approved or named or [(handle, "other")])[0][0]

    def find(self, exact: Handle, formats: tuple[Format, ...]) -> Listed | None:
        """The first of `formats` under which the list names the handle."""
        for form in formats:
            found = self.targets.get(target_path(exact, form))
            if found is not None:
                return Listed(exact, form, found)
        return None

    def fresh(self, at: datetime) -> Verdict | None:
        """Whether the list may still be used at a time."""
        if at < self.expires:
            return None
        return Verdict(
            "HP-T07",
            503,
            f"trust list expired on {self.expires:%Y-%m-%d %H:%M} UTC",
            remedy="Ask a trust officer to run `hubproxy trust renew --all`, "
            "or mend `trust.source`.",
        )


def unlisted(handle: Handle, versions: Versions) -> Verdict:
    """The refusal of a module that the list does not name."""
    name = str(handle) if handle.version is not None else f"{handle} (any version)"
    return Verdict(
        "HP-T01",
        403,
        f"{name} is not on the trust list ({versions})",
        remedy=f"Ask a trust officer: `hubproxy trust approve {handle}{_version(handle)}`",
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
