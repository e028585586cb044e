"""The list that a published folder holds in force, read and verified for its officers.

Expiry is not looked at: officers are who renews what expired. Teams' roles are verified when
they are asked for: a change to one of forty need not read the others.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    DelegatedRole,
    Metadata,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from hubproxy.core.trust import Versions
from hubproxy.core.trustlist import TOP, Delegation
from hubproxy.errors import TrustListError, UsageError
from hubproxy.trust.lifetimes import Lifetimes, lifetimes
from hubproxy.trust.thresholds import AnyFile, Delegator, check_signed, count, name_of, named

_Role = TypeVar("_Role", Root, Timestamp, Snapshot, Targets)

__all__ = ["InForce", "Lifetimes", "RoleStatus", "delegations", "load", "name_of", "named"]


@dataclass(frozen=True, slots=True)
class RoleStatus:
    """Who may sign a role, and who did: holders by name, nameless keys by id."""

    name: str
    version: int
    expires: datetime
    threshold: int
    keys: tuple[str, ...]
    signed: tuple[str, ...]
    missing: tuple[str, ...] = ()
    """Who may have signed and did not, however many were needed."""


@dataclass(frozen=True, slots=True)
class InForce:
    """What `timestamp.json` leads to, verified from the first root on."""

    folder: Path
    """Of the metadata files."""
    said: str
    """What it is called in errors."""
    roots: tuple[Metadata[Root], ...]
    """From the first to the one in force."""
    timestamp: Metadata[Timestamp]
    snapshot: Metadata[Snapshot]
    targets: Metadata[Targets]
    root_file: bytes
    targets_file: bytes
    days: Lifetimes
    _teams: dict[str, Metadata[Targets]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def root(self) -> Metadata[Root]:
        return self.roots[-1]

    @property
    def versions(self) -> Versions:
        return Versions(
            root=self.root.signed.version,
            timestamp=self.timestamp.signed.version,
            snapshot=self.snapshot.signed.version,
            targets=self.targets.signed.version,
        )

    @property
    def delegated(self) -> dict[str, DelegatedRole]:
        """The teams, in the order in which a look-up asks them."""
        return delegations(self.targets.signed)

    def role(self, name: str) -> Metadata[Targets]:
        """The officers' own role, `targets`, or a team's.

        Raises:
            UsageError: there is no such team.
            TrustListError: HP-T09 its file does not verify.
        """
        if name == TOP:
            return self.targets
        if name not in self.delegated:
            teams = ", ".join(self.delegated) or "none"
            raise UsageError(f"there is no team {name!r}; the teams are: {teams}")
        if name not in self._teams:
            with _told(self.said):
                self._teams[name] = self._read_team(name)
        return self._teams[name]

    def lists(self, name: str) -> bool:
        """Whether it has such a role: the officers' own, or a team's."""
        return name == TOP or name in self.delegated

    def role_path(self, name: str) -> Path:
        """The file of the officers' role, of a team's, or of the snapshot."""
        if name == "snapshot":
            version = self.snapshot.signed.version
        else:
            version = self.snapshot.signed.meta[f"{name}.json"].version
        return self.folder / f"{version}.{name}.json"

    def covering(self, path: str) -> tuple[str, ...]:
        """The roles that a look-up of a path asks, in this order: the officers' first."""
        return covering(self.delegated, path)

    def find(self, path: str) -> tuple[str, TargetFile] | None:
        """What a look-up of a path ends in: the role, and what it says.

        Raises:
            TrustListError: HP-T09 a team's role on the way does not verify.
        """
        return looked_up(self.covering(path), self.role, path)

    def status(self) -> tuple[RoleStatus, ...]:
        """Of root, targets, every team, snapshot and timestamp.

        Raises:
            TrustListError: HP-T09 a team's role does not verify.
        """
        root = self.root.signed
        return (
            _status(root, "root", self.root),
            _status(root, TOP, self.targets),
            *(_status(self.targets.signed, name, self.role(name)) for name in self.delegated),
            _status(root, "snapshot", self.snapshot),
            _status(root, "timestamp", self.timestamp),
        )

    def _read_team(self, name: str) -> Metadata[Targets]:
        if "/" in name or name.startswith("."):
            raise RepositoryError(f"the name of the team {name!r} is a path")
        meta = self.snapshot.signed.meta.get(f"{name}.json")
        if meta is None:
            raise RepositoryError(f"the snapshot does not name the team {name}")
        file = f"{meta.version}.{name}.json"
        data, team = _read(self.folder / file, Targets, self.targets.signed, name)
        meta.verify_length_and_hashes(data)
        _check_version(file, team, meta.version)
        return team


