"""What the TUF client verified, as values of the core."""

from datetime import datetime
from pathlib import Path

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Targets  # type: ignore[attr-defined]  # no __all__
from tuf.ngclient.fetcher import FetcherInterface
from tuf.ngclient.updater import Updater

from hubproxy.core.digest import Descriptor, Digest
from hubproxy.core.trust import Versions
from hubproxy.core.trustlist import TOP, Role, TrustSnapshot
from hubproxy.errors import TrustListError

_ROLES = ("root", "timestamp", "snapshot", "targets")


class VerifiedUpdater(Updater):
    """tuf's updater at a given time, with its verified roles in view.

    Both are tuf's own (`_trusted_set`): it has no public way to pass a clock, nor to list the
    targets that it verified. Reading the set is safer than reading the files again, since
    nothing enters it that was not verified.
    """

    def __init__(self, work: Path, fetcher: FetcherInterface, root: bytes, *, at: datetime) -> None:
        super().__init__(str(work), "metadata/", fetcher=fetcher, bootstrap=root)
        self._trusted_set.reference_time = at

    @property
    def has_timestamp(self) -> bool:
        return "timestamp" in self._trusted_set

    def result(self) -> TrustSnapshot:
        """What was verified.

        Raises:
            TrustListError: HP-T15.
            RepositoryError: a signed field of ours is malformed.
        """
        trusted = self._trusted_set
        wanted = _min_root(trusted.targets)
        if trusted.root.version < wanted:
            raise TrustListError(
                "HP-T15",
                f"trusted root is version {trusted.root.version}, the list demands {wanted}; "
                f"the source lacks {trusted.root.version + 1}.root.json",
                remedy="Publish or import every root: `hubproxy trust export` packs them all.",
            )
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
            roles={
                TOP: Role(
                    TOP,
                    trusted.targets.version,
                    trusted.targets.expires,
                    _targets(trusted.targets),
                    _revoked(trusted.targets),
                )
            },
        )

    def expiry(self) -> str:
        """Which role expired, and when where that is known (targets are dropped unread)."""
        trusted = self._trusted_set
        for name in _ROLES:
            signed = trusted.get(name)
            if signed is not None and signed.is_expired(trusted.reference_time):
                return f"trust list expired on {signed.expires:%Y-%m-%d %H:%M} UTC ({name})"
        return "trust list expired (targets)"


def _min_root(targets: Targets) -> int:
    ours = targets.unrecognized_fields.get("hubproxy", {})
    wanted = ours.get("min_root", 1) if isinstance(ours, dict) else None
    if not isinstance(wanted, int):
        raise RepositoryError("targets: `hubproxy.min_root` is not a number")
    return wanted


def _targets(targets: Targets) -> dict[str, Descriptor]:
    found = {}
    for path, target in targets.targets.items():
        try:
            digest = Digest.of_hex(target.hashes["sha256"])
        except (KeyError, ValueError) as error:
            raise RepositoryError(f"targets: {path} has no sha256") from error
        found[path] = Descriptor(digest, target.length)
    return found


def _revoked(targets: Targets) -> frozenset[str]:
    """Paths whose target says so: "latest" passes over them without reading their records."""
    return frozenset(
        path
        for path, target in targets.targets.items()
        if isinstance(target.custom, dict) and target.custom.get("status") == "revoked"
    )
