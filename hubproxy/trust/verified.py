"""What the TUF client verified, as values of the core."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    MetaFile,
    Root,
    Snapshot,
    Targets,
    Timestamp,
)
from tuf.ngclient.fetcher import FetcherInterface
from tuf.ngclient.updater import Updater

from hubproxy.core.digest import Descriptor, Digest
from hubproxy.core.roles import TOP, RoleFile
from hubproxy.core.trust import Versions
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.trust.loading import check_root, load, refuse_doubles, verify
from hubproxy.trust.rolefiles import role_of

_ROLES = ("root", "timestamp", "snapshot", "targets")


class VerifiedUpdater(Updater):
    """tuf's updater at a given time, with our loader in it, and its verified roles in view.

    What is new stays in memory: tuf's own would keep a new timestamp, and lose the list that it
    has no snapshot for. All of this is private to tuf, which has no public way to pass a clock
    or a loader, nor to list what it verified. Reading its set is safer than reading the files
    again, since nothing enters it that was not verified.

    Args:
        kept: the folder of the list in force, if there is one yet. Only read.
        root: a root from someone trusted.
        at: the time at which nothing may have expired, timezone-aware UTC.
        newer: version -> root that was read before, asked for before the source is.
    """

    def __init__(
        self,
        kept: Path,
        fetcher: FetcherInterface,
        root: bytes,
        *,
        at: datetime,
        newer: Mapping[int, bytes] = MappingProxyType({}),
    ) -> None:
        self._newer = newer
        self.fresh: dict[str, bytes] = {}
        """Name in the folder -> bytes of what was verified and read from the source."""
        super().__init__(str(kept), "metadata/", fetcher=fetcher, bootstrap=root)
        self._trusted_set.reference_time = at
        self._trusted_set._load_data = load  # type: ignore[assignment]  # one T, bound twice
        refuse_doubles(self._trusted_set.root)
        self._online_since = self._pinned = self._trusted_set.root.version
        self._trusted_set.update_root = self._noting_keys(  # type: ignore[method-assign, assignment]  # each root passes there
            self._trusted_set.update_root
        )

    def _noting_keys(self, update_root: Callable[[bytes], Root]) -> Callable[[bytes], Root]:
        """Note since which root the online keys are what they are; every root passes here."""

        def noting(data: bytes) -> Root:
            before = _online_keys(self._trusted_set.root)
            newer = update_root(data)
            if _online_keys(newer) != before:
                self._online_since = newer.version
            return newer

        return noting

    def _download_metadata(self, rolename: str, length: int, version: int | None = None) -> bytes:
        known = self._newer.get(version or 0) if rolename == Root.type else None
        if known is not None:
            with suppress(RepositoryError):  # another list's, or damaged: ask the source
                load(Root, known, self._trusted_set.root)
                return known
        return super()._download_metadata(rolename, length, version)

    def _persist_metadata(self, rolename: str, data: bytes) -> None:
        self.fresh[f"{rolename}.json"] = data

    def _persist_root(self, version: int, data: bytes) -> None:
        self.fresh[f"root_history/{version}.root.json"] = data

    def _update_root_symlink(self) -> None:
        """Nobody reads the link."""

    @property
    def has_timestamp(self) -> bool:
        return "timestamp" in self._trusted_set

    @property
    def roots(self) -> range:
        """The versions of the roots that lead from the trusted one to the newest."""
        return range(self._pinned, self._trusted_set.root.version + 1)

    def check_under(self, newer: Mapping[int, bytes]) -> None:
        """See that the officers' role of the kept list stands under newer roots as well.

        Raises:
            RepositoryError: who signed it was voted out since.
        """
        root = self._trusted_set.root
        while (data := newer.get(root.version + 1)) is not None:
            try:
                after, payload, signatures = load(Root, data, root)
                verify(after, Root.type, payload, signatures)
            except RepositoryError:
                break  # another list's, or damaged
            if after.version != root.version + 1:
                break
            root = after
        if root is not self._trusted_set.root:
            load(Targets, self._load_local_metadata(Targets.type), root)

    def result(self) -> TrustSnapshot:
        """What was verified.

        Raises:
            OldRootError: the trusted root is too old.
            RepositoryError: a signed field of ours is malformed, or a file is not bound.
        """
        trusted = self._trusted_set
        check_root(trusted.root, trusted.targets)
        _bound("snapshot", trusted.timestamp.snapshot_meta)
        return TrustSnapshot(
            versions=Versions(
                root=trusted.root.version,
                timestamp=trusted.timestamp.version,
                snapshot=trusted.snapshot.version,
                targets=trusted.targets.version,
            ),
            expires=min(
                trusted.root.expires,
                trusted.timestamp.expires,
                trusted.snapshot.expires,
                trusted.targets.expires,
            ),
            roles={TOP: role_of(TOP, trusted.targets)},
            files=_files(trusted.snapshot),
            online_since=self._online_since,
        )

    def expiry(self) -> str:
        """Which role expired, and when where that is known (targets are dropped unread)."""
        trusted = self._trusted_set
        for name in _ROLES:
            signed = trusted.get(name)
            if signed is not None and signed.is_expired(trusted.reference_time):
                return f"trust list expired on {signed.expires:%Y-%m-%d %H:%M} UTC ({name})"
        return "trust list expired (targets)"


def _online_keys(root: Root) -> list[object]:
    """The public keys of snapshot and timestamp."""
    return [
        sorted(str(root.keys[keyid].keyval) for keyid in root.roles[role].keyids)
        for role in (Snapshot.type, Timestamp.type)
    ]


def _files(snapshot: Snapshot) -> dict[str, RoleFile]:
    return {name.removesuffix(".json"): _bound(name, meta) for name, meta in snapshot.meta.items()}


def _bound(name: str, meta: MetaFile) -> RoleFile:
    """The one file that a role's version has.

    TUF 1.0 (4.4) lets a snapshot leave out length and hashes. Without a hash, whoever holds an
    online key's place could show each site another file of one version; without a length, only
    a general limit holds; and what is kept could not be found by its digest.
    """
    try:
        digest = Digest.of_hex((meta.hashes or {})["sha256"])
    except (KeyError, ValueError) as error:
        raise RepositoryError(f"{name} is listed without a sha256") from error
    if meta.length is None:
        raise RepositoryError(f"{name} is listed without a length")
    return RoleFile(meta.version, Descriptor(digest, meta.length))
