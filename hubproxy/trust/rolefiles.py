"""Roles that list targets, as values of the core."""

import re

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import DelegatedRole, Targets  # type: ignore[attr-defined]  # no __all__

from hubproxy.core.digest import Descriptor, Digest
from hubproxy.core.roles import TOP, Delegation, Role, RoleFile
from hubproxy.trust.loading import delegator_of, is_whole, load

_TEAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_RESERVED = ("root", "targets", "snapshot", "timestamp")
_DEEPEST = 8


def read_role(data: bytes, bound: RoleFile, delegation: Delegation) -> Role:
    """A team's role, from its file. One that has expired is read too.

    Raises:
        RepositoryError: not the file that the snapshot binds, or not signed as was delegated.
    """
    name = delegation.role
    if not is_whole(data, bound.file):
        raise RepositoryError(f"team `{name}`: its file is not the one that the snapshot names")
    delegator = delegator_of(name, delegation.threshold, delegation.keys)
    targets, _, _ = load(Targets, data, delegator, name)
    assert isinstance(targets, Targets)
    if targets.version != bound.version:
        raise RepositoryError(
            f"team `{name}`: its file is version {targets.version}, "
            f"the snapshot names {bound.version}"
        )
    return role_of(name, targets)


def role_of(name: str, targets: Targets) -> Role:
    """What a verified role lists.

    Raises:
        RepositoryError: a target or a delegation is not one that this reader accepts.
    """
    return Role(
        name,
        targets.version,
        targets.expires,
        _targets(name, targets),
        _revoked(targets),
        _delegations(name, targets),
    )


def _targets(name: str, targets: Targets) -> dict[str, Descriptor]:
    found = {}
    for path, target in targets.targets.items():
        try:
            digest = Digest.of_hex(target.hashes["sha256"])
        except (KeyError, ValueError) as error:
            raise RepositoryError(f"{name}: {path} has no sha256") from error
        found[path] = Descriptor(digest, target.length)
    return found


def _revoked(targets: Targets) -> frozenset[str]:
    """Paths whose target says so: "latest" passes over them without reading their records."""
    return frozenset(
        path
        for path, target in targets.targets.items()
        if isinstance(target.custom, dict) and target.custom.get("status") == "revoked"
    )


def _delegations(name: str, targets: Targets) -> tuple[Delegation, ...]:
    if targets.delegations is None:
        return ()
    roles = targets.delegations.roles
    if roles is None:
        raise RepositoryError(f"{name} delegates by hash bins, which is not TUF 1.0")
    return tuple(_delegation(name, one, targets) for one in roles.values())


def _delegation(name: str, one: DelegatedRole, targets: Targets) -> Delegation:
    _check_name(name, one.name)
    if one.paths is None:
        raise RepositoryError(f"{name} delegates to `{one.name}` by hashes, not by patterns")
    assert targets.delegations is not None
    known = targets.delegations.keys
    keys = {keyid: known[keyid].to_dict() for keyid in one.keyids if keyid in known}
    return Delegation(one.name, tuple(one.paths), bool(one.terminating), one.threshold, keys)


def _check_name(delegator: str, name: str) -> None:
    """Refuse a name that is a path, or that may be another's.

    What a team delegates to is named after it, as `nlp.bert` is after `nlp`. So each role has
    one delegator, whose keys alone decide, and no team can take the name of another's role.
    """
    start = "" if delegator == TOP else f"{delegator}."
    last = name.removeprefix(start)
    good = name.startswith(start) and _TEAM.fullmatch(last) and last not in _RESERVED
    if not good or name.count(".") > _DEEPEST:
        raise RepositoryError(
            f"{delegator} delegates to {name[:80]!r}, not to `{start}` and the name of a team"
        )
