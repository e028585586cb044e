"""How long the roles of a list live, and our own field of the signed targets that says so."""

from dataclasses import dataclass
from typing import Any

import msgspec
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Targets  # type: ignore[attr-defined]  # no __all__

from hubproxy.errors import UsageError

_LONGEST_LIFE = 36500
_TOP_ROLES = ("root", "targets", "snapshot", "timestamp")


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Days from a role's signature to its expiry."""

    root: int = 365
    targets: int = 180
    team: int = 90
    snapshot: int = 30
    timestamp: int = 7

    def of(self, role: str) -> int:
        """Of a role by its name: what is not one of the list's own is a team's."""
        return int(getattr(self, role if role in _TOP_ROLES else "team"))


def own_fields(min_root: int, days: Lifetimes) -> dict[str, Any]:
    """Our own field of the signed targets: the least root, and how long roles live."""
    return {"min_root": min_root, "days": msgspec.to_builtins(days)}


def own_contents(contents: str) -> dict[str, Any]:
    """Our own field of a signed timestamp: the digest of what it is carried with."""
    return {"hubproxy": {"contents": contents}}


def read_days(given: object) -> Lifetimes:
    """Lifetimes as they stand in the targets, or in a draft that begins a list.

    Raises:
        UsageError: malformed, or more than anybody means.
    """
    try:
        days = msgspec.convert(given, Lifetimes)
    except msgspec.ValidationError as error:
        raise UsageError(f"the days that roles live are malformed: {error}") from error
    if not all(0 < number <= _LONGEST_LIFE for number in msgspec.to_builtins(days).values()):
        raise UsageError("the days that roles live are out of range")
    return days


def lifetimes(targets: Targets) -> Lifetimes:
    """How long the roles of a list live, as its targets say.

    Raises:
        RepositoryError: they say nothing of the kind.
    """
    try:
        return read_days(targets.unrecognized_fields["hubproxy"]["days"])
    except (KeyError, TypeError, UsageError) as error:
        raise RepositoryError(f"targets: `hubproxy.days` is malformed: {error}") from error
