"""A folder that is laid out for others to read: written by one at a time, everything whole.

DIR/.hubproxy/lock      held by whoever writes
DIR/.hubproxy/tmp-*     what is not whole yet
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from hubproxy.errors import BusyError, UsageError
from hubproxy.files import fsync_folder, write_whole
from hubproxy.store.folder import disk_errors

OWN = ".hubproxy"
"""What of it is ours alone."""


class ExportFolder:
    """An export that is written. Every method blocks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.own = folder / OWN

    @property
    def is_export(self) -> bool:
        """Whether an export lies there."""
        return (self.own / "lock").exists()

    def check_new(self, *, update: bool) -> None:
        """See that an export is not written over that is not to be brought up to date.

        Raises:
            UsageError: it would be.
        """
        if self.is_export and not update:
            raise UsageError(
                f"{self.folder} is an export already", remedy="Bring it up to date with --update."
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Write here alone; what one that was killed had not finished is removed.

        Raises:
            BusyError: somebody else writes here.
        """
        with disk_errors():
            self.make(self.own)
            lock = os.open(self.own / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise BusyError(
                    f"another process writes to {self.folder}", remedy="Wait until it has ended."
                ) from error
            for path in self.own.glob("tmp-*"):
                self.remove(path)
            yield
        finally:
            os.close(lock)

    def part(self) -> Path:
        """A name for what is not whole yet."""
        return self.own / f"tmp-{token_hex(8)}"

    def make(self, folder: Path) -> None:
        """A folder that anybody may read, and those above it."""
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for one in reversed(missing):
            one.mkdir()
            one.chmod(0o755)

    def put(self, place: Path, data: bytes) -> None:
        """Write a file that anybody may read, whole, if it is another than the one there."""
        with disk_errors():
            if place.is_file() and place.read_bytes() == data:
                return
            self.make(place.parent)
            write_whole(place, data)
            place.chmod(0o644)

    def link(self, place: Path, target: str) -> None:
        """Let a name lead to a relative path, in one step."""
        with disk_errors():
            if place.is_symlink() and str(place.readlink()) == target:
                return
            part = self.part()
            part.symlink_to(target)
            part.rename(place)
            fsync_folder(place.parent)

    def remove(self, path: Path) -> None:
        """Remove a file or a folder: from its name first."""
        if path.is_dir() and not path.is_symlink():
            moved = self.part()
            path.rename(moved)
            shutil.rmtree(moved, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
