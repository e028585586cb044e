"""A draft: changes on their way to signatures, in a folder that can travel on a stick.

draft.json       the changes, and when they were made
base/            what it builds on: the roots, and the roles that it changes, as they are in force
metadata/        the new files of the roles, signed by whom has signed so far
records/  evidence/  boms/     what the new records are and name
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from securesystemslib.signer import Signer

from hubproxy.core.trust import Versions
from hubproxy.trust.changes import Change
from hubproxy.trust.contents import Contents
from hubproxy.trust.review import Requirement, Review

if TYPE_CHECKING:
    from hubproxy.trust.officer import Repository


@dataclass(frozen=True, slots=True)
class Publication:
    """What the officers' own log is told before a change is published."""

    draft: str
    """Its name; empty for a change that was signed and published at once."""
    versions: Versions
    """Of the list as it will be."""
    changes: tuple[str, ...]
    """One line each."""
    signed: tuple[str, ...]
    """`targets 5: ada, bob`, one of each role."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature did."""

    by: str
    """The signer's name."""
    requirements: tuple[Requirement, ...]
    fingerprint: str
    """Of the list's first root, to be compared where none is pinned."""


class Draft:
    """One draft's folder. Reading it, nothing in it is believed: see `review` and `sign`."""

    folder: Path
    name: str
    changes: tuple[Change, ...]

    @classmethod
    def create(
        cls,
        drafts: Path,
        repository: "Repository",
        changes: Sequence[Change],
        contents: Contents = Contents(),
        *,
        note: str = "",
    ) -> Self:
        """Build a draft on the list in force, as `drafts/D<next>`.

        Args:
            contents: new records, evidence and cards; what is published already need not be there.
            note: a line for those who review it.

        Raises:
            UsageError: a change that makes no sense, or of which a file is missing.
        """
        raise NotImplementedError

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open a draft, wherever it lies.

        Raises:
            UsageError: there is none, or it is damaged or unsafe: links, names, sizes, digests.
        """
        raise NotImplementedError

    def review(self, root: bytes | None = None) -> Review:
        """What it changes; verified from `root`, the pinned one, if given.

        Raises:
            UsageError: its files are not what its base and its changes make.
            TrustListError: HP-T09 its base does not verify.
        """
        raise NotImplementedError

    def sign(self, signer: Signer, root: bytes | None = None) -> Signed:
        """Sign every role that this key has a part in. Twice is harmless.

        Raises:
            UsageError: as `review`; or "this key is not one of: ada, bob".
            TrustListError: HP-T09 its base does not verify.
        """
        raise NotImplementedError

    def merge(self, copy: Path) -> tuple[Requirement, ...]:
        """Take over the signatures of another copy of this draft.

        Raises:
            UsageError: it is not a copy of this draft, or damaged or unsafe.
        """
        raise NotImplementedError

    def missing(self) -> tuple[Requirement, ...]:
        """What each role's signatures still lack; met ones too."""
        raise NotImplementedError

    def publish(
        self,
        repository: "Repository",
        online: Sequence[Signer],
        *,
        log: Callable[[Publication], None] = lambda publication: None,
    ) -> Versions:
        """Put it in force, whole or not at all, and remove its folder.

        Args:
            online: the key of snapshot and the key of timestamp, which may be one. Where one of them
                is rotated: the new one, and the old one if it is still at hand.
            log: told before anything can be seen; when it raises, nothing was published.

        Raises:
            UsageError: signatures are missing; a role has moved on ("rebase it").
            TrustListError: HP-T09 the list in force does not verify.
        """
        raise NotImplementedError

    def rebase(self, repository: "Repository") -> tuple[str, ...]:
        """Build the same changes on the list now in force; returns whose signatures were dropped."""
        raise NotImplementedError

    def abandon(self) -> None:
        """Remove its folder."""
        raise NotImplementedError
