"""What the trust list needs of the disk besides whole files: secrets, locks, whole trees."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from hubproxy.files import fsync_folder, make_folder


def write_secret(path: Path, data: bytes) -> None:
    """Write a new file that only its owner may read: after a power cut it is whole, or not there.

    Raises:
        FileExistsError: there is one already; a key is never written over.
    """
    make_folder(path.parent, mode=0o700)
    part = path.with_name(f".{path.name}.{token_hex(8)}")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _name(part, path)
    finally:
        part.unlink(missing_ok=True)
    fsync_folder(path.parent)


def _name(part: Path, path: Path) -> None:
    """Give a file its name, if no file has that."""
    try:
        path.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # a disk without links, such as a stick's
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        part.rename(path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the one lock that a file stands for; waits for whoever holds it."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def locked_folder(path: Path) -> Iterator[None]:
    """The same by the folder itself: nothing is left in one that travels."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_unsynced(path: Path, data: bytes) -> None:
    """Put a file in its place so that readers find all of it or none.

    A power cut may leave it empty or cut off: only for what is checked whenever it is read.
    """
    part = path.with_name(f".{path.name}.{token_hex(8)}")
    try:
        part.write_bytes(data)
        part.rename(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
