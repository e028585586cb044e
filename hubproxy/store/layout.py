"""A module's files, laid out from its archive: each is a range of the plain tar."""

import hashlib
import os
import shutil
from pathlib import Path
from secrets import token_hex

from hubproxy.core.record import FileEntry, Record
from hubproxy.errors import MismatchError
from hubproxy.files import fsync_folder
from hubproxy.store.folder import disk_errors

_PIECE = 1024 * 1024
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def lay_out(record: Record, archive: Path, place: Path, work: Path) -> None:
    """Put a module's folder in its place: whole and flushed, or not at all.

    A folder that lies there is moved away, and removed when the new one is in its place.

    Args:
        archive: the plain tar that the record describes; each file is checked on its way.
        place: the folder to be.
        work: a folder on the same disk, for what is not whole yet.

    Raises:
        MismatchError: the archive is damaged; what lies at `place` is as it was.
        StorageFullError, StorageFailedError: the disk reported an error; likewise.
    """
    made, old = work / f"tmp-{token_hex(8)}", work / f"tmp-{token_hex(8)}"
    try:
        with disk_errors():
            with archive.open("rb", buffering=0) as source:
                _write(record, source.fileno(), made)
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.exists():
                place.rename(old)
            made.rename(place)
            fsync_folder(place.parent)
    finally:
        for gone in (made, old):
            shutil.rmtree(gone, ignore_errors=True)


def is_laid_out(record: Record, place: Path) -> bool:
    """Whether a folder has just the record's files, by their names and sizes; cheap."""
    try:
        found = {
            str(path.relative_to(place)): path.lstat().st_size
            for path in place.rglob("*")
            if not path.is_dir() or path.is_symlink()
        }
    except OSError:
        return False
    return place.is_dir() and found == {entry.path: entry.size for entry in record.files}


def _write(record: Record, source: int, folder: Path) -> None:
    """Write every file, readable by anybody, and flush all of it."""
    folders = {folder}
    _make(folder)
    for entry in record.files:
        path = folder / entry.path
        if Path(entry.path).is_absolute() or ".." in Path(entry.path).parts:
            raise MismatchError(f"{record.handle} has a file {entry.path!r}, which leads out of it")
        for parent in reversed(path.relative_to(folder).parents[:-1]):
            if folder / parent not in folders:
                _make(folder / parent)
                folders.add(folder / parent)
        _copy(record, entry, source, path)
    for one in folders:
        fsync_folder(one)


def _make(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o755)


def _copy(record: Record, entry: FileEntry, source: int, path: Path) -> None:
    new = os.open(path, _NEW, 0o644)
    try:
        os.fchmod(new, 0o644)
        whole, offset, left = hashlib.sha256(), entry.offset, entry.size
        while left:
            piece = os.pread(source, min(_PIECE, left), offset)
            if not piece:
                break
            whole.update(piece)
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(new, rest) :]
            offset, left = offset + len(piece), left - len(piece)
        if whole.hexdigest() != entry.sha256:
            raise MismatchError(
                f"{entry.path} of {record.handle}, as it is stored, is not what its record says",
                remedy="The store's copy is damaged: run `hubproxy fsck`, and bring it in again.",
            )
        os.fsync(new)
    finally:
        os.close(new)
