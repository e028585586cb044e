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
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from securesystemslib.signer import Signer  # type: ignore[attr-defined]  # no __all__
from tuf.api.metadata import Metadata, Root  # type: ignore[attr-defined]  # no __all__

from hubproxy.core.record import Record
from hubproxy.core.trust import Versions
from hubproxy.core.trustlist import TOP
from hubproxy.errors import StorageFailedError, UsageError
from hubproxy.files import make_folder, write_whole
from hubproxy.trust.build import Built, build
from hubproxy.trust.changes import Begin, Change, PublicKey, Renew, holder_name
from hubproxy.trust.contents import Contents
from hubproxy.trust.disk import locked
from hubproxy.trust.inforce import InForce
from hubproxy.trust.lifetimes import Lifetimes, lifetimes
from hubproxy.trust.listfolder import ListFolder
from hubproxy.trust.proposing import put
from hubproxy.trust.publishing import Plan, Publication, carriage, plan, renewal, signed_by
from hubproxy.trust.signing import Keys, several, sign_built
from hubproxy.trust.standing import (
    check_author,
    check_base,
    check_chained,
    check_pinned,
    check_timely,
    held_under,
    in_force_already,
)
from hubproxy.trust.support import Support
from hubproxy.trust.wording import worded

_DEFAULT = Lifetimes()


def _unlogged(_publication: Publication) -> None:
    pass


class Repository(ListFolder):
    """A published folder.

    Args:
        clock: now, timezone-aware UTC.
        write: puts a file in its folder, whole and to stay.
        log: told of each change before any of it can be seen, under the folder's lock. When it
            raises, nothing is published.
        pinned: a root of the list, from someone trusted. Without one, nothing is signed on top of
            a list but by a key that has signed one of its roots.
        support: checks what the records of drafts say of signatures and cards.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], datetime],
        write: Callable[[Path, bytes], None] = write_whole,
        log: Callable[[Publication], None] = _unlogged,
        pinned: bytes | None = None,
        support: Support | None = None,
    ) -> None:
        super().__init__(folder)
        self.clock = clock
        self._write = write
        self._log = log
        self._pinned = pinned
        self.support = support

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

    def publish(
        self,
        records: Sequence[Record],
        *,
        officer: Signer,
        online: Keys,
        role: str = "",
        evidence: Sequence[bytes] = (),
        cards: Sequence[bytes] = (),
    ) -> Versions:
        """List records, each in the place of an earlier one of its handle and format.

        Without any, and wherever the officers' role changes, that is renewed; root with it once it
        has lived half its life, if the officer is who signs it.

        Args:
            role: that lists them; by default the team whose paths they are, or the officers.
            evidence, cards: the files that the records name, but for those published already.

        Raises:
            UsageError: a key that may not sign, two records of one module, or not a record.
            TrustListError: HP-T09 the folder's own list does not verify.
        """
        contents = self.contents()
        for data in evidence:
            contents.add("evidence", data)
        for data in cards:
            contents.add("boms", data)
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
            TrustListError: HP-T09 the list in force does not verify, or is another list.
        """
        with self._changing():
            self._check_pinned(built.roots)
            if built.base is None:
                if self.is_begun and (done := in_force_already(self, built)) is not None:
                    return done
                self.check_not_begun()
                return self._put_in_force(None, built, contents, online, changes, name)
            if (done := in_force_already(self, built)) is not None:
                return done
            held = held_under(self._metadata, built)
            self._check_pinned(held.roots)
            check_base(built, held)
            built = replace(built, base=held)
            return self._put_in_force(held, built, contents, online, changes, name)

    def renew(self, *, online: Keys) -> Versions:
        """Give snapshot and timestamp a new expiry. Changes nothing that is listed.

        Raises:
            UsageError: a key that may not sign them.
            TrustListError: HP-T09 the folder's own list does not verify, or is another list.
        """
        with self._changing():
            held = self.in_force()
            self._check_pinned(held.roots)
            made = renewal(held, several(online), self.clock())
            self._write_all(made)
        return made.versions

    def carry(self, *, online: Keys, days: int, contents: str) -> tuple[Plan, Versions]:
        """Snapshot and timestamp that live long enough to be carried over an air gap.

        They live `days`, and have numbers of their own: the list here goes on behind them.

        Returns:
            Their files, bound to `contents`, and not published; and the list's versions here.

        Raises:
            UsageError: a key that may not sign them.
            TrustListError: HP-T09 the folder's own list does not verify, or is another list.
        """
        with self._changing():
            held = self.in_force()
            self._check_pinned(held.roots)
            carried, after = carriage(held, several(online), self.clock(), days, contents)
            told = f"carried over an air gap for {days} days: {contents}"
            self._log(Publication("", carried.versions, (told,), ()))
            self._write_all(after)
        return carried, after.versions

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
        if held is not None:
            check_chained(held, built)
        check_timely(built, self.clock())
        days = lifetimes(built.last_targets.signed)
        files = [(name, contents.read_named(name)) for name in built.names]
        made = plan(held, built, days, several(online), self.clock())
        told = worded(changes, contents)
        self._log(Publication(draft, made.versions, told, signed_by(built)))
        for name, data in files:
            if self.published(name) != data:
                self._put(self._folder / name, data)
        self._write_all(made)
        return made.versions

    def _check_author(self, held: InForce, signers: Sequence[Signer]) -> None:
        if self._pinned is None:
            check_author(held.roots, signers)
        self._check_pinned(held.roots)

    def _check_pinned(self, roots: Sequence[Metadata[Root]]) -> None:
        """Who may write to the folder alone must not have the online key sign a list of his."""
        if self._pinned is not None:
            check_pinned(roots, self._pinned)

    def _write_all(self, made: Plan) -> None:
        for name, data in made.files:
            self._put(self._metadata / name, data)

    def _put(self, path: Path, data: bytes) -> None:
        try:
            make_folder(path.parent)
            self._write(path, data)
        except OSError as error:
            raise StorageFailedError(
                f"the trust list cannot be written to {self._folder}: {error.strerror}",
                remedy="Mend that and run the command again: what was begun is taken up.",
            ) from error

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One change at a time, whoever runs the command. The lock is not in what is published."""
        make_folder(self._folder.parent)
        with locked(self._folder.parent / f".{self._folder.name}.lock"):
            yield
