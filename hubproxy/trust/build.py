"""The new files of a list's roles, from the list in force and the changes: always the same bytes.

Whoever signs a draft builds its roles anew and compares, so nothing here may depend on anything
but its arguments.

A change of who may sign makes a moment in which readers see the new root and the old targets. Where
these have too few signatures of those whom the new root names, there is a file in between,
the bridge: the same targets, signed as both roots demand, published before the new root.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    Metadata,
    Root,
    TargetFile,
    Targets,
)

from hubproxy.core.trustlist import TOP
from hubproxy.errors import UsageError
from hubproxy.trust.applying import State
from hubproxy.trust.changes import Change
from hubproxy.trust.contents import Contents
from hubproxy.trust.inforce import InForce, covering, delegations, looked_up
from hubproxy.trust.lifetimes import own_fields
from hubproxy.trust.thresholds import (
    AnyFile,
    Count,
    Delegator,
    check_signed,
    count,
    identity,
    keys_of,
    name_of,
    role_of,
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """Whose signatures a role's new file needs, and which it has. Names, or ids of nameless keys.

    Args:
        by: whose demand it is, where there are two: a change of officers needs the old root's
            threshold and the new one's.
        missing: who may sign and has not; as many as there are, not as are needed.
    """

    role: str
    version: int
    by: str
    threshold: int
    signed: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def met(self) -> bool:
        return len(self.signed) >= self.threshold

    def __str__(self) -> str:
        """`targets: 1 of 2, missing bob or cyd`."""
        text = f"{self.role}: {len(self.signed)} of {self.threshold}"
        if self.by:
            text += f" as {self.by} demands"
        return text if self.met else f"{text}, missing {' or '.join(self.missing)}"


@dataclass(frozen=True, slots=True)
class Part:
    """One new file, and those who demand signatures of it: a root is demanded by two."""

    name: str
    role: str
    file: AnyFile
    demands: tuple[tuple[str, Delegator], ...]
    """Whose demand, in words, and what it stands in."""

    def counts(self) -> Iterator[tuple[str, Count]]:
        """Who has signed, by each demand."""
        for by, delegator in self.demands:
            yield by, count(delegator, self.role, self.file.signed_bytes, self.file.signatures)

    def requirements(self) -> Iterator[Requirement]:
        """The same, by names."""
        for by, found in self.counts():
            yield Requirement(
                role=self.role,
                version=self.file.signed.version,
                by=by,
                threshold=found.threshold,
                signed=tuple(map(name_of, found.signed)),
                missing=tuple(map(name_of, found.missing)),
            )


@dataclass(frozen=True, slots=True)
class Built:
    """What a draft comes to: the roles that it changes, each under the next version."""

    base: InForce | None
    """None: it begins a list."""
    at: datetime
    """When it was made, timezone-aware UTC."""
    root: Metadata[Root] | None
    bridge: Metadata[Targets] | None
    targets: Metadata[Targets] | None
    teams: Mapping[str, Metadata[Targets]]
    undelegated: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """Of the files that what is listed anew consists of, as they are published."""

    def find(self, path: str) -> tuple[str, TargetFile] | None:
        """What a look-up of a path will end in: the role, and what it says.

        Raises:
            TrustListError: HP-T09 a team's role on the way does not verify.
        """
        return looked_up(self.covering(path), self.role, path)

    def covering(self, path: str) -> tuple[str, ...]:
        """The roles that a look-up of a path will ask, in this order."""
        return covering(delegations(self.last_targets.signed), path)

    def role(self, name: str) -> Metadata[Targets]:
        """The officers' own role or a team's, as it will be in force.

        Raises:
            TrustListError: HP-T09 it does not verify.
        """
        if name == TOP:
            return self.last_targets
        if name in self.teams:
            return self.teams[name]
        assert self.base is not None
        return self.base.role(name)

    @property
    def roots(self) -> tuple[Metadata[Root], ...]:
        """The roots of the list that it builds on; of one that it begins, the first."""
        return (self.last_root,) if self.base is None else self.base.roots

    @property
    def last_root(self) -> Metadata[Root]:
        """The root that will be in force."""
        if self.root is not None:
            return self.root
        assert self.base is not None
        return self.base.root

    @property
    def last_targets(self) -> Metadata[Targets]:
        """The officers' role that will be in force."""
        if self.targets is not None:
            return self.targets
        assert self.base is not None
        return self.base.targets

    @property
    def digest(self) -> str:
        """`sha256:<hex>` of all that is to be signed: of each part's own, and its name, a line."""
        lines = [
            f"{hashlib.sha256(part.file.signed_bytes).hexdigest()}  {part.name}\n"
            for part in self.parts()
        ]
        return f"sha256:{hashlib.sha256(''.join(lines).encode()).hexdigest()}"

    def parts(self) -> tuple[Part, ...]:
        """Every new file, in the order in which a reader needs them."""
        return tuple(self._parts())

    def requirements(self) -> tuple[Requirement, ...]:
        """Whose signatures it needs, and which it has."""
        return tuple(one for part in self.parts() for one in part.requirements())

    def _parts(self) -> Iterator[Part]:
        if self.bridge is not None:
            yield self._part(TOP, self.bridge, self._both_roots(TOP))
        if self.root is not None:
            yield self._part("root", self.root, self._both_roots("root"))
        if self.targets is not None:
            yield self._part(TOP, self.targets, (("", self.last_root.signed),))
        for name, team in self.teams.items():
            yield self._part(name, team, (("", self.last_targets.signed),))

    def _both_roots(self, role: str) -> tuple[tuple[str, Delegator], ...]:
        new = self.last_root.signed
        if self.base is None:
            return (("", new),)
        old = self.base.root.signed
        if _demand(old, role) == _demand(new, role):
            return (("", new),)
        return ((f"root {old.version}", old), (f"root {new.version}", new))

    def _part(self, role: str, file: AnyFile, demands: tuple[tuple[str, Delegator], ...]) -> Part:
        return Part(f"{file.signed.version}.{role}.json", role, file, demands)


