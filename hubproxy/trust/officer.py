"""The trust list as officers write it: a published folder that any web server can serve.

    metadata/   N.root.json  N.targets.json  N.<team>.json  N.snapshot.json  timestamp.json
    records/    <aa>/<sha256>.json
    evidence/   <aa>/<sha256>
    boms/       <aa>/<sha256>.cdx.json

Nothing that clients may be reading is written over, but for `timestamp.json`, and that comes
last and by rename: before it a change does not exist, after it the change is whole. So the
list in force is the one that `timestamp.json` leads to. It is verified before anything is
signed on top of it: who can write to the folder must not get an officer's signature by that.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from securesystemslib.signer import Signer  # type: ignore[attr-defined]  # no __all__
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    Metadata,
    Root,
    TargetFile,
)

from hubproxy.core.policy import NO_POLICY, POLICY_PATH, Policy
from hubproxy.core.record import Record
from hubproxy.core.trust import Versions
from hubproxy.core.trustlist import TOP
from hubproxy.errors import HubproxyError, TrustListError, UsageError
from hubproxy.files import make_folder, write_whole
from hubproxy.trust.build import Built, build
from hubproxy.trust.changes import Begin, Change, PublicKey, Renew, holder_name
from hubproxy.trust.contents import Contents, published_name
from hubproxy.trust.disk import locked
from hubproxy.trust.inforce import InForce, Lifetimes, RoleStatus, lifetimes, load
from hubproxy.trust.proposing import put
from hubproxy.trust.publishing import Plan, Publication, plan, renewal
from hubproxy.trust.signing import sign_built
from hubproxy.trust.standing import check_author, check_base, check_pinned
from hubproxy.trust.thresholds import identity, keys_of, name_of

Keys = Signer | Sequence[Signer]
"""One key, or several."""
_DEFAULT = Lifetimes()


def _unlogged(_publication: Publication) -> None:
    pass


class Repository:
    """A published folder.

    Args:
        clock: now, timezone-aware UTC.
        write: puts a file in its folder, whole and to stay.
        log: told of each change before any of it can be seen, under the folder's lock. When it
            raises, nothing is published.
        pinned: a root of the list, from someone trusted. Without one, nothing is signed on top of
            a list but by a key that has signed one of its roots.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], datetime],
        write: Callable[[Path, bytes], None] = write_whole,
        log: Callable[[Publication], None] = _unlogged,
        pinned: bytes | None = None,
    ) -> None:
        self._folder = folder.resolve()
        self._metadata = self._folder / "metadata"
        self.clock = clock
        self._write = write
        self._log = log
        self._pinned = pinned

    @classmethod
    def init(
        cls,
        folder: Path,
        *,
        officer_name: str,
        officer: Signer,
        online: Signer,
        clock: Callable[[], datetime],
        days: Lifetimes = _DEFAULT,
        write: Callable[[Path, bytes], None] = write_whole,
    ) -> "Repository":
        """Begin an empty list: root and targets are the officer's, the rest the online key's.

        Raises:
            UsageError: there is a list already, or both keys are one.
        """
        repository = cls(folder, clock=clock, write=write)
        begin = Begin(
            officers=(PublicKey.of(officer.public_key, holder_name(officer_name)),),
            threshold=1,
            snapshot=PublicKey.of(online.public_key),
            timestamp=PublicKey.of(online.public_key),
            days=msgspec.to_builtins(days),
        )
        repository.change([begin], signers=officer, online=online)
        return repository

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

    def contents(self) -> Contents:
        """A place for new files, that knows those which are published."""
        return Contents(self.published)

    def publish(
        self, records: Sequence[Record], *, officer: Signer, online: Keys, role: str = ""
    ) -> Versions:
        """List records, each in the place of an earlier one of its handle and format.

        Without any, and wherever the officers' role changes, that is renewed; root with it once it
        has lived half its life, if the officer is who signs it.

        Args:
            role: that lists them; by default the team whose paths they are, or the officers.

        Raises:
            UsageError: a key that may not sign, two records of one module, or not a record.
            TrustListError: HP-T09 the folder's own list does not verify.
        """
        contents = self.contents()
        held = self.in_force()
        self._check_author(held, [officer])
        listed = put(held, records, contents, role=role)
        changes: list[Change] = [*listed]
        if not listed or any(one.role == TOP for one in listed):
            changes.append(Renew(role=TOP))
            root = held.root.signed
            if root.expires - self.clock() < timedelta(days=held.days.root) / 2:
                changes.append(Renew(role="root"))
        return self.change(changes, contents, signers=officer, online=online)

    def change(
        self,
        changes: Sequence[Change],
        contents: Contents | None = None,
        *,
        signers: Keys,
        online: Keys,
    ) -> Versions:
        """Make changes at once, with the keys at hand.

        Raises:
            UsageError: they make no sense, or need a signature that no key at hand can make.
            TrustListError: HP-T09 the folder's own list does not verify.
        """
        contents = self.contents() if contents is None else contents
        with self._changing():
            base = None
            if any(isinstance(change, Begin) for change in changes):
                self.check_not_begun()
            else:
                base = self.in_force()
                self._check_author(base, several(signers))
            built = build(base, changes, contents, self.clock())
            for signer in several(signers):
                sign_built(built, signer)
            return self._put_in_force(base, built, contents, online, tuple(changes), "")

    def publish_draft(
        self, built: Built, contents: Contents, changes: Sequence[Change], online: Keys, name: str
    ) -> Versions:
        """Put what a draft was built to in force. After a crash it may be called again.

        Raises:
            UsageError: signatures are missing, or a role has moved on since.
            TrustListError: HP-T09 the list in force does not verify.
        """
        with self._changing():
            if built.base is None:
                if self.is_begun and (done := self._in_force_already(built)) is not None:
                    return done
                self.check_not_begun()
                return self._put_in_force(None, built, contents, online, changes, name)
            if (done := self._in_force_already(built)) is not None:
                return done
            held = self._held_under(built)
            check_base(built, held)
            built = replace(built, base=held)
            return self._put_in_force(held, built, contents, online, changes, name)

    def renew(self, *, online: Keys) -> Versions:
        """Give snapshot and timestamp a new expiry. Changes nothing that is listed.

        Raises:
            UsageError: a key that may not sign them.
            TrustListError: HP-T09 the folder's own list does not verify.
        """
        with self._changing():
            made = renewal(self.in_force(), several(online), self.clock())
            self._write_all(made)
        return made.versions

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

    def _put_in_force(
        self,
        held: InForce | None,
        built: Built,
        contents: Contents,
        online: Keys,
        changes: Sequence[Change],
        draft: str,
    ) -> Versions:
        unmet = [str(one) for one in built.requirements() if not one.met]
        if unmet:
            raise UsageError(
                f"signatures are missing: {'; '.join(unmet)}",
                remedy="Each signs the draft, or a copy: `hubproxy trust sign`, `trust merge`.",
            )
        days = lifetimes(built.last_targets.signed)
        files = [(name, contents.read_named(name)) for name in built.names]
        made = plan(held, built, days, several(online), self.clock())
        self._log(Publication(draft, made.versions, tuple(map(str, changes)), _signed(built)))
        for name, data in files:
            if self.published(name) != data:
                self._put(self._folder / name, data)
        self._write_all(made)
        return made.versions

    def _in_force_already(self, built: Built) -> Versions | None:
        """The versions, where all that a draft comes to is in force: a crash came after it."""
        try:
            held = self.in_force()
            ours = {"root": built.root, TOP: built.targets, **built.teams}
            for name, file in ours.items():
                now = held.root if name == "root" else held.role(name)
                if file is not None and now.signed_bytes != file.signed_bytes:
                    return None
        except HubproxyError:
            return None
        return held.versions

    def _held_under(self, built: Built) -> InForce:
        """The list in force as a draft found it, also when its new root is there already."""
        base = built.base
        assert base is not None
        if built.root is None:
            return self.in_force()
        name = f"{built.root.signed.version}.root.json"
        with suppress(OSError, RepositoryError):
            there: Metadata[Root] = Metadata.from_bytes((self._metadata / name).read_bytes())
            if there.signed_bytes != built.root.signed_bytes:
                return self.in_force()
        return load(self._metadata, last_root=base.root.signed.version)

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

    def _check_author(self, held: InForce, signers: Sequence[Signer]) -> None:
        if self._pinned is not None:
            check_pinned(held.roots, self._pinned)
        else:
            check_author(held.roots, signers)

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

    def _write_all(self, made: Plan) -> None:
        for name, data in made.files:
            self._put(self._metadata / name, data)

    def _put(self, path: Path, data: bytes) -> None:
        make_folder(path.parent)
        self._write(path, data)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One change at a time, whoever runs the command. The lock is not in what is published."""
        make_folder(self._folder.parent)
        with locked(self._folder.parent / f".{self._folder.name}.lock"):
            yield


def several(keys: Keys) -> tuple[Signer, ...]:
    """Keys as a sequence; one that is given twice once."""
    given = (keys,) if isinstance(keys, Signer) else keys
    return tuple({identity(key.public_key): key for key in given}.values())


def _signed(built: Built) -> tuple[str, ...]:
    return tuple(
        f"{one.role} {one.version}: {', '.join(one.signed)}" for one in built.requirements()
    )
