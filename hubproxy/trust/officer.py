"""The trust list as officers write it: a published folder that any web server can serve.

    metadata/   N.root.json  N.targets.json  N.snapshot.json  timestamp.json
    records/    <aa>/<sha256>.json

Nothing that clients may be reading is written over, but for `timestamp.json`, and that comes
last and by rename: before it a change does not exist, after it the change is whole. So the
list in force is the one that `timestamp.json` leads to. It is verified before anything is
signed on top of it: who can write to the folder must not get an officer's signature by that.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from securesystemslib.signer import CryptoSigner, Key  # type: ignore[attr-defined]  # no __all__
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from hubproxy.core.record import LARGEST_RECORD, Record, target_path
from hubproxy.core.trust import Versions
from hubproxy.errors import TrustListError, UsageError
from hubproxy.files import make_folder, write_whole
from hubproxy.trust.disk import locked
from hubproxy.trust.inforce import InForce, Lifetimes, RoleStatus, load, name_of, named, policy
from hubproxy.trust.signing import check_author, meta_file, sign

_DEFAULT = Lifetimes()


class Repository:
    """A published folder.

    Args:
        clock: now, timezone-aware UTC.
        write: puts a file in its folder, whole and to stay.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], datetime],
        write: Callable[[Path, bytes], None] = write_whole,
    ) -> None:
        self._folder = folder.resolve()
        self._metadata = self._folder / "metadata"
        self._clock = clock
        self._write = write

    @classmethod
    def init(
        cls,
        folder: Path,
        *,
        officer_name: str,
        officer: CryptoSigner,
        online: CryptoSigner,
        clock: Callable[[], datetime],
        days: Lifetimes = _DEFAULT,
        write: Callable[[Path, bytes], None] = write_whole,
    ) -> "Repository":
        """Begin an empty list: root and targets are the officer's, the rest the online key's.

        Raises:
            UsageError: there is a list already, or both keys are one.
        """
        repository = cls(folder, clock=clock, write=write)
        with repository._changing():
            repository._begin(named(officer.public_key, officer_name), officer, online, days)
        return repository

    def publish(
        self, records: Sequence[Record], *, officer: CryptoSigner, online: CryptoSigner
    ) -> Versions:
        """List records, each in the place of an earlier one of its handle and format.

        Renews every role; root only once it has lived half its life.

        Raises:
            UsageError: a key that may not sign, two records of one module, or not a record.
            TrustListError: HP-T09 the folder's own list does not verify.
        """
        files = _files(records)
        with self._changing():
            held = load(self._metadata)
            check_author(held.root, officer)
            root = held.root.signed
            root_file = None
            if root.expires - self._clock() < timedelta(days=held.days.root) / 2:
                root.version += 1
                root.expires = self._in(held.days.root)
                root_file = sign(root, root, officer)
            targets = held.targets.signed
            targets.version += 1
            targets.expires = self._in(held.days.targets)
            targets.unrecognized_fields["hubproxy"] = policy(root, held.days)
            for path, data in files.items():
                targets.targets[path] = TargetFile.from_data(path, data, ["sha256"])
                if Record.decode(data).status == "revoked":
                    targets.targets[path].unrecognized_fields["custom"] = {"status": "revoked"}
            targets_file = sign(root, targets, officer)
            closing = self._closing(held, targets_file, online)
            for path, data in files.items():
                self._put(self._record(targets.targets[path]), data)
            if root_file is not None:
                self._put(self._metadata / f"{root.version}.root.json", root_file)
            self._put(self._metadata / f"{targets.version}.targets.json", targets_file)
            self._close(closing)
        return held.versions  # with the roles as they are now

    def renew(self, *, online: CryptoSigner) -> Versions:
        """Give snapshot and timestamp a new expiry. Changes nothing that is listed.

        Raises:
            UsageError: a key that may not sign them.
            TrustListError: HP-T09 the folder's own list does not verify.
        """
        with self._changing():
            held = load(self._metadata)
            self._close(self._closing(held, held.targets_file, online))
        return held.versions

    def find(self, path: str) -> Record | None:
        """The record listed under a target path, or None.

        Raises:
            TrustListError: HP-T09 the list does not verify, or the record was altered or lost.
        """
        target = load(self._metadata).targets.signed.targets.get(path)
        if target is None:
            return None
        try:
            data = self._record(target).read_bytes()
            target.verify_length_and_hashes(data)
            return Record.decode(data)
        except (RepositoryError, OSError, KeyError, ValueError) as error:
            raise TrustListError(
                "HP-T09",
                f"the record of {path} in {self._folder} was altered or lost: {error}",
                remedy="Put the folder back from a copy that you trust, or approve it again.",
            ) from error

    def paths(self) -> list[str]:
        """Every target path listed, sorted.

        Raises:
            TrustListError: HP-T09 the list does not verify.
        """
        return sorted(load(self._metadata).targets.signed.targets)

    def root_file(self) -> bytes:
        """The newest root: what an officer hands to every site, as `trust.root`.

        Raises:
            TrustListError: HP-T09 the list does not verify.
        """
        return load(self._metadata).root_file

    def officer_names(self) -> dict[str, str]:
        """Key id -> name, of those who may sign root or targets.

        Raises:
            TrustListError: HP-T09 the list does not verify.
        """
        root = load(self._metadata).root.signed
        ids = [*root.roles[Root.type].keyids, *root.roles[Targets.type].keyids]
        return {keyid: name_of(root.keys[keyid]) for keyid in ids}

    def status(self) -> tuple[RoleStatus, ...]:
        """Who may sign each role, who did, and until when; also of a list that expired.

        Raises:
            TrustListError: HP-T09 the list does not verify.
        """
        return load(self._metadata).status()

    def _begin(
        self, key: Key, officer: CryptoSigner, online: CryptoSigner, days: Lifetimes
    ) -> None:
        if any(self._metadata.glob("*.root.json")):
            raise UsageError(
                f"there is a trust list in {self._folder} already",
                remedy="Add to it with `hubproxy trust approve`, or name another folder.",
            )
        if officer.public_key.keyid == online.public_key.keyid:
            raise UsageError("the officer's key and the online key must not be the same one")
        root = Root(expires=self._in(days.root))
        for role in (Root.type, Targets.type):
            root.add_key(key, role)
        for role in (Snapshot.type, Timestamp.type):
            root.add_key(online.public_key, role)
        fields = {"hubproxy": policy(root, days)}
        targets = Targets(expires=self._in(days.targets), unrecognized_fields=fields)
        targets_file = sign(root, targets, officer)
        snapshot = Snapshot(expires=self._in(days.snapshot))
        snapshot.meta["targets.json"] = meta_file(targets, targets_file)
        snapshot_file = sign(root, snapshot, online)
        timestamp = Timestamp(
            expires=self._in(days.timestamp), snapshot_meta=meta_file(snapshot, snapshot_file)
        )
        # The root is last: without one there is no list yet, and `init` may be run again.
        for name, data in (
            ("1.targets.json", targets_file),
            ("1.snapshot.json", snapshot_file),
            ("timestamp.json", sign(root, timestamp, online)),
            ("1.root.json", sign(root, root, officer)),
        ):
            self._put(self._metadata / name, data)

    def _closing(
        self, held: InForce, targets_file: bytes, online: CryptoSigner
    ) -> tuple[tuple[str, bytes], ...]:
        """The next snapshot and timestamp over some targets, in the order they are written."""
        root, snapshot, timestamp = held.root.signed, held.snapshot.signed, held.timestamp.signed
        snapshot.version += 1
        snapshot.expires = self._in(held.days.snapshot)
        snapshot.meta["targets.json"] = meta_file(held.targets.signed, targets_file)
        snapshot_file = sign(root, snapshot, online)
        timestamp.version += 1
        timestamp.expires = self._in(held.days.timestamp)
        timestamp.snapshot_meta = meta_file(snapshot, snapshot_file)
        return (
            (f"{snapshot.version}.snapshot.json", snapshot_file),
            ("timestamp.json", sign(root, timestamp, online)),
        )

    def _close(self, files: tuple[tuple[str, bytes], ...]) -> None:
        for name, data in files:
            self._put(self._metadata / name, data)

    def _put(self, path: Path, data: bytes) -> None:
        make_folder(path.parent)
        self._write(path, data)

    def _record(self, target: TargetFile) -> Path:
        digest = target.hashes["sha256"]
        return self._folder / "records" / digest[:2] / f"{digest}.json"

    def _in(self, days: int) -> datetime:
        return self._clock() + timedelta(days=days)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One change at a time, whoever runs the command. The lock is not in what is published."""
        make_folder(self._folder.parent)
        with locked(self._folder.parent / f".{self._folder.name}.lock"):
            yield


def _files(records: Sequence[Record]) -> dict[str, bytes]:
    """Target path -> bytes, of records that are what they say they are."""
    files = {}
    for record in records:
        data = record.encode()
        try:
            Record.decode(data)
        except ValueError as error:
            raise UsageError(f"cannot list {record.handle}: {error}") from error
        if len(data) > LARGEST_RECORD:
            raise UsageError(f"the record of {record.handle} has {len(data)} bytes: too many")
        path = target_path(record.exact, record.format)
        if path in files:
            raise UsageError(f"two records of {path} cannot be listed at once")
        files[path] = data
    return files


# To come: Repository.begin(folder, officers: Mapping[str, Key], threshold, signers: Sequence[Signer],
#     snapshot: Signer, timestamp: Signer, drafts: Path, clock, days) -> Draft | None
#     (None: published at once, since the signers at hand sufficed; else draft D1)
# Repository.in_force() -> InForce ; InForce.status() covers teams ; RoleStatus gains `missing`
# Repository.renew(online=[...]) ; Repository.publish(records, officer=, online=, role="")
