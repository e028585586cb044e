"""Taking a module back that first use has pinned: it is held for officers, or it is gone."""

import os
from collections.abc import Iterable
from uuid import uuid4

from hubproxy.core.digest import Digest
from hubproxy.core.finding import Finding, gate_verdict
from hubproxy.core.quarantine import Ask, HeldModule
from hubproxy.core.record import Record
from hubproxy.store.blobs import BlobStore
from hubproxy.store.folder import DataFolder, Part, disk_errors
from hubproxy.store.quarantine import HeldModules
from hubproxy.store.refs import RefStore


def withdraw(
    record: Record,
    findings: Iterable[Finding],
    ask: Ask,
    *,
    folder: DataFolder,
    blobs: BlobStore,
    refs: RefStore,
    pins: RefStore,
    held: HeldModules,
) -> HeldModule | None:
    """Serve a module no more. It is held, unless its findings refuse it; then nothing is kept.

    In every state that a crash can leave, it is either as it was or not served, and doing this
    again ends what was begun.

    Args:
        record: as it is pinned, with today's findings.
        ask: who has it taken back, and when.

    Raises:
        StorageFullError: too much is held already; the module is as it was.
    """
    found = tuple(findings)
    waits = None
    if gate_verdict(found) == "hold":
        part = _linked(folder, blobs, record)
        try:
            waits = held.hold(record, found, part, ask)
        finally:
            part.drop()
    with disk_errors():
        for names in (pins, refs):
            ref = names.get(record.exact, record.format)
            if ref is not None and ref.archive == record.archive.digest:
                names.drop(record.exact, record.format)
        if not _named(record.archive_digest, refs, pins):
            blobs.remove(record.archive_digest)
    return waits


def _linked(folder: DataFolder, blobs: BlobStore, record: Record) -> Part:
    """The archive under a second name, so that no byte is copied."""
    path = folder.sub("tmp") / f"{os.getpid()}.{uuid4().hex}"
    with disk_errors():
        os.link(blobs.path(record.archive_digest), path)
        return Part(path, os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW))


def _named(archive: Digest, *stores: RefStore) -> bool:
    return any(ref.archive_digest == archive for names in stores for _, _, ref in names)
