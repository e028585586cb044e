"""Taking a batch into the store that another process has staged and checked."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hubproxy.core.digest import Descriptor
from hubproxy.core.record import Record, target_path
from hubproxy.errors import StorageFailedError
from hubproxy.files import fsync_folder, make_folder, write_whole
from hubproxy.store.blobs import BlobStore, Held
from hubproxy.store.budget import Budget, Reservation
from hubproxy.store.folder import disk_errors
from hubproxy.store.refs import Ref, RefStore
from hubproxy.store.staging import Stage

_LAST = Path("metadata") / "timestamp.json"


def take_in(
    stage: Stage, records: Sequence[Record], blobs: BlobStore, refs: RefStore, budget: Budget
) -> None:
    """Give staged archives their place and their names, durably; fine if that is done already.

    Each is in place before its name is; the archives are not read again here, but as any that was
    found on disk before its first byte leaves.

    Raises:
        StorageFullError: there is no room for all of them; nothing was taken.
        StorageFailedError: an archive is neither staged nor in the store.
    """
    new = {
        record.archive_digest: record.archive.size
        for record in records
        if stage.has(record) and not blobs.path(record.archive_digest).exists()
    }
    reservation = Reservation(budget)
    reservation.wrote(sum(new.values()))  # they lie on this disk already
    try:
        reservation.grow(sum(new.values()))
        for record in records:
            with disk_errors(), budget.naming():
                _move_blob(stage, record, blobs)
                _name(record, blobs, refs, budget)
            size = new.pop(record.archive_digest, 0)
            reservation.wrote(reservation.written - size)
            reservation.grow(reservation.size - size)
    finally:
        reservation.wrote(0)
        reservation.grow(0)


def release(names: Sequence[str], refs: RefStore, budget: Budget) -> None:
    """Let modules be evicted again, by their paths on the list; fine if they may be already."""
    wanted = set(names)
    for exact, form, ref in refs:
        if ref.kept and target_path(exact, form) in wanted:
            with disk_errors(), budget.naming():
                refs.put(exact, form, msgspec.structs.replace(ref, kept=False))


def _move_blob(stage: Stage, record: Record, blobs: BlobStore) -> None:
    source, target = stage.path(record.archive_digest), blobs.path(record.archive_digest)
    if stage.has(record):
        make_folder(target.parent, mode=0o700)
        source.rename(target)
        fsync_folder(target.parent)
    elif not blobs.has(Descriptor(record.archive_digest, record.archive.size)):
        raise StorageFailedError(
            f"the archive of {record.handle} is neither staged nor in the store",
            remedy="Bring it in again: `hubproxy mirror sync`, or import its bundle.",
        )


def _name(record: Record, blobs: BlobStore, refs: RefStore, budget: Budget) -> None:
    blobs.put(record.encode())
    ref = Ref.of(record, kept=True)
    if refs.get(record.exact, record.format) != ref:
        refs.put(record.exact, record.format, ref)
    held = Held(record.archive.size, time.time())
    budget.added(record.archive_digest, held, record.exact, record.format)


def install_list(stage: Stage, folder: Path) -> None:
    """Move a staged list into a published folder, so that a reader finds the old one or the new.

    Every file but `timestamp.json` has a name of its own, and that one leads to all the others, so
    it is the last. Of two batches that wait, the older list may come second: it does not come into
    force then.
    """
    found = sorted(path.relative_to(stage.list) for path in stage.list.rglob("*") if path.is_file())
    last = [_LAST] if _version(stage.list / _LAST) >= _version(folder / _LAST) else []
    with disk_errors():
        for group in ([name for name in found if name != _LAST], last):
            for name in group:
                if (stage.list / name).exists():
                    _move(stage.list / name, folder / name)
            for touched in {(folder / name).parent for name in group}:
                fsync_folder(touched)


class _Signed(msgspec.Struct):
    version: int


class _Timestamp(msgspec.Struct):
    signed: _Signed


def _version(timestamp: Path) -> int:
    """The number that a timestamp has; 0 where it is not there, or not whole."""
    try:
        return msgspec.json.decode(timestamp.read_bytes(), type=_Timestamp).signed.version
    except (OSError, msgspec.MsgspecError):
        return 0


def _move(source: Path, target: Path) -> None:
    make_folder(target.parent)
    try:
        os.replace(source, target)  # noqa: PTH105  # the flush of the folder is the caller's
    except OSError:  # another disk
        write_whole(target, source.read_bytes())
