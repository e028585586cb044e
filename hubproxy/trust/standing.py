"""Whether a list is the one that it seems, and still the one that a draft was built on."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from securesystemslib.signer import Signer  # type: ignore[attr-defined]  # no __all__
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    Metadata,
    Root,
)

from hubproxy.core.audit import timestamp
from hubproxy.core.trust import Versions
from hubproxy.core.trustlist import TOP
from hubproxy.errors import HubproxyError, TrustListError, UsageError
from hubproxy.trust.build import Built
from hubproxy.trust.inforce import InForce, load
from hubproxy.trust.listfolder import ListFolder
from hubproxy.trust.thresholds import AnyFile, check_signed, identity, verifies
from hubproxy.trust.thresholds import fingerprint as fingerprint_of

_AHEAD = timedelta(hours=1)
"""How far the clock of whoever makes a draft may be ahead of the one that publishes it."""


def check_author(roots: Iterable[Metadata[Root]], signers: Iterable[Signer]) -> None:
    """See that one of the signers signed a root of the list.

    A folder proves itself from its own first root only. A signature of one's own shows that
    nobody put another chain of roots there, with one's key among others.

    Raises:
        UsageError: none did.
    """
    own = {identity(signer.public_key) for signer in signers}
    for root in roots:
        payload = root.signed_bytes
        for key in root.signed.keys.values():
            signature = root.signatures.get(key.keyid)
            if identity(key) in own and signature and verifies(key, signature, payload):
                return
    raise UsageError(
        "this officer's key did not sign the root of the trust list",
        remedy="`hubproxy trust status` shows whose keys may sign it.",
    )


def check_known(built: Built, signer: Signer, root: bytes | None, fingerprint: str | None) -> None:
    """See that a draft builds on a list that whoever signs it knows.

    A list that begins is all in its draft, and there is nothing else to know of it.

    Args:
        root: the file of a root that is held here.
        fingerprint: sha256 of what is signed in the first root, in hex.

    Raises:
        UsageError: nothing says whose list it is.
        TrustListError: HP-T09 it is another list.
    """
    if root is not None:
        check_pinned(built.roots, root)
    found = fingerprint_of(built.roots[0])
    if fingerprint is not None:
        check_fingerprint(found, fingerprint)
    elif root is None and built.base is not None:
        try:
            check_author(built.roots, [signer])
        except UsageError as error:
            raise UsageError(
                f"no root of the list is held here, and this key has signed none: it may be any "
                f"list, of which a review shows only what changes. Its fingerprint is {found}",
                remedy="Say `--root FILE` or `--fingerprint HEX`, compared with an officer by "
                "another way.",
            ) from error


def check_fingerprint(found: str, wanted: str) -> None:
    """See that a list has the fingerprint that another officer has told.

    Raises:
        TrustListError: HP-T09 it is another list.
    """
    if wanted.strip().lower().removeprefix("sha256:") != found:
        raise TrustListError(
            "HP-T09",
            f"the first root has the fingerprint {found}: this is another list",
            remedy="Nothing was signed. Ask the other officers whose list it is.",
        )


def check_digest(built: Built, wanted: str) -> None:
    """See that what is to be signed is what was read.

    Args:
        wanted: sha256, in hex, with or without the algorithm's name.

    Raises:
        UsageError: it is something else.
    """
    if built.digest.removeprefix("sha256:") != wanted.strip().lower().removeprefix("sha256:"):
        raise UsageError(
            f"what is to be signed has the digest {built.digest}, and is not what was read",
            remedy="Nothing was signed. Read it again: `hubproxy trust review`.",
        )


def check_pinned(roots: Sequence[Metadata[Root]], pinned: bytes) -> None:
    """See that a chain of roots holds the one that was pinned.

    Args:
        roots: from the first on.
        pinned: the file of a root.

    Raises:
        UsageError: what was pinned is no root, or newer than all of these.
        TrustListError: HP-T09 this is another list.
    """
    try:
        root: Metadata[Root] = Metadata.from_bytes(pinned)
    except RepositoryError as error:
        raise UsageError(f"the root that is pinned here is none: {error}") from error
    if not isinstance(root.signed, Root):
        raise UsageError("the root that is pinned here is none")
    version = root.signed.version
    if version > len(roots):
        raise UsageError(
            f"this builds on root {len(roots)}, and root {version} is pinned here: it is too old",
            remedy="Have it built on the list in force: `hubproxy trust rebase`.",
        )
    if roots[version - 1].signed_bytes != root.signed_bytes:
        raise TrustListError(
            "HP-T09",
            f"root {version} is not the one that is pinned here: this is another list",
            remedy="Nothing was signed. Ask the other officers whose list it is.",
        )


def check_base(built: Built, held: InForce) -> None:
    """See that the roles that a draft changes are still those that it was built on.

    Raises:
        UsageError: one has moved on, or it is a draft of another list.
    """
    base = built.base
    assert base is not None
    if base.roots[0].signed_bytes != held.roots[0].signed_bytes:
        raise UsageError("this is a draft of another list: its first root is not this one's")
    if built.root is not None:
        _check_same("root", [base.root, built.root], held.root)
    if built.targets is not None:
        bridge = [] if built.bridge is None else [built.bridge]
        _check_same(TOP, [base.targets, *bridge], held.targets)
    for name in built.teams:
        if name not in held.delegated and name in base.delegated:
            raise UsageError(f"the team {name} is trusted no longer", remedy=_ABANDON)
        if name in base.delegated:  # a new team comes with the officers' role, see above
            _check_same(name, [base.role(name)], held.role(name))


def check_chained(held: InForce, built: Built) -> None:
    """See that every reader of the list in force will take a new root.

    Raises:
        UsageError: it would not.
    """
    if built.root is None:
        return
    try:
        for root in (held.root.signed, built.root.signed):
            check_signed(root, "root", built.root)
    except RepositoryError as error:
        raise UsageError(f"no reader would take the new root: {error}") from error


def check_timely(built: Built, at: datetime) -> None:
    """See that what was built is not expired already, and was not made in the future.

    Args:
        at: now, timezone-aware UTC.

    Raises:
        UsageError: its expiries count from too long ago, or from a time that has not come.
    """
    for part in built.parts():
        if part.file.signed.expires <= at:
            raise UsageError(
                f"made at {timestamp(built.at)}, its {part.role} {part.file.signed.version} would "
                f"be published expired: it was to last until {timestamp(part.file.signed.expires)}",
                remedy="`hubproxy trust rebase` builds it anew; it must then be signed again.",
            )
    if built.at > at + _AHEAD:
        raise UsageError(
            f"it says that it was made at {timestamp(built.at)}, which has not come: it would "
            "last longer than the officers' roles may",
            remedy="See that the clocks are right, then build it anew: `hubproxy trust rebase`.",
        )


def held_under(folder: Path, built: Built) -> InForce:
    """The list in force as a draft found it, also when the draft's new root is there already.

    Args:
        folder: of the published metadata.

    Raises:
        TrustListError: HP-T09 it does not verify.
    """
    try:
        return load(folder)
    except TrustListError:
        # The new root may be there without the list that stands under it.
        if built.base is None or built.root is None:
            raise
        if not _is_file_of(folder / f"{built.root.signed.version}.root.json", built.root):
            raise
        return load(folder, last_root=built.base.root.signed.version)


def in_force_already(published: ListFolder, built: Built) -> Versions | None:
    """The versions, where all that a draft comes to is in force: a crash came after it."""
    ours = {"root": built.root, TOP: built.targets, **built.teams}
    try:
        held = published.in_force()
        for name, file in ours.items():
            now = held.root if name == "root" else held.role(name)
            if file is not None and now.signed_bytes != file.signed_bytes:
                return None
    except HubproxyError:
        return None
    return held.versions


def _is_file_of(path: Path, role: AnyFile) -> bool:
    try:
        there: AnyFile = Metadata.from_bytes(path.read_bytes())
    except (OSError, RepositoryError):
        return False
    return there.signed_bytes == role.signed_bytes


_ABANDON = "`hubproxy trust abandon` removes the draft."


def _check_same(name: str, ours: Sequence[AnyFile], held: AnyFile) -> None:
    if held.signed_bytes not in [one.signed_bytes for one in ours]:
        before, after = ours[0].signed.version, held.signed.version
        other = "another " if before == after else ""
        raise UsageError(
            f"built on {name} {before}, but {other}{name} {after} is in force: rebase it",
            remedy="`hubproxy trust rebase` builds it anew; it must then be signed again.",
        )
