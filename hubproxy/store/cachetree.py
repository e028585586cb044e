"""A folder for TFHUB_CACHE_DIR, that the stock client of every version reads without a network.

    DIR/<sha1 of a handle as typed>      a link to
    DIR/.hubproxy/modules/<sha256>/      the one copy of a module, by the digest of its archive
    DIR/<sha1>.descriptor.txt            as tensorflow_hub writes it
    DIR/<sha1>.hubproxy.txt              the digest, as hubproxy's hook writes it

Every link is relative, so the folder may be mounted anywhere, also read-only. No lock is written:
a copy gets its name when it is whole, and a link when its copy is there.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from hubproxy.core.cachetree import KEY, LEFTOVER, LOCK, key_of
from hubproxy.core.record import Record
from hubproxy.errors import BusyError, UsageError
from hubproxy.files import fsync_folder
from hubproxy.store.folder import disk_errors
from hubproxy.store.layout import is_laid_out, lay_out

_OWN = ".hubproxy"
_NAMES = re.compile(rf"{KEY.pattern}(\.descriptor\.txt|\.hubproxy\.txt|\.lock\.tmp[0-9a-f]*)?")


class CacheTree:
    """A cache tree that is written. Every method blocks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._own = folder / _OWN
        self.copies = self._own / "modules"

    @contextmanager
    def writing(self, *, update: bool) -> Iterator[None]:
        """Write here alone.

        Args:
            update: whether what lies there is to be brought up to date.

        Raises:
            UsageError: something else lies there; or an export, and it is not to be updated.
            BusyError: somebody else writes here.
        """
        self._check(update=update)
        with disk_errors():
            for one in (self.folder, self._own, self.copies):
                one.mkdir(parents=True, exist_ok=True)
                one.chmod(0o755)
            lock = os.open(self._own / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise BusyError(
                    f"another process writes to {self.folder}", remedy="Wait until it has ended."
                ) from error
            for path in self._own.glob("tmp-*"):  # of one that was killed
                _remove(path)
            yield
        finally:
            os.close(lock)

    def copy(self, record: Record, archive: Path) -> bool:
        """See that the one copy of a module is there; whether it was made now.

        Raises:
            MismatchError: the archive is damaged.
        """
        place = self.copies / record.archive_digest.hex
        if is_laid_out(record, place):
            return False
        lay_out(record, archive, place, self._own)
        return True

    def name(self, spelling: str, record: Record, descriptor: str) -> bool:
        """Let a spelling lead to a module; False where a client's own copy has that name."""
        key = key_of(spelling)
        target = f"{_OWN}/modules/{record.archive_digest.hex}"
        place = self.folder / key
        with disk_errors():
            if place.is_dir() and not place.is_symlink():
                return False
            if not (place.is_symlink() and str(place.readlink()) == target):
                self._put(f"{key}.hubproxy.txt", f"{record.archive.digest}\n")
                self._put(f"{key}.descriptor.txt", descriptor)
                part = self._own / f"tmp-{token_hex(8)}"
                part.symlink_to(target)
                part.rename(place)
                fsync_folder(self.folder)
        return True

    def names(self) -> dict[str, str]:
        """Those that lead to a copy of ours: key -> digest of the archive, in hex."""
        found = {}
        for path in self.folder.iterdir():
            if KEY.fullmatch(path.name) and path.is_symlink():
                target = path.readlink()
                if target.parts[:2] == (_OWN, "modules"):
                    found[path.name] = target.name
        return found

    def prune(self, keep: set[str]) -> tuple[int, int]:
        """Remove names that are not to be kept, then copies that no name leads to.

        Args:
            keep: keys.

        Returns:
            How many names, and how many copies.
        """
        with disk_errors():
            gone = self.names().keys() - keep
            for key in sorted(gone):
                for name in (key, f"{key}.descriptor.txt", f"{key}.hubproxy.txt"):
                    (self.folder / name).unlink(missing_ok=True)
            used = set(self.names().values())
            unused = [path for path in self.copies.iterdir() if path.name not in used]
            for path in unused:
                moved = self._own / f"tmp-{token_hex(8)}"
                path.rename(moved)
                _remove(moved)
            fsync_folder(self.folder)
        return len(gone), len(unused)

    def _check(self, *, update: bool) -> None:
        if not self.folder.exists():
            return
        if not self.folder.is_dir():
            raise UsageError(f"{self.folder} is no folder", remedy="Name one, or a new name.")
        for path in self.folder.iterdir():
            name = path.name
            if name != _OWN and not any(form.fullmatch(name) for form in (_NAMES, LEFTOVER, LOCK)):
                raise UsageError(
                    f"{self.folder} is no cache of tensorflow_hub: it has {name}",
                    remedy="Name a folder that is not there, is empty, or is one.",
                )
        if self.copies.is_dir() and not update:
            raise UsageError(
                f"{self.folder} is an export already", remedy="Bring it up to date with --update."
            )

    def _put(self, name: str, text: str) -> None:
        part = self._own / f"tmp-{token_hex(8)}"
        part.write_text(text, encoding="utf-8")
        part.chmod(0o644)
        part.rename(self.folder / name)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
