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

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import Self

import msgspec
from securesystemslib.signer import Key, Signer  # type: ignore[attr-defined]  # no __all__
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata

from hubproxy.core.audit import timestamp
from hubproxy.core.trust import Versions
from hubproxy.errors import UsageError
from hubproxy.files import fsync_folder, make_folder, write_whole
from hubproxy.trust.build import Built, build
from hubproxy.trust.carried import MANIFEST, CarriedFolder
from hubproxy.trust.changes import Begin, Change, PublicKey, named_keys
from hubproxy.trust.contents import Contents
from hubproxy.trust.disk import locked
from hubproxy.trust.drafting import (
    COUNTER,
    DRAFT_NAME,
    Manifest,
    drafts_in,
    next_name,
    replace_draft,
    write_draft,
)
from hubproxy.trust.inforce import load
from hubproxy.trust.lifetimes import Lifetimes
from hubproxy.trust.officer import Keys, Repository
from hubproxy.trust.review import Requirement, Review, reviewed
from hubproxy.trust.signing import sign_built, take_signatures, to_file
from hubproxy.trust.standing import check_pinned
from hubproxy.trust.thresholds import AnyFile, fingerprint
from hubproxy.trust.wording import worded

__all__ = ["Draft", "Signed", "begin", "drafts_in"]

_DEFAULT = Lifetimes()


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature did."""

    by: str
    """The signer's name."""
    requirements: tuple[Requirement, ...]
    fingerprint: str
    """sha256 of what is signed in the list's first root: to be compared where none is pinned."""


