"""The data folder: one owner process, and a `tmp` from which only whole files leave."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from hubproxy.errors import (
    BusyError,
    DataFolderError,
    HubproxyError,
    StorageFailedError,
    StorageFullError,
)
from hubproxy.files import fsync_folder, make_folder

_PRIVATE = 0o700
IN_FORCE = "in-force.json"
"""What the daemon that owns a folder says of itself: see `reloading`."""


class DataFolder:
    """An owned data folder. Made, locked and swept by `open`; given back by `close`."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def open(cls, path: Path) -> "DataFolder":
        """Own the folder, and drop what an earlier owner left unfinished.

        Raises:
            DataFolderError: another process owns it, or it cannot be made or written.
        """
        try:
            make_folder(path, mode=_PRIVATE)
            lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DataFolderError(
                f"the data folder {path} cannot be used: {error.strerror}",
                remedy="Set `data` to a folder that this user may write.",
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.pread(lock, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(lock)
            raise DataFolderError(
                f"the data folder {path} is in use by another process (pid {owner})",
                remedy="Stop that process, or give this one a `data` folder of its own.",
            ) from error
        folder = cls(path, lock)
        try:
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
            folder._sweep()
        except OSError as error:
            folder.close()
            raise DataFolderError(
                f"the data folder {path} cannot be used: {error.filename or 'lock'}: "
                f"{error.strerror}",
                remedy="Look at the folder named, and at the disk.",
            ) from error
        return folder

    def close(self) -> None:
        os.close(self._lock)

    def sub(self, *names: str) -> Path:
        """A folder below, made if missing."""
        folder = self.path.joinpath(*names)
        make_folder(folder, mode=_PRIVATE)
        return folder

    def new_part(self) -> "Part":
        """A new empty file under `tmp`, on the file system of the blobs."""
        with disk_errors():
            return Part.create(self.sub("tmp"))

    def free_bytes(self) -> int:
        """Bytes that an ordinary user may still write."""
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    def _sweep(self) -> None:
        # The lock is held: whatever lies here has no living writer.
        (self.path / IN_FORCE).unlink(missing_ok=True)
        for part in self.sub("tmp").iterdir():
            part.unlink()


def owner_of(path: Path) -> int | None:
    """The process that owns a data folder, by its number; None where none does.

    Raises:
        DataFolderError: the folder cannot be looked at.
    """
    try:
        lock = os.open(path / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataFolderError(
            f"the data folder {path} cannot be looked at: {error.strerror}",
            remedy="Run this as the user that the daemon runs as.",
        ) from error
    try:
        # Shared, so that two who look do not see each other; given back at once, as a daemon that
        # starts in this very moment finds the folder in use.
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(lock, 32, 0).strip()
        return int(text) if text.isdigit() else None
    finally:
        os.close(lock)
    return None


class Part:
    """A file not yet whole. `become` gives it its name; `drop` leaves nothing behind."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor
        self._named = False

    @classmethod
    def create(cls, folder: Path) -> "Part":
        path = folder / f"{os.getpid()}.{uuid4().hex}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with disk_errors():
            return cls(path, os.open(path, flags, 0o600))

    def write_at(self, offset: int, pieces: list[bytes]) -> None:
        """Write all of `pieces` at an offset.

        Raises:
            StorageFullError: the disk is full.
            StorageFailedError: any other error of the disk.
        """
        with disk_errors():
            wanted = sum(map(len, pieces))
            done = os.pwritev(self.descriptor, pieces[:_MOST_PIECES], offset)
            if done < wanted:
                rest = memoryview(b"".join(pieces))[done:]
                while rest:
                    written = os.pwrite(self.descriptor, rest, offset + done)
                    rest, done = rest[written:], done + written

    def become(self, path: Path) -> None:
        """Flush, take a name (replacing a file of that name), and flush the folder.

        Raises:
            StorageFullError: the disk is full; nothing has the name.
            StorageFailedError: the disk reported an error; nothing has the name. The part is
                to be dropped, and never flushed again: after EIO its pages may be gone.
        """
        with disk_errors():
            make_folder(path.parent, mode=_PRIVATE)
            os.fsync(self.descriptor)
            self.path.rename(path)
            self._named = True
            try:
                fsync_folder(path.parent)
            except OSError:
                path.unlink(missing_ok=True)
                raise

    def drop(self) -> None:
        """Close, and remove the file unless it has its name."""
        try:
            if self.descriptor >= 0:
                descriptor, self.descriptor = self.descriptor, -1
                os.close(descriptor)
        finally:
            if not self._named:
                self.path.unlink(missing_ok=True)


_MOST_PIECES = 1024  # IOV_MAX


@contextmanager
def disk_errors() -> Iterator[None]:
    """Tell an error of the disk as the error that a client may see."""
    try:
        yield
    except OSError as error:
        raise storage_error(error) from error


def storage_error(error: OSError) -> HubproxyError:
    """The error a client may see for an error of the disk."""
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return BusyError(
            "this host has no file descriptor left",
            remedy="Raise LimitNOFILE of the service (`ulimit -n`).",
        )
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageFullError(
            "the store's disk is full",
            remedy="Free space on the disk of the data folder, or lower `store.budget`.",
        )
    return StorageFailedError(
        f"the store's disk reported: {error.strerror}",
        remedy="Look at the kernel log of the host, and run `hubproxy fsck`.",
    )
