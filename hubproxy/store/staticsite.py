"""A static mirror on disk: archives, links that lead to them, and the list beside."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from secrets import token_hex

from hubproxy.core.record import Record
from hubproxy.core.staticsite import TRUST, blob, up_to
from hubproxy.errors import BusyError, UsageError
from hubproxy.files import fsync_folder, write_whole
from hubproxy.store.clone import take
from hubproxy.store.folder import disk_errors

_OWN = ".hubproxy"


class StaticSite:
    """A static mirror that is written. Every method blocks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.own = folder / _OWN

    @contextmanager
    def writing(self, *, update: bool) -> Iterator[None]:
        """Write here alone.

        Args:
            update: whether what lies there is to be brought up to date.

        Raises:
            UsageError: something else lies there; or an export, and it is not to be updated.
            BusyError: somebody else writes here.
        """
        if self.folder.exists() and any(self.folder.iterdir()):
            if not (self.own / "lock").exists():
                raise UsageError(
                    f"{self.folder} holds something that no export has written",
                    remedy="Name a folder that is not there, or is empty.",
                )
            if not update:
                raise UsageError(
                    f"{self.folder} is an export already",
                    remedy="Bring it up to date with --update.",
                )
        with disk_errors():
            self._make(self.own)
            lock = os.open(self.own / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise BusyError(
                    f"another process writes to {self.folder}", remedy="Wait until it has ended."
                ) from error
            for path in self.own.glob("tmp-*"):  # of one that was killed
                path.unlink()
            yield
        finally:
            os.close(lock)

    def archive(self, record: Record, source: Path) -> bool:
        """See that an archive is there; whether it was taken now, checked.

        Raises:
            MismatchError: the store's own copy is damaged.
        """
        place = self.folder / blob(record.archive_digest)
        with disk_errors():
            if place.exists() and place.stat().st_size == record.archive.size:
                return False
            self._make(place.parent)
            part = self.own / f"tmp-{token_hex(8)}"
            take(source, part, record, link=False, mode=0o644)
            part.chmod(0o644)
            part.rename(place)
            fsync_folder(place.parent)
        return True

    def link(self, name: PurePosixPath, target: PurePosixPath) -> None:
        """Let a name lead to a place of the site.

        Raises:
            UsageError: another module's name is a part of it, or the other way round.
        """
        place, text = self.folder / name, up_to(name, target)
        with disk_errors():
            try:
                self._make(place.parent)
            except (FileExistsError, NotADirectoryError) as error:
                raise self._clash(name) from error
            if place.is_symlink() and str(place.readlink()) == text:
                return
            if place.is_dir() and not place.is_symlink():
                raise self._clash(name)
            part = self.own / f"tmp-{token_hex(8)}"
            part.symlink_to(text)
            part.rename(place)
            fsync_folder(place.parent)

    def put(self, name: PurePosixPath, data: bytes) -> None:
        """Write a file, whole, if it is another than the one there."""
        place = self.folder / name
        with disk_errors():
            if place.is_file() and place.read_bytes() == data:
                return
            self._make(place.parent)
            write_whole(place, data)
            place.chmod(0o644)

    def prune(self, keep: set[PurePosixPath]) -> tuple[int, int]:
        """Remove links that are not to be kept, then archives that none leads to.

        Returns:
            How many links, and how many archives.
        """
        used, gone = set(), []
        for path in self._links():
            name = PurePosixPath(path.relative_to(self.folder))
            if name in keep:
                used.add(path.resolve())
            else:
                gone.append(path)
        archives = [path for path in (self.folder / "blobs").rglob("*") if path.is_file()]
        unused = [path for path in archives if path.resolve() not in used]
        with disk_errors():
            for path in (*gone, *unused):
                path.unlink()
                fsync_folder(path.parent)
        return len(gone), len(unused)

    def _links(self) -> list[Path]:
        tops = [path for path in self.folder.iterdir() if path.name not in (_OWN, "blobs", "-")]
        return [path for top in tops for path in top.rglob("*") if path.is_symlink()]

    def _make(self, folder: Path) -> None:
        """A folder that anybody may read, and those above it."""
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for one in reversed(missing):
            one.mkdir()
            one.chmod(0o755)

    def _clash(self, name: PurePosixPath) -> UsageError:
        return UsageError(
            f"{name} cannot lie beside another module whose name is a part of it",
            remedy="Leave one of the two out, with --list.",
        )


def list_path(name: str) -> PurePosixPath:
    """Where a file of the list lies, by its published name."""
    return TRUST / name
