"""Who may sign what: the keys of officers, teams and the online roles, as a draft sets them."""

from collections.abc import Iterable

from securesystemslib.signer import Key  # type: ignore[attr-defined]  # no __all__
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    DelegatedRole,
    Delegations,
    Root,
    Targets,
)

from hubproxy.core.trustlist import TOP
from hubproxy.errors import UsageError
from hubproxy.trust.changes import Delegate, PublicKey, holder_name, team_name
from hubproxy.trust.inforce import delegations
from hubproxy.trust.patterns import pattern_fault
from hubproxy.trust.pem import checked
from hubproxy.trust.thresholds import (
    Delegator,
    identity,
    keys_of,
    name_of,
    named,
    public_half,
    role_of,
)

_OFFICERS = ("root", TOP)
_ONLINE = ("snapshot", "timestamp")


class Keyholders:
    """The keys that stand in a root and in the officers' delegations. Changes both in place."""

    def __init__(self, root: Root, targets: Targets) -> None:
        self._root, self._targets = root, targets
        self._changed: set[str] = set()

    def begin(self, officers: tuple[PublicKey, ...]) -> None:
        """The first officers.

        Raises:
            UsageError: a name that stands there twice, or as `officer`.
        """
        _check_once([key.holder for key in officers], "the officers")
        for key in officers:
            self.officer(key.holder, key)

    def officer(self, name: str, key: PublicKey | None) -> None:
        """Let an officer have this key alone, or none.

        Raises:
            UsageError: no such officer, no key, or not a plain name.
        """
        self._changed.update(_OFFICERS)
        _replace(self._root, _OFFICERS, name, key, who="officer")

    def member(self, team: str, name: str, key: PublicKey | None) -> None:
        """The same of a member of a team.

        Raises:
            UsageError: no such team or member, no key, or not a plain name.
        """
        self._known(team)
        self._changed.add(team)
        _replace(self._targets, (team,), name, key, who=f"member of {team}")

    def online(self, role: str, key: PublicKey) -> None:
        """Let `snapshot` or `timestamp` be signed by this key alone.

        Raises:
            UsageError: no key.
        """
        self._changed.add(role)
        made = _key(key)
        for keyid in list(self._root.roles[role].keyids):
            self._root.revoke_key(keyid, role)
        self._root.add_key(made, role)
        self._root.roles[role].threshold = 1

    def threshold(self, role: str, number: int) -> None:
        """How many must sign root, targets or a team's role; `check` sees whether so many can.

        Raises:
            UsageError: no such role, or one that a single key signs.
        """
        if role in _ONLINE:
            raise UsageError(f"{role} is signed by one key: it has no threshold")
        self._changed.add(role)
        if role in _OFFICERS:
            self._root.roles[role].threshold = number
        else:
            self._known(role).threshold = number

    def delegate(self, change: Delegate) -> None:
        """Let a team list what its patterns match; of one that exists, all of it is set anew.

        Raises:
            UsageError: not a name for a team, or a pattern that can match no module.
        """
        try:
            name = team_name(change.team)
            holders = [holder_name(key.holder) for key in change.keys]
        except ValueError as error:
            raise UsageError(str(error)) from error
        _check_once(holders, f"the team {name}")
        if not change.patterns:
            raise UsageError(f"the team {name} needs a path that it may list")
        for pattern in change.patterns:
            if fault := pattern_fault(pattern):
                raise UsageError(f"the pattern {pattern!r} {fault}")
        self._changed.add(name)
        if self._targets.delegations is None:
            self._targets.delegations = Delegations({}, {})
        roles = delegations(self._targets)
        roles[name] = DelegatedRole(
            name, [], max(change.threshold, 1), terminating=True, paths=list(change.patterns)
        )
        self._forget_unused()
        for key in change.keys:
            _grant(self._targets, _key(key), name)
        roles[name].threshold = change.threshold

    def undelegate(self, team: str) -> None:
        """Trust a team no longer.

        Raises:
            UsageError: no such team.
        """
        self._known(team)
        self._changed.discard(team)
        del delegations(self._targets)[team]
        self._forget_unused()
        if not delegations(self._targets):
            self._targets.delegations = None

    def check(self) -> None:
        """See that what was changed can be signed, by as many people as it says.

        Raises:
            UsageError: a threshold above the keys, one key of two names, or an online key that
                is an officer's or a team's as well.
        """
        for role in sorted(self._changed):
            delegator: Delegator = self._targets
            if role in self._root.roles:
                delegator = self._root
            keys, needed = keys_of(delegator, role), role_of(delegator, role).threshold
            if not 1 <= needed <= len(keys):
                raise UsageError(
                    f"{role} would need {needed} signatures and have {len(keys)} keys",
                    remedy="Change its threshold, or its keys, in the same step.",
                )
            _check_distinct(keys, role)
        if self._changed:
            self._check_online()

    def _check_online(self) -> None:
        online = {identity(key): role for role in _ONLINE for key in keys_of(self._root, role)}
        people: list[tuple[Delegator, str]] = [(self._root, role) for role in _OFFICERS]
        people += [(self._targets, name) for name in delegations(self._targets)]
        for delegator, role in people:
            for key in keys_of(delegator, role):
                if identity(key) in online:
                    raise UsageError(
                        "the officer's key and the online key must not be the same one"
                        if role in _OFFICERS
                        else f"the key of {name_of(key)} in the team {role} must not be an "
                        "online key"
                    )

    def _known(self, team: str) -> DelegatedRole:
        known = delegations(self._targets)
        if team not in known:
            teams = ", ".join(known) or "none"
            raise UsageError(f"there is no team {team!r}; the teams are: {teams}")
        return known[team]

    def _forget_unused(self) -> None:
        assert self._targets.delegations is not None
        used = {keyid for role in delegations(self._targets).values() for keyid in role.keyids}
        held = self._targets.delegations.keys
        self._targets.delegations.keys = {keyid: held[keyid] for keyid in held if keyid in used}


