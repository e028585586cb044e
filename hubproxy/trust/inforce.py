"""The list that a published folder holds in force, read and verified for its officers.

Expiry is not looked at: officers are who renews what expired.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from securesystemslib.signer import Key, SSlibKey  # type: ignore[attr-defined]  # no __all__
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    Metadata,
    Root,
    Snapshot,
    Targets,
    Timestamp,
)

from hubproxy.core.trust import Versions
from hubproxy.errors import TrustListError, UsageError

_Role = TypeVar("_Role", Root, Timestamp, Snapshot, Targets)
_NAME = "x-hubproxy-name"


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Days from a role's signature to its expiry."""

    root: int = 365
    targets: int = 180
    snapshot: int = 30
    timestamp: int = 7


@dataclass(frozen=True, slots=True)
class RoleStatus:
    """Who may sign a role, and who did: officers by name, other keys by id."""

    name: str
    version: int
    expires: datetime
    threshold: int
    keys: tuple[str, ...]
    signed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InForce:
    """What `timestamp.json` leads to, verified from the first root on."""

    root: Metadata[Root]
    timestamp: Metadata[Timestamp]
    snapshot: Metadata[Snapshot]
    targets: Metadata[Targets]
    root_file: bytes
    targets_file: bytes
    days: Lifetimes

    @property
    def versions(self) -> Versions:
        return Versions(
            root=self.root.signed.version,
            timestamp=self.timestamp.signed.version,
            snapshot=self.snapshot.signed.version,
            targets=self.targets.signed.version,
        )

    def status(self) -> tuple[RoleStatus, ...]:
        """Of root, targets, snapshot and timestamp."""
        return (
            self._status(self.root),
            self._status(self.targets),
            self._status(self.snapshot),
            self._status(self.timestamp),
        )

    def _status(self, role: Metadata[_Role]) -> RoleStatus:
        result = self.root.signed.get_verification_result(
            role.signed.type, role.signed_bytes, role.signatures
        )
        return RoleStatus(
            name=role.signed.type,
            version=role.signed.version,
            expires=role.signed.expires,
            threshold=result.threshold,
            keys=tuple(name_of(key) for key in (result.signed | result.unsigned).values()),
            signed=tuple(name_of(key) for key in result.signed.values()),
        )


def load(folder: Path) -> InForce:
    """Read and verify what a folder of metadata holds in force.

    Raises:
        UsageError: there is no list.
        TrustListError: HP-T09 it does not verify, or a file is missing.
    """
    if not (folder / "1.root.json").exists():
        raise UsageError(
            f"there is no trust list in {folder.parent}",
            remedy="Begin one with `hubproxy trust init`.",
        )
    try:
        root_file, root = _newest_root(folder)
        _, timestamp = _read(folder / "timestamp.json", Timestamp, root.signed)
        meta = timestamp.signed.snapshot_meta
        snapshot_file, snapshot = _read(
            folder / f"{meta.version}.snapshot.json", Snapshot, root.signed
        )
        meta.verify_length_and_hashes(snapshot_file)
        meta = snapshot.signed.meta["targets.json"]
        targets_file, targets = _read(folder / f"{meta.version}.targets.json", Targets, root.signed)
        meta.verify_length_and_hashes(targets_file)
        days = _days(targets.signed)
    except (RepositoryError, OSError, KeyError) as error:
        raise TrustListError(
            "HP-T09",
            f"the trust list in {folder.parent} does not verify: {error}",
            remedy="Nothing was signed. Put the folder back from a copy that you trust.",
        ) from error
    return InForce(root, timestamp, snapshot, targets, root_file, targets_file, days)


def name_of(key: Key) -> str:
    """The officer's name that stands on a key, or its id."""
    return str(key.unrecognized_fields.get(_NAME, key.keyid))


def named(key: SSlibKey, name: str) -> Key:
    """The same key with its officer's name on it."""
    return Key.from_dict(key.keyid, {**key.to_dict(), _NAME: name})


def policy(root: Root, days: Lifetimes) -> dict[str, Any]:
    """Our own field of the signed targets: the least root, and how long roles live."""
    return {"min_root": root.version, "days": msgspec.to_builtins(days)}


def _days(targets: Targets) -> Lifetimes:
    try:
        return msgspec.convert(targets.unrecognized_fields["hubproxy"]["days"], Lifetimes)
    except (KeyError, TypeError, msgspec.ValidationError) as error:
        raise RepositoryError(f"targets: `hubproxy.days` is malformed: {error}") from error


def _newest_root(folder: Path) -> tuple[bytes, Metadata[Root]]:
    """The last of the chain of roots, each signed by the one before and by itself."""
    data, root = _read(folder / "1.root.json", Root, None)
    while (path := folder / f"{root.signed.version + 1}.root.json").exists():
        data, newer = _read(path, Root, root.signed)
        if newer.signed.version != root.signed.version + 1:
            raise RepositoryError(f"{path.name} says that it is version {newer.signed.version}")
        newer.signed.verify_delegate(Root.type, newer.signed_bytes, newer.signatures)
        root = newer
    return data, root


def _read(path: Path, kind: type[_Role], by: Root | None) -> tuple[bytes, Metadata[_Role]]:
    """A role's file, signed as `by` demands; a first root as it demands itself."""
    data = path.read_bytes()
    role: Metadata[_Role] = Metadata.from_bytes(data)
    if not isinstance(role.signed, kind):
        raise RepositoryError(f"{path.name} is not of the role {kind.type}")
    signer = role.signed if by is None else by
    assert isinstance(signer, Root)
    signer.verify_delegate(kind.type, role.signed_bytes, role.signatures)
    return data, role
