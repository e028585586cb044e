"""A second name for an archive's bytes, or a second copy: checked against the record on the way."""

import errno
import fcntl
import hashlib
import os
import stat
from pathlib import Path
from typing import Literal

from hubproxy.core.record import CHUNK_SIZE, Record
from hubproxy.errors import MismatchError
from hubproxy.store.folder import disk_errors

How = Literal["reflink", "link", "copy"]
_FICLONE = 0x40049409  # linux/fs.h
_SOURCE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_REMEDY = "It was damaged or altered: copy it again from where it was made."
_ELSEWHERE = frozenset(
    (errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS)
)
"""What a disk says that cannot link these two, or not for this user."""


def take(source: Path, into: Path, record: Record, *, link: bool, mode: int = 0o600) -> How:
    """Make a new file of an archive: sharing its bytes on disk where that can be, else a copy.

    Args:
        source: the archive; never changed, nor believed.
        into: the new file, flushed when this returns. Its folder is the caller's to flush.
        record: whose archive it is.
        link: whether the new file may be the very file that `source` is, with its mode. It is that
            only where nobody but this user may write to it: what is checked now must stay so.
        mode: of the new file, unless it is linked.

    Raises:
        MismatchError: the bytes are not the record's, or `source` is no regular file.
        StorageFullError, StorageFailedError: the disk reported an error. Nothing is left at `into`.
    """
    with disk_errors():
        try:
            descriptor = os.open(source, _SOURCE)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO):
                raise _no_file(source, record) from error
            raise
        try:
            _check_kind(descriptor, source, record)
            new = os.open(into, _NEW, mode)
            try:
                return _take(descriptor, new, source, into, record, link=link)
            except BaseException:
                into.unlink(missing_ok=True)
                raise
            finally:
                os.close(new)
        finally:
            os.close(descriptor)


def check(source: Path, record: Record) -> None:
    """See that a file's bytes are those of a record's archive. Reads all of it.

    Raises:
        MismatchError: they are not.
        StorageFailedError: the disk reported an error.
    """
    with disk_errors():
        descriptor = os.open(source, _SOURCE)
        try:
            _check_kind(descriptor, source, record)
            _pass(descriptor, None, source, record)
        finally:
            os.close(descriptor)


def _take(
    descriptor: int, new: int, source: Path, into: Path, record: Record, *, link: bool
) -> How:
    if _reflinked(descriptor, new):
        _pass(new, None, source, record)
        os.fsync(new)
        return "reflink"
    if link and _linked(descriptor, source, into):
        _pass(descriptor, None, source, record)
        os.fsync(descriptor)
        return "link"
    _pass(descriptor, new, source, record)
    os.fsync(new)
    return "copy"


def _reflinked(descriptor: int, new: int) -> bool:
    try:
        fcntl.ioctl(new, _FICLONE, descriptor)
    except OSError:
        return False
    return True


def _linked(descriptor: int, source: Path, into: Path) -> bool:
    """Put a link in the place of the new, empty file; False where that cannot or must not be."""
    found = os.fstat(descriptor)
    if found.st_uid != os.geteuid() or found.st_mode & 0o022:
        return False
    beside = into.with_name(f"{into.name}.link")
    try:
        os.link(source, beside, follow_symlinks=False)
    except OSError as error:
        if error.errno in _ELSEWHERE:
            return False
        raise
    try:
        same = os.path.samestat(beside.lstat(), os.fstat(descriptor))
        if same:  # else another file has taken the place of what was opened
            beside.rename(into)
        return same
    finally:
        beside.unlink(missing_ok=True)


def _pass(descriptor: int, new: int | None, source: Path, record: Record) -> None:
    """Read through, compare each chunk, and write it where there is a new file."""
    buffer = memoryview(bytearray(min(CHUNK_SIZE, record.archive.size)))
    offset = 0
    for number, known in enumerate(record.chunks.sha256):
        piece = _filled(descriptor, buffer, offset)
        if hashlib.sha256(piece).hexdigest() != known:
            raise MismatchError(
                f"{source}: chunk {number + 1} of {len(record.chunks.sha256)} is not that of "
                f"{record.handle}, as its record has it",
                remedy=_REMEDY,
            )
        if new is not None:
            _written(new, piece, offset)
        offset += len(piece)


def _filled(descriptor: int, buffer: memoryview, offset: int) -> memoryview:
    """As much as the file has from an offset on, up to a chunk."""
    size = 0
    while size < len(buffer):
        read = os.preadv(descriptor, [buffer[size:]], offset + size)
        if not read:
            break
        size += read
    return buffer[:size]


def _written(new: int, piece: memoryview, offset: int) -> None:
    while piece:
        done = os.pwrite(new, piece, offset)
        piece, offset = piece[done:], offset + done


def _check_kind(descriptor: int, source: Path, record: Record) -> None:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise _no_file(source, record)
    if found.st_size != record.archive.size:
        raise MismatchError(
            f"{source} has {found.st_size:,} bytes, the archive of {record.handle} has "
            f"{record.archive.size:,}",
            remedy=_REMEDY,
        )


def _no_file(source: Path, record: Record) -> MismatchError:
    return MismatchError(
        f"{source}, which is to be the archive of {record.handle}, is no regular file",
        remedy=_REMEDY,
    )