def load(folder: Path, *, last_root: int | None = None, said: str = "") -> InForce:
    """Read and verify what a folder of metadata holds in force.

    Args:
        last_root: leave newer roots aside. A change of root that was cut short is taken up
            again from the list that it was built on.
        said: what the folder is called in errors.

    Raises:
        UsageError: there is no list.
        TrustListError: HP-T09 it does not verify, or a file is missing.
    """
    if not (folder / "1.root.json").exists() and said:
        raise UsageError(f"{said} is missing: there is no root")
    said = said or f"the trust list in {folder.parent}"
    if not (folder / "1.root.json").exists():
        raise UsageError(
            f"there is no trust list in {folder.parent}",
            remedy="Begin one with `hubproxy trust init`.",
        )
    with _told(said):
        roots, root_file = _chain(folder, last_root)
        root = roots[-1].signed
        _, timestamp = _read(folder / "timestamp.json", Timestamp, root)
        meta = timestamp.signed.snapshot_meta
        file = f"{meta.version}.snapshot.json"
        snapshot_file, snapshot = _read(folder / file, Snapshot, root)
        meta.verify_length_and_hashes(snapshot_file)
        _check_version(file, snapshot, meta.version)
        meta = snapshot.signed.meta["targets.json"]
        file = f"{meta.version}.targets.json"
        targets_file, targets = _read(folder / file, Targets, root)
        meta.verify_length_and_hashes(targets_file)
        _check_version(file, targets, meta.version)
        days = lifetimes(targets.signed)
        delegations(targets.signed)
    return InForce(folder, said, roots, timestamp, snapshot, targets, root_file, targets_file, days)


def delegations(targets: Targets) -> dict[str, DelegatedRole]:
    """The teams of a targets role, in their order.

    Raises:
        RepositoryError: it delegates by hash, which no list of hubproxy's does.
    """
    if targets.delegations is None:
        return {}
    if targets.delegations.roles is None:
        raise RepositoryError("targets: delegations by hash are not hubproxy's")
    return targets.delegations.roles


def covering(teams: Mapping[str, DelegatedRole], path: str) -> tuple[str, ...]:
    """The roles that a look-up of a path asks, in this order: the officers' first."""
    found = [TOP]
    for name, role in teams.items():
        if covers(role, path):
            found.append(name)
            if role.terminating:
                break
    return tuple(found)


def looked_up(
    names: Iterable[str], role: Callable[[str], Metadata[Targets]], path: str
) -> tuple[str, TargetFile] | None:
    """The first of some roles that lists a path, and what it says."""
    for name in names:
        found = role(name).signed.targets.get(path)
        if found is not None:
            return name, found
    return None


def covers(role: DelegatedRole, path: str) -> bool:
    """Whether a team's patterns match a path, as a reader sees it."""
    return Delegation(role.name, tuple(role.paths or ())).covers(path)


def _status(delegator: Delegator, name: str, file: AnyFile) -> RoleStatus:
    found = count(delegator, name, file.signed_bytes, file.signatures)
    missing = tuple(map(name_of, found.missing))
    signed = tuple(map(name_of, found.signed))
    return RoleStatus(
        name=name,
        version=file.signed.version,
        expires=file.signed.expires,
        threshold=found.threshold,
        keys=(*signed, *missing),
        signed=signed,
        missing=missing,
    )


def _chain(folder: Path, last: int | None) -> tuple[tuple[Metadata[Root], ...], bytes]:
    """The roots, each signed by the one before and by itself; and the last one's file."""
    data, root = _read(folder / "1.root.json", Root, None)
    roots = [root]
    while (path := folder / f"{root.signed.version + 1}.root.json").exists():
        if root.signed.version == last:
            break
        data, newer = _read(path, Root, root.signed)
        _check_version(path.name, newer, root.signed.version + 1)
        check_signed(newer.signed, "root", newer)
        roots.append(newer)
        root = newer
    return tuple(roots), data


def _read(
    path: Path, kind: type[_Role], by: Delegator | None, name: str = ""
) -> tuple[bytes, Metadata[_Role]]:
    """A role's file, signed as `by` demands; a first root as it demands itself."""
    data = path.read_bytes()
    role: Metadata[_Role] = Metadata.from_bytes(data)
    if not isinstance(role.signed, kind):
        raise RepositoryError(f"{path.name} is not of the role {name or kind.type}")
    signer = role.signed if by is None else by
    assert isinstance(signer, Root | Targets)
    check_signed(signer, name or kind.type, role)
    return data, role


def _check_version(file: str, role: AnyFile, version: int) -> None:
    if role.signed.version != version:
        raise RepositoryError(f"{file} says that it is version {role.signed.version}")


@contextmanager
def _told(said: str) -> Iterator[None]:
    """Errors of tuf and of the disk, as ours."""
    try:
        yield
    except (RepositoryError, OSError, KeyError) as error:
        raise TrustListError(
            "HP-T09",
            f"{said} does not verify: {error}",
            remedy="Nothing was signed. Put the folder back from a copy that you trust.",
        ) from error
