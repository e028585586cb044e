"""What a draft would change, as values for a person to read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    TargetFile,
    Targets,
)

from hubproxy.core.policy import NO_POLICY, POLICY_PATH, Policy
from hubproxy.core.record import Record
from hubproxy.core.trustlist import TOP
from hubproxy.trust.build import Built, Requirement
from hubproxy.trust.changes import Change, Put, Remove
from hubproxy.trust.contents import Contents
from hubproxy.trust.inforce import delegations
from hubproxy.trust.thresholds import (
    AnyFile,
    Delegator,
    fingerprint,
    keys_of,
    name_of,
    role_of,
)

__all__ = ["Entry", "Requirement", "Review", "RoleReview", "reviewed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of one role.

    Args:
        role: that lists it, or does so no longer.
        before: the record that a look-up ended in until now, in whatever role; None for none.
        after: the record that is listed; None when the path goes.
        new, changed, removed: files, by their paths.
        new_ops, removed_ops: kinds of op, where both records say which they have.
    """

    role: str
    path: str
    before: Record | None
    after: Record | None
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    new_ops: tuple[str, ...] = ()
    removed_ops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RoleReview:
    """What becomes of one role: versions, expiries and the like are None where there is none.

    Args:
        was_listed, listed: how many paths it lists.
        new_keys, removed_keys: `ada (1f3c5a7e9b2d4c6f)`: who, and the beginning of the key's id.
    """

    role: str
    was_version: int | None
    version: int | None
    was_expires: datetime | None
    expires: datetime | None
    was_threshold: int | None
    threshold: int | None
    was_listed: int | None = None
    listed: int | None = None
    new_keys: tuple[str, ...] = ()
    removed_keys: tuple[str, ...] = ()
    new_patterns: tuple[str, ...] = ()
    removed_patterns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """A draft as its signers read it, built from its base and its changes alone.

    Args:
        fingerprint: sha256 of what is signed in the list's first root: to be compared where no
            root is pinned.
        pinned: whether the base was verified from a root that the reader had before.
        begins: whether it begins a list.
        policy: before and after, where it changes.
    """

    name: str
    note: str
    made_at: datetime
    fingerprint: str
    pinned: bool
    begins: bool
    changes: tuple[Change, ...]
    roles: tuple[RoleReview, ...]
    entries: tuple[Entry, ...]
    requirements: tuple[Requirement, ...]
    policy: tuple[Policy, Policy] | None = None


def entries(
    built: Built, changes: Sequence[Change], contents: Contents, base: Contents
) -> Iterator[Entry]:
    """What is listed anew, and what no longer, in the order of the changes.

    Args:
        contents: where the new records are.
        base: where those that they replace are.

    Raises:
        UsageError: a record is missing.
    """
    for change in changes:
        if isinstance(change, Put):
            after = contents.record(change.digest)
            yield _compared(change.role, change.path, _before(built, change.path, base), after)
        elif isinstance(change, Remove) and change.path != POLICY_PATH:
            yield _compared(change.role, change.path, _before(built, change.path, base), None)


def roles(built: Built) -> Iterator[RoleReview]:
    """What becomes of each role that changes, the officers' own first."""
    base = built.base
    new_root = built.last_root.signed
    if built.root is not None:
        for name in ("root", TOP, "snapshot", "timestamp"):
            old = None if base is None else base.root.signed
            review = _role(name, old, new_root, built)
            if name in ("root", TOP) or review.new_keys or review.removed_keys:
                yield review
    elif built.targets is not None:
        yield _role(TOP, new_root, new_root, built)
    old_targets = None if base is None else base.targets.signed
    for name in (*built.teams, *built.undelegated):
        yield _role(name, old_targets, built.last_targets.signed, built)


def policies(built: Built, contents: Contents, base: Contents) -> tuple[Policy, Policy] | None:
    """The officers' policy before and after, where it changes.

    Raises:
        UsageError: a text is missing.
    """
    if built.targets is None:
        return None
    old = {} if built.base is None else built.base.targets.signed.targets
    before, after = old.get(POLICY_PATH), built.targets.signed.targets.get(POLICY_PATH)
    if _digest(before) == _digest(after):
        return None
    return (
        NO_POLICY if before is None else base.policy(_digest(before)),
        NO_POLICY if after is None else contents.policy(_digest(after)),
    )