class Draft:
    """One draft's folder, wherever it lies."""

    def __init__(self, folder: CarriedFolder, manifest: Manifest) -> None:
        self._files, self._manifest = folder, manifest

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
        contents = (
            repository.contents() if contents is None else contents.beside(repository.published)
        )
        make_folder(drafts, mode=0o700)
        with locked(drafts / ".lock"):
            name = next_name(drafts)
            manifest = Manifest(
                name=name, made_at=repository.clock(), note=note, changes=tuple(changes)
            )
            work = drafts / f".{name}.{token_hex(8)}"
            try:
                write_draft(work, repository, manifest, contents)
                work.rename(drafts / name)
            except BaseException:
                shutil.rmtree(work, ignore_errors=True)
                raise
            fsync_folder(drafts)
            write_whole(drafts / COUNTER, name.encode())
        return cls.load(drafts / name)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open a draft, wherever it lies.

        Raises:
            UsageError: there is none, or it is damaged or unsafe: links, names, sizes.
        """
        files = CarriedFolder(folder)
        try:
            manifest = msgspec.json.decode(files.read(MANIFEST), type=Manifest)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise UsageError(f"{folder / MANIFEST} is not a draft's: {error}") from error
        if (
            manifest.v != 1
            or not DRAFT_NAME.fullmatch(manifest.name)
            or not manifest.made_at.tzinfo
        ):
            raise UsageError(f"{folder / MANIFEST} is not a draft's of this release")
        return cls(files, manifest)

    @property
    def name(self) -> str:
        """D1, D2...: the same in every copy, whatever its folder is called."""
        return self._manifest.name

    @property
    def note(self) -> str:
        return self._manifest.note

    @property
    def made_at(self) -> datetime:
        return self._manifest.made_at

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
            UsageError: its files are not what its base and its changes make.
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
            made_at=self.made_at,
            pinned=root is not None,
        )

    def sign(self, signer: Signer, root: bytes | None = None) -> Signed:
        """Sign every role that this key has a part in. Twice is harmless.

        Raises:
            UsageError: as `review`; or "this key is not one of: ada, bob".
            TrustListError: as `review`.
        """
        built = self._built(root)
        by = sign_built(built, signer)
        self._keep(built)
        return Signed(by, built.requirements(), fingerprint(built.roots[0]))

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
                f"made {timestamp(other.made_at)}"
            )
        built = self._built(root)
        other._take(built)
        self._keep(built)
        return built.requirements()

    def missing(self) -> tuple[Requirement, ...]:
        """Whose signatures each new file needs, and which it has; met ones too.

        Raises:
            UsageError: as `review`.
            TrustListError: as `review`.
        """
        return self._built(None).requirements()

    def publish(self, repository: Repository, online: Keys) -> Versions:
        """Put it in force, whole or not at all, and remove its folder.

        Args:
            online: the key of snapshot and the key of timestamp, which may be one. Where one of
                them is changed: the new one, and the old one if it is still at hand.

        Raises:
            UsageError: signatures are missing; a role has moved on ("rebase it").
            TrustListError: HP-T09 the list in force, or the draft's base, does not verify.
        """
        versions = repository.publish_draft(
            self._built(None), self._contents(), self.changes, online, self.name
        )
        self.abandon()
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
        """Remove its folder."""
        shutil.rmtree(self.folder)

    def _built(self, root: bytes | None) -> Built:
        """Its roles, built from base and changes, with the signatures that were found to count."""
        base = None
        if not (self.changes and isinstance(self.changes[0], Begin)):
            base = load(self.folder / "base", said=f"what the draft {self.name} builds on")
        built = build(base, self.changes, self._contents(), self.made_at)
        if root is not None:
            check_pinned(built.roots, root)
        self._take(built)
        return built

    def _take(self, built: Built) -> None:
        """Take the signatures of its files, if these are what was built."""
        parts = {f"metadata/{part.name}": part for part in built.parts()}
        for name in self._files.names("metadata"):
            if name not in parts:
                raise UsageError(f"{name} of {self.folder} is no part of the draft: {_ALTERED}")
        for name, part in parts.items():
            file = _parsed(self._files.read(name), name)
            if file.signed_bytes != part.file.signed_bytes:
                raise UsageError(
                    f"{name} of {self.folder} is not what the changes make of the list: {_ALTERED}",
                    remedy="Nothing was signed. Ask who gave it to you for a copy, or abandon it.",
                )
            take_signatures(part, file.signatures)

    def _keep(self, built: Built) -> None:
        for part in built.parts():
            name, data = f"metadata/{part.name}", to_file(part.file)
            if self._files.find(name) != data:
                self._files.write(name, data)

    def _contents(self) -> Contents:
        return Contents(self._files.find)


_ALTERED = "it was altered, or made by another release"


def begin(
    drafts: Path,
    repository: Repository,
    *,
    officers: Mapping[str, Key],
    threshold: int,
    signers: Sequence[Signer],
    snapshot: Signer,
    timestamp: Signer,
    days: Lifetimes = _DEFAULT,
) -> Draft | None:
    """Begin a list with several officers.

    Args:
        officers: their names, and their public keys.
        threshold: how many of them must sign root and targets.
        signers: those of their keys that are at hand.
        snapshot, timestamp: the online keys; they may be one.

    Returns:
        None when the keys at hand sufficed, and the list is begun. Else the draft that the other
        officers sign, and which is then published with both online keys.

    Raises:
        UsageError: there is a list already, a name or a key that will not do, or a threshold above
            the number of officers.
    """
    change = Begin(
        officers=named_keys(officers),
        threshold=threshold,
        snapshot=PublicKey.of(snapshot.public_key),
        timestamp=PublicKey.of(timestamp.public_key),
        days=msgspec.to_builtins(days),
    )
    draft = Draft.create(drafts, repository, [change])
    for signer in signers:
        draft.sign(signer)
    if not all(one.met for one in draft.missing()):
        return draft
    draft.publish(repository, [snapshot, timestamp])
    return None


def _parsed(data: bytes, name: str) -> AnyFile:
    try:
        file: AnyFile = Metadata.from_bytes(data)
    except RepositoryError as error:
        raise UsageError(f"{name} of the draft cannot be read: {error}") from error
    return file
