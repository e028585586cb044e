"""A draft: changes on their way to signatures, in a folder that can travel on a stick.

    draft.json       the changes, and when they were made
    base/            what it builds on: every root, the roles that it changes, and the records that
                     it replaces, as they are in force
    metadata/        the new files of the roles, signed by whom has signed so far
    records/  evidence/  boms/     what the new records are and name

Nothing in it is believed. The base proves itself from the first root on; the new roles are built
from base and changes wherever the draft is looked at, and must be those in `metadata/`, of which
only signatures are taken.
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Self

import msgspec
from securesystemslib.signer import Signer  # type: ignore[attr-defined]  # no __all__

from hubproxy.core.audit import timestamp
from hubproxy.core.trust import Versions
from hubproxy.errors import StorageFailedError, UsageError
from hubproxy.trust.build import Built
from hubproxy.trust.carried import CarriedFolder
from hubproxy.trust.changes import Change
from hubproxy.trust.contents import Contents
from hubproxy.trust.disk import locked_folder
from hubproxy.trust.drafted import (
    keep_parts,
    policy_after,
    read_manifest,
    rebuilt,
    remove,
    take_parts,
)
from hubproxy.trust.drafting import Manifest, drafts_in, new_draft, replace_draft
from hubproxy.trust.officer import Repository
from hubproxy.trust.review import Requirement, Review, Signed, reviewed
from hubproxy.trust.signing import Keys, check_has_part, sign_built
from hubproxy.trust.standing import check_digest, check_known, check_pinned
from hubproxy.trust.support import Support, check_support
from hubproxy.trust.thresholds import fingerprint as fingerprint_of
from hubproxy.trust.wording import worded

__all__ = ["Draft", "Signed", "drafts_in"]


class Draft:
    """One draft's folder, wherever it lies."""

    def __init__(self, folder: CarriedFolder, manifest: Manifest, support: Support | None) -> None:
        self._files, self._manifest, self._support = folder, manifest, support

    @classmethod
    def create(
        cls,
        drafts: Path,
        repository: Repository,
        changes: Sequence[Change],
        contents: Contents | None = None,
        *,
        note: str = "",
    ) -> Self:
        """Build a draft on the list in force, as `drafts/D<next>`.

        Args:
            contents: new records, evidence and cards; what is published already need not be there.
            note: a line for those who review it.

        Raises:
            UsageError: a change that makes no sense, or of which a file is missing.
            TrustListError: HP-T09 the list in force does not verify.
        """
        name = new_draft(drafts, repository, changes, contents, note=note)
        return cls.load(drafts / name, repository.support)

    @classmethod
    def load(cls, folder: Path, support: Support | None = None) -> Self:
        """Open a draft, wherever it lies.

        Args:
            support: checks what its records say of signatures and cards; without it that is
                told to be the proposer's word.

        Raises:
            UsageError: there is none, or it is damaged or unsafe: links, names, sizes.
        """
        files = CarriedFolder(folder)
        return cls(files, read_manifest(files), support)

    @property
    def name(self) -> str:
        """D1, D2...: the same in every copy, whatever its folder is called."""
        return self._manifest.name

    @property
    def note(self) -> str:
        return self._manifest.note

    @property
    def told(self) -> tuple[str, ...]:
        """What it changes, in words; as it says itself, which `review` checks."""
        return worded(self.changes, self._contents())

    @property
    def changes(self) -> tuple[Change, ...]:
        return self._manifest.changes

    @property
    def folder(self) -> Path:
        return self._files.path

    def review(self, root: bytes | None = None) -> Review:
        """What it changes; verified from `root`, the pinned one, if given.

        Raises:
            UsageError: its files are not what its base and its changes make, or a record's card
                is not what the record says.
            DeniedError: HP-T12 a publisher's signature is not.
            TrustListError: HP-T09 its base does not verify, or is another list's.
        """
        built = self._built(root)
        return reviewed(
            built,
            self.changes,
            self._contents(),
            self._files.find,
            name=self.name,
            note=self.note,
            pinned=root is not None,
            unproven=self._unproven(built),
        )

    def sign(
        self,
        signer: Signer,
        root: bytes | None = None,
        fingerprint: str | None = None,
        digest: str | None = None,
    ) -> Signed:
        """Sign every role that this key has a part in. Twice is harmless.

        A review shows what changes, not what stays. So what it builds on must be known: by a root
        that is held, by the fingerprint of the first one, or as this key signed one itself.

        Args:
            fingerprint: `Signed.fingerprint`, as another officer has told it.
            digest: `Review.digest`: nothing else is signed than what was read.

        Raises:
            UsageError: as `review`; the list is not known; or "this key is not one of: ada, bob".
            DeniedError: as `review`.
            TrustListError: as `review`; or it has another fingerprint.
        """
        built = self._built()
        check_has_part(built, signer)
        check_known(built, signer, root, fingerprint)
        if digest is not None:
            check_digest(built, digest)
        unproven = self._unproven(built)
        by = sign_built(built, signer)
        self._keep(built)
        return Signed(
            by,
            built.requirements(),
            fingerprint_of(built.roots[0]),
            tuple(dict.fromkeys(line for lines in unproven.values() for line in lines)),
            built.digest,
        )

    def merge(self, copy: Path, root: bytes | None = None) -> tuple[Requirement, ...]:
        """Take over the signatures of another copy of this draft.

        Raises:
            UsageError: it is not a copy of this draft, or damaged or unsafe.
            TrustListError: as `review`.
        """
        other = type(self).load(copy)
        if other._manifest != self._manifest:
            raise UsageError(
                f"{copy} is not a copy of {self.name}, but of another draft: {other.name}, "
                f"made {timestamp(other._manifest.made_at)}"
            )
        built = self._built(root)
        take_parts(other._files, built)
        self._keep(built)
        return built.requirements()

    def missing(self) -> tuple[Requirement, ...]:
        """Whose signatures each new file needs, and which it has; met ones too.

        Raises:
            UsageError, TrustListError: as `review`.
        """
        return self._built().requirements()

    def publish(self, repository: Repository, online: Keys) -> Versions:
        """Put it in force, whole or not at all, and remove its folder, where that can be removed.

        Args:
            online: the key of snapshot and the key of timestamp, which may be one. Where one of
                them is changed: the new one, and the old one if it is still at hand.

        Raises:
            UsageError: signatures are missing; a role has moved on, or it has waited until what
                it makes is expired ("rebase it"); a record's card is not what the record says.
            DeniedError: HP-T12 a publisher's signature is not.
            TrustListError: HP-T09 the list in force, or the draft's base, does not verify.
        """
        built = self._built()
        self._unproven(built)
        versions = repository.publish_draft(
            built, self._contents(), self.changes, online, self.name
        )
        with suppress(StorageFailedError):  # it is in force, whatever becomes of the folder
            remove(self._files)
        return versions

    def rebase(self, repository: Repository) -> tuple[str, ...]:
        """Build the same changes on the list now in force; returns whose signatures were dropped.

        Raises:
            UsageError: the changes make no sense any more.
            TrustListError: HP-T09 the list in force does not verify.
        """
        dropped = tuple(dict.fromkeys(by for one in self.missing() for by in one.signed))
        manifest = msgspec.structs.replace(self._manifest, made_at=repository.clock())
        contents = Contents(lambda name: self._files.find(name) or repository.published(name))
        replace_draft(self.folder, repository, manifest, contents)
        self._files, self._manifest = CarriedFolder(self.folder), manifest
        return dropped

    def abandon(self) -> None:
        """Remove its files, and its folder if nothing else lies there.

        Raises:
            StorageFailedError: they cannot be removed.
        """
        remove(self._files)

    def _built(self, root: bytes | None = None) -> Built:
        built = rebuilt(self._files, self._manifest)
        if root is not None:
            check_pinned(built.roots, root)
        return built

    def _unproven(self, built: Built) -> dict[str, tuple[str, ...]]:
        policy = partial(policy_after, self._files, built)
        return check_support(self.changes, self._contents(), policy, self._support)

    def _keep(self, built: Built) -> None:
        """Write what is signed, beside what others have signed here meanwhile."""
        with locked_folder(self.folder):
            take_parts(self._files, built)
            keep_parts(self._files, built)

    def _contents(self) -> Contents:
        return Contents(self._files.find)
