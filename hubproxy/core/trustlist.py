"""A verified state of the trust list, and how a handle is looked up in it.

The officers' own role, `targets`, is always there. A team's role is read when a handle is asked
for that it may list: `missing` names the roles that an answer still needs, and `with_role` adds
one. So the snapshot itself reads nothing. The order of look-up is that of TUF 1.0 (5.6.7): depth
first, the officers before their teams, a terminating delegation last.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from fnmatch import translate

from hubproxy.core.digest import Descriptor
from hubproxy.core.handle import Handle
from hubproxy.core.policy import NO_POLICY, Policy
from hubproxy.core.record import FORMATS, Format, target_path
from hubproxy.core.trust import Listed, Verdict, Versions

TOP = "targets"
"""The role that the officers sign together."""


@dataclass(frozen=True, slots=True)
class Delegation:
    """A role that may list what its patterns match, segment by segment (TUF 1.0, 4.5)."""

    role: str
    patterns: tuple[str, ...]
    terminating: bool = True
    _compiled: tuple[tuple[re.Pattern[str], ...], ...] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        compiled = tuple(
            tuple(re.compile(translate(part)) for part in pattern.split("/"))
            for pattern in self.patterns
        )
        object.__setattr__(self, "_compiled", compiled)

    def covers(self, path: str) -> bool:
        """Whether a target path matches one of the patterns."""
        parts = path.split("/")
        return any(
            len(pattern) == len(parts) and all(map(_match, pattern, parts))
            for pattern in self._compiled
        )

    def may_cover(self, unversioned: Handle) -> bool:
        """Whether some version of a module, in some format, may match one of the patterns."""
        parts = str(unversioned).split("/")
        return any(
            len(pattern) == len(parts) + 2 and all(map(_match, pattern, parts))
            for pattern in self._compiled
        )


@dataclass(frozen=True, slots=True)
class Role:
    """What one signed role lists.

    Args:
        name: of the role: `targets`, or a team's.
        version: of its file.
        expires: timezone-aware UTC.
        targets: target path -> descriptor of the record.
        revoked: the target paths whose record takes an approval back.
        delegations: in the order in which they are asked.
    """

    name: str
    version: int
    expires: datetime
    targets: Mapping[str, Descriptor]
    revoked: frozenset[str] = frozenset()
    delegations: tuple[Delegation, ...] = ()


@dataclass(frozen=True, slots=True)
class TrustSnapshot:
    """One verified state of the list.

    Args:
        versions: of the top roles it was read from.
        expires: the earliest expiry of any top role, timezone-aware UTC.
        roles: name -> role, of those read so far; `targets` is always one.
        policy: what the officers demand; where they have published none, nothing.
    """

    versions: Versions
    expires: datetime
    roles: Mapping[str, Role]
    policy: Policy = NO_POLICY

    def with_role(self, role: Role) -> "TrustSnapshot":
        """The same list with one more role read."""
        return replace(self, roles={**self.roles, role.name: role})

    @property
    def delegated(self) -> tuple[str, ...]:
        """Every role that is delegated to, of those read so far; each name once."""
        names = (one.role for role in self.roles.values() for one in role.delegations)
        return tuple(dict.fromkeys(names))

    def missing(self, handle: Handle) -> tuple[str, ...]:
        """The roles that must be read before `exact` and `find` can answer for a handle.

        Empty when they can. Reading these may lead to more: ask again.
        """
        if handle.version is None:
            walks: Iterable[Iterator[Role | str]] = [self._walk(handle)]
        else:
            walks = (self._walk(target_path(handle, form)) for form in FORMATS)
        return tuple(dict.fromkeys(one for walk in walks for one in walk if isinstance(one, str)))

    def find(self, exact: Handle, formats: tuple[Format, ...]) -> Listed | None:
        """The first of `formats` under which the list names the handle.

        Raises:
            LookupError: a role that may name it was not read: see `missing`.
        """
        for form in formats:
            found = self._find(target_path(exact, form))
            if found is not None:
                role, record, expires = found
                return Listed(exact, form, record, role.name, expires)
        return None

    def exact(self, handle: Handle, formats: tuple[Format, ...] = FORMATS) -> Handle:
        """The handle with its version: for "latest", the highest that is approved.

        Only versions in one of `formats` count; where all of them are revoked, the highest
        of those is it. A handle that the list does not name comes back as it is.
        """
        if handle.version is not None:
            return handle
        named = self._versions_of(handle, formats)
        approved = [version for version, revoked in named if not revoked]
        best = approved or [version for version, _ in named]
        return handle.at(max(best)) if best else handle

    def listing(self) -> list[tuple[Handle, Format]]:
        """Every exact handle and format that the roles read so far name, sorted.

        Targets of another shape, and those that no delegation lets a role list, are passed over.
        """
        found = set()
        for role in self.roles.values():
            for path in role.targets:
                named = _named(path)
                if named is not None and self._lists(role, path):
                    found.add(named)
        return sorted(found)

    def fresh(self, at: datetime) -> Verdict | None:
        """Whether the list may still be used at a time."""
        return expired(self.expires, at)

    def _versions_of(self, handle: Handle, formats: tuple[Format, ...]) -> list[tuple[int, bool]]:
        """Each version that is named, and whether it is revoked."""
        found = []
        start = f"{handle}/"
        for role in self._walk(handle):
            if isinstance(role, str):
                raise LookupError(f"the role {role} was not read yet")
            for path in role.targets:
                if not path.startswith(start):
                    continue
                named = _named(path)
                if named is None or named[0].unversioned != handle or named[1] not in formats:
                    continue
                if self._lists(role, path):
                    assert named[0].version is not None
                    found.append((named[0].version, path in role.revoked))
        return found

    def _lists(self, role: Role, path: str) -> bool:
        """Whether a look-up of the path ends in this role."""
        found = self._find(path)
        return found is not None and found[0] is role

    def _find(self, path: str) -> tuple[Role, Descriptor, datetime] | None:
        expires = self.expires
        for role in self._walk(path):
            if isinstance(role, str):
                raise LookupError(f"the role {role} was not read yet")
            expires = min(expires, role.expires)
            record = role.targets.get(path)
            if record is not None:
                return role, record, expires
        return None

    def _walk(self, wanted: str | Handle) -> Iterator[Role | str]:
        """The roles that may list a path, or a module's versions; a name where one is unread."""
        seen: set[str] = set()
        waiting = [TOP]
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            role = self.roles.get(name)
            if role is None:
                yield name
                continue
            yield role
            inner = []
            for one in role.delegations:
                if isinstance(wanted, Handle):
                    if one.may_cover(wanted):
                        inner.append(one.role)
                elif one.covers(wanted):
                    inner.append(one.role)
                    if one.terminating:
                        waiting.clear()
                        break
            waiting.extend(reversed(inner))


def expired(expires: datetime, at: datetime) -> Verdict | None:
    """The refusal of a list that has expired, or None while it has not."""
    if at < expires:
        return None
    return Verdict(
        "HP-T07",
        503,
        f"trust list expired on {expires:%Y-%m-%d %H:%M} UTC",
        remedy="Ask a trust officer to run `hubproxy trust renew --all`, or mend `trust.source`.",
    )


def _named(path: str) -> tuple[Handle, Format] | None:
    """The exact handle and format that a target path names, if it is of that shape."""
    text, _, name = path.rpartition("/")
    form = next((form for form in FORMATS if name == f"{form}.json"), None)
    if form is None:
        return None
    try:
        exact = Handle.parse(text)
    except ValueError:
        return None
    return (exact, form) if str(exact) == text and exact.version is not None else None


def _match(pattern: re.Pattern[str], part: str) -> bool:
    return pattern.match(part) is not None
