"""What the trust list needs of the disk besides whole files: secrets, locks, whole trees."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from hubproxy.files import fsync_folder, make_folder


def write_secret(path: Path, data: bytes) -> None:
    """Write a new file that only its owner may read.

    Raises:
        FileExistsError: there is one already; a key is never written over.
    """
    make_folder(path.parent, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink()
        raise
    fsync_folder(path.parent)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the one lock that a file stands for; waits for whoever holds it."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


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
