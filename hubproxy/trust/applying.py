"""One change after the other, applied to copies of the roles in force."""

from copy import copy, deepcopy

from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    Root,
    TargetFile,
    Targets,
)

from hubproxy.core.policy import POLICY_PATH
from hubproxy.core.record import target_path
from hubproxy.core.trustlist import TOP
from hubproxy.errors import UsageError
from hubproxy.trust.changes import (
    Begin,
    Change,
    Delegate,
    Member,
    Officer,
    Online,
    Put,
    Remove,
    Renew,
    SetPolicy,
    Threshold,
    Undelegate,
)
from hubproxy.trust.contents import Contents, Kind, named_by, published_name
from hubproxy.trust.inforce import InForce, covers, delegations
from hubproxy.trust.keyholders import Keyholders
from hubproxy.trust.lifetimes import Lifetimes, read_days

SPEC_VERSION = "1.0.31"
"""Of TUF: written down, so that machines with other releases of tuf build the same bytes."""


class State:
    """The roles as they become. Copies: the list in force stays as it was read."""

    def __init__(self, base: InForce | None, contents: Contents) -> None:
        self._base, self._contents = base, contents
        self._put: set[tuple[str, str]] = set()
        self.touched: set[str] = set()
        self.teams: dict[str, Targets] = {}
        self.days = Lifetimes()
        if base is None:
            self.root, self.targets = Root(spec_version=SPEC_VERSION), _empty()
        else:
            self.root, self.days = deepcopy(base.root.signed), base.days
            self.targets = self.targets_as_they_are()
        self.names: dict[str, None] = {}
        """Of the files that what is listed anew consists of, as they are published."""
        self._keyholders = Keyholders(self.root, self.targets)

    def targets_as_they_are(self) -> Targets:
        """A copy of the officers' role in force."""
        assert self._base is not None
        return _copied(self._base.targets.signed)

    def touched_teams(self) -> list[str]:
        """The teams that get a new file, in the order of their delegations."""
        return [name for name in delegations(self.targets) if name in self.touched]

    def undelegated(self) -> tuple[str, ...]:
        """The teams that are trusted no longer."""
        before = {} if self._base is None else self._base.delegated
        return tuple(name for name in before if name not in delegations(self.targets))

    def next_version(self, team: str) -> int:
        """A team's next version, also when it was there before and had gone: none comes twice."""
        assert self._base is not None
        meta = self._base.snapshot.signed.meta.get(f"{team}.json")
        return 1 if meta is None else meta.version + 1

    def apply(self, change: Change) -> None:
        """Make one change.

        Raises:
            UsageError: it makes no sense on this list.
            TrustListError: HP-T09 a role that it changes does not verify.
        """
        if isinstance(change, Begin):
            self._begin(change)
        elif not self._base:
            raise UsageError("there is no list yet to be changed")
        elif isinstance(change, Put):
            self._list(change)
        elif isinstance(change, Remove):
            self._remove(change)
        elif isinstance(change, SetPolicy):
            self._set_policy(change)
        elif isinstance(change, Renew):
            self._renew(change)
        else:
            self._rekey(change)

    def check(self) -> None:
        """See that every role can still be signed, by as many people as it says.

        Raises:
            UsageError: one cannot.
        """
        if not self.touched:
            raise UsageError("there is nothing to change")
        self._keyholders.check()

    def _begin(self, change: Begin) -> None:
        if self._base is not None or self.touched:
            raise UsageError("a list is begun once, and there is one already")
        self.days = read_days(change.days)
        self._keyholders.begin(change.officers)
        self._keyholders.online("snapshot", change.snapshot)
        self._keyholders.online("timestamp", change.timestamp)
        for role in ("root", TOP):
            self._keyholders.threshold(role, change.threshold)
        self.touched |= {"root", TOP}

    def _list(self, change: Put) -> None:
        role = self._role(change.role)
        record = self._contents.record(change.digest)
        data = self._contents.read("records", change.digest)
        if len(data) != change.size or target_path(record.exact, record.format) != change.path:
            raise UsageError(f"the record {change.digest} is not the one of {change.path}")
        own: tuple[Kind, str] = ("records", change.digest)
        for kind, digest in (own, *named_by(record)):
            self._contents.read(kind, digest)
            self.names[published_name(kind, digest)] = None
        if (change.role, change.path) in self._put:
            raise UsageError(f"two records of {change.path} cannot be listed at once")
        self._put.add((change.role, change.path))
        target = _target(change.path, change.digest, change.size)
        if record.status == "revoked":
            target.unrecognized_fields["custom"] = {"status": "revoked"}
        if change.role != TOP and not covers(delegations(self.targets)[change.role], change.path):
            raise UsageError(
                f"{change.path} is not among the paths of the team {change.role}",
                remedy="`hubproxy trust status` shows each team's; the officers can list any path.",
            )
        role.targets[change.path] = target

    def _remove(self, change: Remove) -> None:
        listed = self._role(change.role).targets
        if change.path not in listed:
            raise UsageError(f"{change.role} does not list {change.path}")
        del listed[change.path]

    def _set_policy(self, change: SetPolicy) -> None:
        self._contents.policy(change.digest)
        data = self._contents.read("records", change.digest)
        if len(data) != change.size:
            raise UsageError(f"the policy {change.digest} has {len(data)} bytes, not {change.size}")
        self.names[published_name("records", change.digest)] = None
        self._role(TOP).targets[POLICY_PATH] = _target(POLICY_PATH, change.digest, change.size)

    def _renew(self, change: Renew) -> None:
        if change.role == "root":
            self.touched.add("root")
        else:
            self._role(change.role)

    def _rekey(self, change: Officer | Member | Online | Threshold | Delegate | Undelegate) -> None:
        holders = self._keyholders
        if isinstance(change, Officer):
            holders.officer(change.name, change.key)
            self.touched.add("root")
        elif isinstance(change, Online):
            holders.online(change.role, change.key)
            self.touched.add("root")
        elif isinstance(change, Threshold):
            holders.threshold(change.role, change.number)
            # Of a team, its file is signed anew as well: it must meet what is now demanded.
            self.touched.add("root" if change.role in ("root", TOP) else TOP)
            if change.role not in ("root", TOP):
                self._role(change.role)
        elif isinstance(change, Undelegate):
            holders.undelegate(change.team)
            self.teams.pop(change.team, None)
            self.touched.discard(change.team)
            self.touched.add(TOP)
        else:
            if isinstance(change, Member):
                holders.member(change.team, change.name, change.key)
            else:
                holders.delegate(change)
            self.touched.add(TOP)
            self._role(change.team)

    def _role(self, name: str) -> Targets:
        """The role that lists something anew; a team's begins empty.

        Raises:
            UsageError: there is no such team, or not any more.
        """
        self.touched.add(name)
        if name == TOP:
            return self.targets
        if name not in delegations(self.targets):
            teams = ", ".join(delegations(self.targets)) or "none"
            raise UsageError(f"there is no team {name!r}; the teams are: {teams}")
        if name not in self.teams:
            assert self._base is not None
            if name in self._base.delegated:
                self.teams[name] = _copied(self._base.role(name).signed)
            else:
                self.teams[name] = _empty()
        return self.teams[name]


def _empty() -> Targets:
    return Targets(spec_version=SPEC_VERSION)


def _copied(role: Targets) -> Targets:
    """A copy whose own tables are its own; what stands in them is replaced, never changed."""
    made = copy(role)
    made.targets = dict(role.targets)
    made.delegations = deepcopy(role.delegations)
    made.unrecognized_fields = deepcopy(role.unrecognized_fields)
    return made


def _target(path: str, digest: str, size: int) -> TargetFile:
    return TargetFile(size, {"sha256": digest.removeprefix("sha256:")}, path)
