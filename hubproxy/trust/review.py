"""What a draft would change, as values for a person to read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hubproxy.core.policy import Policy
from hubproxy.core.record import Record


@dataclass(frozen=True, slots=True)
class Requirement:
    """Whose signatures a role's new file needs, and which it has. Names, or ids of nameless keys.

    `by` says whose demand it is: a new root has one of the old root and one of its own.
    """

    role: str
    version: int
    by: str
    threshold: int
    signed: tuple[str, ...]
    missing: tuple[str, ...]
    """Who may sign and has not; as many as there are, not as are needed."""

    @property
    def met(self) -> bool:
        return len(self.signed) >= self.threshold

    def __str__(self) -> str:
        """`targets: 1 of 2, missing bob or cyd`."""
        text = f"{self.role}: {len(self.signed)} of {self.threshold}"
        if self.by:
            text += f" (as {self.by} demands)"
        return text if self.met else f"{text}, missing {' or '.join(self.missing) or 'anybody'}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of one role: `before` is None when it is new, `after` when it goes.

    `before` is what a look-up found until now, in whatever role; `ops`, evidence, licence and card
    are read off the records.
    """

    role: str
    path: str
    before: Record | None
    after: Record | None
    new: tuple[str, ...] = ()
    """Files."""
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    new_ops: tuple[str, ...] = ()
    removed_ops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RoleReview:
    """What becomes of one role: None where it had, or has, no such role."""

    role: str
    version: int
    expires: datetime | None
    """None: the team is trusted no longer."""
    was_expires: datetime | None
    threshold: int
    was_threshold: int
    new_keys: tuple[str, ...] = ()
    """`ada (1f3c…)`: who, and the beginning of the key's id."""
    removed_keys: tuple[str, ...] = ()
    new_patterns: tuple[str, ...] = ()
    removed_patterns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """A draft as its signers read it, built from its base and its changes alone."""

    name: str
    fingerprint: str
    """sha256 of what is signed in the list's first root: compare it where no root is pinned."""
    pinned: bool
    """Whether the base was verified from a root that the reader had before."""
    roles: tuple[RoleReview, ...]
    entries: tuple[Entry, ...]
    requirements: tuple[Requirement, ...]
    policy: tuple[Policy, Policy] | None = None
    """Before and after, when it changes."""
    evidence: Mapping[str, str] = field(default_factory=dict)