def _replace(
    delegator: Delegator, roles: Iterable[str], name: str, key: PublicKey | None, *, who: str
) -> None:
    """Let the key of a name, in some roles, be another one, or none."""
    try:
        made = None if key is None else _key(key, holder_name(name))
    except ValueError as error:
        raise UsageError(str(error)) from error
    found = False
    names: dict[str, None] = {}
    for role in roles:
        for old in keys_of(delegator, role):
            names[name_of(old)] = None
            if name_of(old) == name:
                found = True
                if made is not None and identity(old) == identity(made):
                    raise UsageError(f"{name} has this key already")
                delegator.revoke_key(old.keyid, role)
    if made is not None:
        for role in roles:
            _grant(delegator, made, role)
    elif not found:
        raise UsageError(f"there is no {who} {name!r}, only: {', '.join(names)}")


def _grant(delegator: Delegator, key: Key, role: str) -> None:
    """Let a key sign for a role. A key has one name wherever one delegator knows it."""
    known = {one.keyid: one for one in _keys_known(delegator)}.get(key.keyid)
    nameless = known is not None and name_of(known) == known.keyid
    if known is not None and not nameless and name_of(known) != name_of(key):
        raise _same_key(known, key, role)
    delegator.add_key(key, role)


def _keys_known(delegator: Delegator) -> Iterable[Key]:
    if isinstance(delegator, Root):
        return delegator.keys.values()
    assert delegator.delegations is not None
    return delegator.delegations.keys.values()


def _same_key(one: Key, other: Key, role: str) -> UsageError:
    return UsageError(
        f"{name_of(one)} and {name_of(other)} have the same key in {role}: they are one",
        remedy="Each makes a key of his own: `hubproxy trust keygen`.",
    )


def _key(key: PublicKey, holder: str = "") -> Key:
    """A key as tuf takes it: made anew from its text, since the rest is what somebody wrote."""
    name = holder or key.holder
    try:
        public = public_half(key.key)
        name = holder_name(name) if name else ""
    except ValueError as error:
        raise UsageError(f"not a public key: {error}") from error
    if public is None:
        raise UsageError(f"not a public key of the type {key.type}: {key.public[:80]!r}")
    made = checked(public, f"what is to be the key of {name or 'nobody'}")
    if (made.keyid, made.keytype, made.scheme) != (key.id, key.type, key.scheme):
        raise UsageError(
            f"the key of {name or 'nobody'} goes by the id {key.id[:16]!r} and the scheme "
            f"{key.scheme!r}, but is {made.keyid[:16]}, {made.scheme}",
            remedy="Nothing was signed. Ask who made this change for the public key itself.",
        )
    return named(made, name) if name else made


def _check_once(names: list[str], where: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{name} stands twice in {where}")


def _check_distinct(keys: tuple[Key, ...], role: str) -> None:
    known: dict[str, Key] = {}
    for key in keys:
        other = known.setdefault(identity(key), key)
        if other is not key:
            raise _same_key(other, key, role)
