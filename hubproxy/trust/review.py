"""What a draft would change, as values for a person to read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    Targets,
)

from hubproxy.core.policy import NO_POLICY, POLICY_PATH, Policy
from hubproxy.core.trustlist import TOP
from hubproxy.trust.build import Built, Requirement
from hubproxy.trust.changes import Change
from hubproxy.trust.contents import Contents
from hubproxy.trust.entries import Entry, digest_of, entries
from hubproxy.trust.inforce import delegations
from hubproxy.trust.thresholds import (
    AnyFile,
    Delegator,
    fingerprint,
    keys_of,
    name_of,
    role_of,
)

__all__ = ["Entry", "Requirement", "Review", "RoleReview", "Signed", "reviewed"]


@dataclass(frozen=True, slots=True)
class RoleReview:
    """What becomes of one role: versions, expiries and the like are None where there is none.

    Args:
        was_listed, listed: how many paths it lists.
        was_terminating, terminating: of a team, whether nobody after it is asked for its paths.
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
    was_terminating: bool | None = None
    terminating: bool | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """A draft as its signers read it, built from its base and its changes alone.

    Args:
        fingerprint: sha256 of what is signed in the list's first root: to be compared where no
            root is pinned.
        pinned: whether the base was verified from a root that the reader had before.
        digest: `sha256:<hex>` of all that a signature is for; the same in every copy.
        begins: whether it begins a list.
        policy: before and after, where it changes.
        order: in which a look-up asks the teams, before and after, where that changes for teams
            that stay: of two that may list a path, the first wins.
    """

    name: str
    note: str
    made_at: datetime
    fingerprint: str
    pinned: bool
    digest: str
    begins: bool
    changes: tuple[Change, ...]
    roles: tuple[RoleReview, ...]
    entries: tuple[Entry, ...]
    requirements: tuple[Requirement, ...]
    policy: tuple[Policy, Policy] | None = None
    order: tuple[tuple[str, ...], tuple[str, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature did."""

    by: str
    """The signer's name."""
    requirements: tuple[Requirement, ...]
    fingerprint: str
    """sha256 of what is signed in the list's first root: to be compared where none is pinned."""
    unproven: tuple[str, ...]
    """What was signed on the proposer's word, a line each."""
    digest: str
    """As in `Review`: of all that was signed."""


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


def order(built: Built) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The teams before and after, where those that stay are asked in another order."""
    before = () if built.base is None else tuple(built.base.delegated)
    after = tuple(delegations(built.last_targets.signed))
    if [one for one in before if one in after] == [one for one in after if one in before]:
        return None
    return before, after


def policies(built: Built, contents: Contents, base: Contents) -> tuple[Policy, Policy] | None:
    """The officers' policy before and after, where it changes.

    Raises:
        UsageError: a text is missing.
    """
    if built.targets is None:
        return None
    old = {} if built.base is None else built.base.targets.signed.targets
    before, after = old.get(POLICY_PATH), built.targets.signed.targets.get(POLICY_PATH)
    if digest_of(before) == digest_of(after):
        return None
    return (
        NO_POLICY if before is None else base.policy(digest_of(before)),
        NO_POLICY if after is None else contents.policy(digest_of(after)),
    )


def reviewed(
    built: Built,
    changes: Sequence[Change],
    contents: Contents,
    find: Callable[[str], bytes | None],
    *,
    name: str,
    note: str,
    pinned: bool,
    unproven: Mapping[str, tuple[str, ...]],
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
        made_at=built.at,
        fingerprint=fingerprint(built.roots[0]),
        pinned=pinned,
        digest=built.digest,
        begins=built.base is None,
        changes=tuple(changes),
        roles=tuple(roles(built)),
        entries=tuple(entries(built, changes, contents, base, unproven)),
        requirements=built.requirements(),
        policy=policies(built, contents, base),
        order=order(built),
    )


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
        was_terminating=_terminating(was, name),
        terminating=_terminating(now, name),
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


def _terminating(delegator: Delegator | None, name: str) -> bool | None:
    return delegations(delegator)[name].terminating if isinstance(delegator, Targets) else None
