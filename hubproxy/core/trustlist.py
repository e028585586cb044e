"""A verified state of the trust list, and how a handle is looked up in it.

The officers' own role, `targets`, is always there. A team's role is read when a handle is asked
for that it may list: `missing` names the roles that an answer still needs, and `with_role` adds
one. So the snapshot itself reads nothing. The order of look-up is that of TUF 1.0 (5.6.7): depth
first, the officers before their teams, a terminating delegation last.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from hubproxy.core.digest import Descriptor
from hubproxy.core.handle import Handle
from hubproxy.core.policy import NO_POLICY, Policy
from hubproxy.core.record import FORMATS, Format, target_path
from hubproxy.core.roles import TOP, Delegation, Role, RoleFile
from hubproxy.core.trust import Listed, Verdict, Versions

__all__ = ["MOST_ROLES", "TOP", "Delegation", "Role", "RoleFile", "TrustSnapshot", "expired"]

MOST_ROLES = 256
"""Roles that one look-up asks (TUF 1.0, 5.6.7.1): more than any list needs."""


@dataclass(frozen=True, slots=True)
class TrustSnapshot:
    """One verified state of the list.

    Args:
        versions: of the top roles it was read from.
        expires: the earliest expiry of any top role, timezone-aware UTC.
        roles: name -> role, of those read so far; `targets` is always one.
        policy: what the officers demand; where they have published none, nothing.
        files: name -> file of every role that may be read, `targets` among them.
        online_since: version of the first root with the keys that snapshot and timestamp have now.
    """

    versions: Versions
    expires: datetime
    roles: Mapping[str, Role]
    policy: Policy = NO_POLICY
    files: Mapping[str, RoleFile] = field(default_factory=dict)
    online_since: int = 1

    def with_role(self, role: Role) -> "TrustSnapshot":
        """The same list with one more role read."""
        return replace(self, roles={**self.roles, role.name: role})

    @property
    def delegated(self) -> tuple[str, ...]:
        """Every role that is delegated to, of those read so far; each name once."""
        names = (one.role for role in self.roles.values() for one in role.delegations)
        return tuple(dict.fromkeys(names))

    def delegation(self, name: str) -> Delegation | None:
        """By whose keys a role must be signed, as a role that was read says; None if none does."""
        delegations = (one for role in self.roles.values() for one in role.delegations)
        return next((one for one in delegations if one.role == name), None)

    def missing(self, handle: Handle) -> tuple[str, ...]:
        """The roles that must be read before `exact` and `find` can answer for a handle.

        Empty when they can. Reading these may lead to more: ask again.
        """
        of_any = self._of_any(handle.unversioned)
        missing = _unread(of_any)
        # Most look-ups end here: what is read for every version is read for one.
        if handle.version is None or (not missing and len(of_any) < MOST_ROLES):
            return missing
        return _unread(one for form in FORMATS for one in self._on_path(target_path(handle, form)))

    def find(self, exact: Handle, formats: tuple[Format, ...]) -> Listed | None:
        """The first of `formats` under which the list names the handle; None without a version.

        Raises:
            LookupError: a role that may name it was not read: see `missing`.
        """
        if exact.version is None:
            return None
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
        for role in self._of_any(handle):
            if isinstance(role, str):
                raise LookupError(f"the role {role} was not read yet")
            for path in role.below(f"{handle}/"):
                named = _named(path)
                if named is None or named[0].unversioned != handle or named[1] not in formats:
                    continue
                if self._lists(role, path):
                    assert named[0].version is not None
                    found.append((named[0].version, path in role.revoked))
        return found

    def _lists(self, role: Role, path: str) -> bool:
        """Whether a look-up of one of the role's paths ends in it."""
        walked = self._on_path(path)
        return walked[-1] is role and not any(isinstance(one, str) for one in walked)

    def _find(self, path: str) -> tuple[Role, Descriptor, datetime] | None:
        expires = self.expires
        for role in self._on_path(path):
            if isinstance(role, str):
                raise LookupError(f"the role {role} was not read yet")
            expires = min(expires, role.expires)
            record = role.targets.get(path)
            if record is not None:
                return role, record, expires
        return None

    def _of_any(self, handle: Handle) -> list[Role | str]:
        """The roles that may list a version of a module; a name where one is unread."""
        return self._walk(None, lambda role: (role.asked_of_any(handle), False))

    def _on_path(self, path: str) -> list[Role | str]:
        """The roles that may list a target path, until one does; a name where one is unread."""
        parts = path.split("/")
        return self._walk(path, lambda role: role.asked(parts))

    def _walk(
        self, path: str | None, ask: Callable[[Role], tuple[list[str], bool]]
    ) -> list[Role | str]:
        """The roles in the order of a look-up, up to the one that lists the path.

        Args:
            path: None for every role that is asked.
            ask: which roles come after one, and whether they alone.
        """
        walked: list[Role | str] = []
        seen: set[str] = set()
        waiting = [TOP]
        while waiting and len(seen) < MOST_ROLES:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            role = self.roles.get(name)
            walked.append(name if role is None else role)
            if role is None:
                continue
            if path in role.targets:
                break
            after, alone = ask(role)
            if alone:
                waiting.clear()
            waiting.extend(reversed(after))
        return walked


def _unread(walked: Iterable[Role | str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in walked if isinstance(one, str)))


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
