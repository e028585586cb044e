"""A folder for TFHUB_CACHE_DIR, that the stock client of every version reads without a network.

    DIR/<sha1 of a handle as typed>      a link to
    DIR/.hubproxy/modules/<sha256>/      the one copy of a module, by the digest of its archive
    DIR/<sha1>.descriptor.txt            as tensorflow_hub writes it
    DIR/<sha1>.hubproxy.txt              the digest, as hubproxy's hook writes it

Every link is relative, so the folder may be mounted anywhere, also read-only. None of
tensorflow_hub's locks is written: a copy gets its name when it is whole, and a link when its copy
is there.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hubproxy.core.cachetree import KEY, LEFTOVER, LOCK, key_of
from hubproxy.core.record import Record
from hubproxy.errors import UsageError
from hubproxy.files import fsync_folder
from hubproxy.store.exportfolder import OWN, ExportFolder
from hubproxy.store.folder import disk_errors
from hubproxy.store.layout import is_laid_out, lay_out

_NAMES = re.compile(rf"{KEY.pattern}(\.descriptor\.txt|\.hubproxy\.txt|\.lock\.tmp[0-9a-f]*)?")


class CacheTree:
    """A cache tree that is written. Every method blocks."""

    def __init__(self, folder: Path) -> None:
        self._export = ExportFolder(folder)
        self.folder = folder
        self.copies = self._export.own / "modules"

    @contextmanager
    def writing(self, *, update: bool) -> Iterator[None]:
        """Write here alone.

        Args:
            update: whether what lies there is to be brought up to date.

        Raises:
            UsageError: something else lies there; or an export, and it is not to be updated.
            BusyError: somebody else writes here.
        """
        self._check_kind()
        self._export.check_new(update=update)
        with self._export.locked():
            with disk_errors():
                self._export.make(self.copies)
            yield

    def copy(self, record: Record, archive: Path) -> bool:
        """See that the one copy of a module is there; whether it was made now.

        Raises:
            MismatchError: the archive is damaged.
        """
        place = self.copies / record.archive_digest.hex
        if is_laid_out(record, place):
            return False
        lay_out(record, archive, place, self._export.own)
        return True

    def name(self, spelling: str, record: Record, descriptor: str) -> bool:
        """Let a spelling lead to a module; False where a client's own copy has that name."""
        key = key_of(spelling)
        place, target = self.folder / key, f"{OWN}/modules/{record.archive_digest.hex}"
        if place.is_dir() and not place.is_symlink():
            return False
        if not (place.is_symlink() and str(place.readlink()) == target):
            self._export.put(place.with_name(f"{key}.hubproxy.txt"), _line(record.archive.digest))
            self._export.put(place.with_name(f"{key}.descriptor.txt"), descriptor.encode())
            self._export.link(place, target)
        return True

    def names(self) -> dict[str, str]:
        """Those that lead to a copy of ours: key -> digest of the archive, in hex."""
        found = {}
        for path in self.folder.iterdir():
            if KEY.fullmatch(path.name) and path.is_symlink():
                target = path.readlink()
                if target.parts[:2] == (OWN, "modules"):
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
                self._export.remove(path)
            fsync_folder(self.folder)
        return len(gone), len(unused)

    def _check_kind(self) -> None:
        """See that nothing lies there but what tensorflow_hub, or an export, has written."""
        if not self.folder.exists():
            return
        for path in self.folder.iterdir():
            forms = (_NAMES, LEFTOVER, LOCK)
            if path.name != OWN and not any(form.fullmatch(path.name) for form in forms):
                raise UsageError(
                    f"{self.folder} is no cache of tensorflow_hub: it has {path.name}",
                    remedy="Name a folder that is not there, is empty, or is one.",
                )


def _line(text: str) -> bytes:
    return f"{text}\n".encode()
