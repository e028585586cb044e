"""A published folder as its officers read it: what it lists, and by whom that was signed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import TargetFile  # type: ignore[attr-defined]  # no __all__

from hubproxy.core.policy import NO_POLICY, POLICY_PATH, Policy
from hubproxy.core.record import Record
from hubproxy.core.trustlist import TOP
from hubproxy.errors import TrustListError, UsageError
from hubproxy.trust.contents import Contents, published_name
from hubproxy.trust.inforce import InForce, RoleStatus, load
from hubproxy.trust.thresholds import keys_of, name_of


class ListFolder:
    """A published folder; it may hold no list yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._metadata = self._folder / "metadata"

    def in_force(self) -> InForce:
        """The list as it is, verified.

        Raises:
            UsageError: there is none.
            TrustListError: HP-T09 it does not verify.
        """
        return load(self._metadata)

    @property
    def is_begun(self) -> bool:
        """Whether there is a list, or at least a root of one."""
        return any(self._metadata.glob("*.root.json"))

    def check_not_begun(self) -> None:
        """See that a list can be begun here.

        Raises:
            UsageError: there is one already.
        """
        if self.is_begun:
            raise UsageError(
                f"there is a trust list in {self._folder} already",
                remedy="Add to it with `hubproxy trust approve`, or name another folder.",
            )

    def contents(self) -> Contents:
        """A place for new files, that knows those which are published."""
        return Contents(self.published)

    def find(self, path: str) -> Record | None:
        """The record that a look-up of a target path ends in, or None.

        Raises:
            TrustListError: HP-T09 the list does not verify, or the record was altered or lost.
        """
        found = self.in_force().find(path)
        return None if found is None else self.read_record(found[1])

    def read_record(self, target: TargetFile) -> Record:
        """The record that a role names.

        Raises:
            TrustListError: HP-T09 it was altered or lost.
        """
        with self._altered(target.path):
            return Record.decode(self._read(target))

    def policy(self) -> Policy:
        """What the officers demand; where they have published no policy, nothing.

        Raises:
            TrustListError: HP-T09 the list does not verify, or the policy was altered or lost.
        """
        target = self.in_force().targets.signed.targets.get(POLICY_PATH)
        if target is None:
            return NO_POLICY
        with self._altered(POLICY_PATH):
            return Policy.decode(self._read(target))

    def paths(self) -> list[str]:
        """Every target path that any role lists, sorted; the policy's is none of them.

        Raises:
            TrustListError: HP-T09 the list does not verify.
        """
        held = self.in_force()
        roles = (held.role(name).signed.targets for name in (TOP, *held.delegated))
        return sorted({path for role in roles for path in role if path != POLICY_PATH})

    def root_file(self) -> bytes:
        """The newest root: what an officer hands to every site, as `trust.root`.

        Raises:
            TrustListError: HP-T09 the list does not verify.
        """
        return self.in_force().root_file

    def officer_names(self) -> dict[str, str]:
        """Key id -> name, of those who may sign root or targets.

        Raises:
            TrustListError: HP-T09 the list does not verify.
        """
        root = self.in_force().root.signed
        return {key.keyid: name_of(key) for role in ("root", TOP) for key in keys_of(root, role)}

    def status(self) -> tuple[RoleStatus, ...]:
        """Who may sign each role, who did, and until when; also of a list that expired.

        Raises:
            TrustListError: HP-T09 the list does not verify.
        """
        return self.in_force().status()

    def published(self, name: str) -> bytes | None:
        """A file by its published name, unchecked; None where there is none."""
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def _read(self, target: TargetFile) -> bytes:
        name = published_name("records", f"sha256:{target.hashes['sha256']}")
        data = (self._folder / name).read_bytes()
        target.verify_length_and_hashes(data)
        return data

    @contextmanager
    def _altered(self, path: str) -> Iterator[None]:
        try:
            yield
        except (RepositoryError, OSError, KeyError, ValueError, UsageError) as error:
            raise TrustListError(
                "HP-T09",
                f"the record of {path} in {self._folder} was altered or lost: {error}",
                remedy="Put the folder back from a copy that you trust, or approve it again.",
            ) from error
