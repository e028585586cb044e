"""What officers' commands work on: drafts, the keys of this host, and the officers' own log."""

import getpass
import re
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from securesystemslib.signer import Signer  # type: ignore[attr-defined]  # no __all__

from hubproxy.config import Config
from hubproxy.core.audit import AuditEvent, timestamp
from hubproxy.errors import AuditUnavailableError, TrustListError, UsageError
from hubproxy.files import fsync_folder
from hubproxy.store.auditsegments import Segments
from hubproxy.trust.draft import Draft
from hubproxy.trust.inforce import name_of
from hubproxy.trust.keys import create_online_key, load_signer
from hubproxy.trust.officer import Repository
from hubproxy.trust.publishing import Publication
from hubproxy.wiring.places import now, places
from hubproxy.wiring.support import support

_NAME = re.compile(r"D[1-9][0-9]{0,8}")
_SEGMENT = 64 * 1024 * 1024


def open_draft(config: Config, text: str) -> Draft:
    """A draft by its name here (`D3`), or by the path of its folder.

    Raises:
        UsageError: there is none, or it is damaged or unsafe.
    """
    return Draft.load(draft_folder(config, text), support())


def draft_folder(config: Config, text: str) -> Path:
    """Where a draft of that name, or at that path, lies."""
    return places(config).drafts / text if _NAME.fullmatch(text) else Path(text)


def held_root(config: Config) -> bytes | None:
    """The root that drafts are verified from; None where this host was given none yet.

    Raises:
        TrustListError: one is set, and it cannot be read.
    """
    root = Path(config.trust.root) if config.trust.root else places(config).root
    try:
        return root.read_bytes()
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not config.trust.root:
            return None
        raise TrustListError(
            "TRUST_ROOT",
            f"the trust root {root} cannot be read: {error.strerror}",
            remedy="Nothing was signed. Put the file there, or mend `trust.root`.",
        ) from error


def online_signers(config: Config) -> list[Signer]:
    """The online keys of this host.

    Raises:
        UsageError: there is none, or one cannot be read.
    """
    files = online_files(config)
    if not files:
        raise UsageError(
            f"there is no online key here: {places(config).keys / 'online.pem'} is missing",
            remedy="Publish and renew on the host that has it, or put another in its place there: "
            "`hubproxy trust rotate online`.",
        )
    return [load_signer(path) for path in files]


def online_files(config: Config) -> list[Path]:
    """Where they lie: `online.pem`, and those that a rotation made."""
    folder = places(config).keys
    return sorted([*folder.glob("online.pem"), *folder.glob("online-*.pem")])


def append_publication(config: Config, publication: Publication) -> None:
    """Write into the officers' log what is about to be published; on return it is on disk.

    Raises:
        AuditUnavailableError: it cannot be written.
    """
    what = "; ".join(publication.changes)
    _append(
        config,
        AuditEvent(
            id=uuid4().hex,
            time=timestamp(now()),
            event="trust",
            caller="; ".join(dict.fromkeys(publication.signed)),
            reason=f"{publication.draft}: {what}" if publication.draft else what,
            trust=publication.versions.full,
        ),
    )


def append_decision(config: Config, what: str, *, kind: str = "quarantine") -> None:
    """Write into the officers' log what somebody decides on this host, and signs nothing for.

    Args:
        kind: of the event: "quarantine", or "export" for what is given out past the daemon.

    Raises:
        AuditUnavailableError: it cannot be written.
    """
    event = AuditEvent(
        id=uuid4().hex,
        time=timestamp(now()),
        event=kind,
        caller=getpass.getuser(),
        reason=what,
    )
    _append(config, event)


def _append(config: Config, event: AuditEvent) -> None:
    log = Segments(places(config).trust_log, segment_bytes=_SEGMENT, ballast_bytes=0)
    try:
        log.open()
        log.append(event.encode())
    except OSError as error:
        raise AuditUnavailableError(
            f"the officers' log cannot be written: {error.strerror}",
            remedy=f"Mend {places(config).trust_log}: nothing was done.",
        ) from error
    finally:
        log.close()


def drop_online_keys(config: Config, before: Sequence[str], after: Sequence[str]) -> list[Path]:
    """Remove the online keys that were in force and are no longer."""
    gone = set(before) - set(after)
    dropped = [path for path in online_files(config) if load_signer(path).public_key.keyid in gone]
    for path in dropped:
        path.unlink()
    return dropped


def drop_retired_keys(config: Config, repository: Repository) -> list[Path]:
    """Remove the online keys that an earlier root named and the one in force does not.

    Also those of a change that was published before, and cut short thereafter. One that was made
    for a draft that still waits stands in no root, and stays.

    Raises:
        UsageError: a key cannot be read.
        TrustListError: HP-T09 the list in force does not verify.
    """
    roots = [root.signed for root in repository.in_force().roots]
    ids = [{*root.roles["snapshot"].keyids, *root.roles["timestamp"].keyids} for root in roots]
    return drop_online_keys(config, [*set().union(*ids)], [*ids[-1]])


def online_ids(repository: Repository) -> list[str]:
    """The ids of the keys of snapshot and timestamp.

    None before there is a list, nor where a change of the root was cut short: that is taken up
    again by publishing its draft once more.
    """
    try:
        root = repository.in_force().root.signed
    except (UsageError, TrustListError):
        return []
    return [*root.roles["snapshot"].keyids, *root.roles["timestamp"].keyids]


def new_online_key(config: Config) -> Signer:
    """Make another online key beside the one in force."""
    folder = places(config).keys
    part = folder / ".online"
    part.unlink(missing_ok=True)
    made = create_online_key(part)
    part.rename(folder / f"online-{made.public_key.keyid[:16]}.pem")
    fsync_folder(folder)  # the list may soon be signed by it alone
    return made


def signer_names(repository: Repository, signers: Sequence[Signer]) -> list[str]:
    """The names of who signs, as the list in force knows them; else the beginning of a key's id."""
    held = repository.in_force()
    known, delegations = dict(held.root.signed.keys), held.targets.signed.delegations
    known |= delegations.keys if delegations else {}
    ids = [signer.public_key.keyid for signer in signers]
    return [name_of(known[one]) if one in known else one[:16] for one in ids]