def build(
    base: InForce | None, changes: Sequence[Change], contents: Contents, at: datetime
) -> Built:
    """The roles as the changes make them, unsigned.

    Args:
        base: the list in force; None for a change that begins one.
        contents: where the records that are listed, and what they name, can be read.
        at: when the draft was made, timezone-aware UTC: expiries count from here.

    Raises:
        UsageError: a change makes no sense.
        TrustListError: HP-T09 a role of the base does not verify.
    """
    state = State(base, contents)
    for change in changes:
        state.apply(change)
    state.check()
    days = state.days

    def expires(role: str) -> datetime:
        try:
            return at + timedelta(days=days.of(role))
        except OverflowError as error:
            raise UsageError(f"made at {at:%Y-%m-%d}, it would never expire") from error

    bridge = None
    if base is not None and "root" in state.touched:
        state.touched.add(TOP)  # min_root follows the root at once
        state.root.version += 1
        if not _stands(base, state.root):
            bridge = Metadata(state.targets_as_they_are())
            bridge.signed.version += 1
            bridge.signed.expires = expires(TOP)
            state.targets.version += 1
    if base is not None and TOP in state.touched:
        state.targets.version += 1
    if TOP in state.touched:
        state.targets.unrecognized_fields["hubproxy"] = own_fields(state.root.version, days)
        state.targets.expires = expires(TOP)
    if "root" in state.touched:
        state.root.expires = expires("root")
    teams = {}
    for name in state.touched_teams():
        team = state.teams[name]
        team.version = state.next_version(name)
        team.expires = expires(name)
        teams[name] = Metadata(team)
    return Built(
        base=base,
        at=at,
        root=Metadata(state.root) if "root" in state.touched else None,
        bridge=bridge,
        targets=Metadata(state.targets) if TOP in state.touched else None,
        teams=teams,
        undelegated=state.undelegated(),
        names=tuple(state.names),
    )


def _demand(root: Root, role: str) -> tuple[int, set[tuple[str, str, str]]]:
    """What a root demands of a role's signatures: how many, and by which keys, not only ids."""
    keys = {(key.keyid, key.scheme, identity(key)) for key in keys_of(root, role)}
    return role_of(root, role).threshold, keys


def _stands(base: InForce, root: Root) -> bool:
    """Whether the officers' role in force is signed as a new root demands."""
    try:
        check_signed(root, TOP, base.targets)
    except RepositoryError:
        return False
    return True