def reviewed(
    built: Built,
    changes: Sequence[Change],
    contents: Contents,
    find: Callable[[str], bytes | None],
    *,
    name: str,
    note: str,
    made_at: datetime,
    pinned: bool,
) -> Review:
    """The review of a draft.

    Args:
        find: reads a file of the draft's base, by its name in the draft.

    Raises:
        UsageError: a record is missing.
    """
    base = Contents(lambda name: find(f"base/{name}"))
    return Review(
        name=name,
        note=note,
        made_at=made_at,
        fingerprint=fingerprint(built.roots[0]),
        pinned=pinned,
        begins=built.base is None,
        changes=tuple(changes),
        roles=tuple(roles(built)),
        entries=tuple(entries(built, changes, contents, base)),
        requirements=built.requirements(),
        policy=policies(built, contents, base),
    )


def _compared(role: str, path: str, before: Record | None, after: Record | None) -> Entry:
    old = {} if before is None else {entry.path: entry.sha256 for entry in before.files}
    new = {} if after is None else {entry.path: entry.sha256 for entry in after.files}
    old_ops, new_ops = _ops(before), _ops(after)
    known = old_ops is not None and new_ops is not None
    return Entry(
        role=role,
        path=path,
        before=before,
        after=after,
        new=tuple(sorted(new.keys() - old.keys())),
        changed=tuple(sorted(name for name in old.keys() & new.keys() if old[name] != new[name])),
        removed=tuple(sorted(old.keys() - new.keys())),
        new_ops=tuple(sorted((new_ops or set()) - (old_ops or set()))) if known else (),
        removed_ops=tuple(sorted((old_ops or set()) - (new_ops or set()))) if known else (),
    )


def _ops(record: Record | None) -> set[str] | None:
    """The kinds of op of a record; of none, none; None where nobody has looked."""
    if record is None:
        return set()
    return None if record.ops is msgspec.UNSET else set(record.ops)


def _before(built: Built, path: str, base: Contents) -> Record | None:
    """What a look-up of a path ended in. A draft's base holds the roles that this may ask."""
    found = None if built.base is None else built.base.find(path)
    return None if found is None else base.record(_digest(found[1]))


def _digest(target: TargetFile | None) -> str:
    return "" if target is None else f"sha256:{target.hashes['sha256']}"


def _role(name: str, old: Delegator | None, new: Delegator, built: Built) -> RoleReview:
    was = None if old is None or not _knows(old, name) else old
    now = new if _knows(new, name) else None
    before, after = _keys(was, name), _keys(now, name)
    old_paths, new_paths = _paths(was, name), _paths(now, name)
    was_file, file = _files(built, name)
    return RoleReview(
        role=name,
        was_version=None if was_file is None else was_file.signed.version,
        version=None if file is None else file.signed.version,
        was_expires=None if was_file is None else was_file.signed.expires,
        expires=None if file is None else file.signed.expires,
        was_threshold=None if was is None else role_of(was, name).threshold,
        threshold=None if now is None else role_of(now, name).threshold,
        was_listed=_listed(was_file),
        listed=_listed(file),
        new_keys=tuple(key for key in after if key not in before),
        removed_keys=tuple(key for key in before if key not in after),
        new_patterns=tuple(path for path in new_paths if path not in old_paths),
        removed_patterns=tuple(path for path in old_paths if path not in new_paths),
    )


def _files(built: Built, name: str) -> tuple[AnyFile | None, AnyFile | None]:
    """A role's file in force, and its new one."""
    base = built.base
    if name == "root":
        return (None if base is None else base.root), built.root
    if name == TOP:
        return (None if base is None else base.targets), built.targets
    if name in ("snapshot", "timestamp"):
        return None, None  # their files are made when the draft is published
    held = None if base is None or name not in base.delegated else base.role(name)
    return held, built.teams.get(name)


def _listed(file: AnyFile | None) -> int | None:
    if file is None or not isinstance(file.signed, Targets):
        return None
    return len(file.signed.targets.keys() - {POLICY_PATH})


def _knows(delegator: Delegator, name: str) -> bool:
    if isinstance(delegator, Targets):
        return name in delegations(delegator)
    return name in delegator.roles


def _keys(delegator: Delegator | None, name: str) -> list[str]:
    keys = () if delegator is None else keys_of(delegator, name)
    return [f"{name_of(key)} ({key.keyid[:16]})" for key in keys]


def _paths(delegator: Delegator | None, name: str) -> list[str]:
    if not isinstance(delegator, Targets):
        return []
    return delegations(delegator)[name].paths or []
