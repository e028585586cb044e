"""A folder that came on a stick: only files of known names, no links, none too large."""

import os
import re
import stat
from pathlib import Path

from hubproxy.core.record import LARGEST_RECORD
from hubproxy.errors import StorageFailedError, UsageError
from hubproxy.files import make_folder, write_whole
from hubproxy.trust.contents import CONTENT_NAME

MANIFEST = "draft.json"
LARGEST_MANIFEST = 32 * 1024 * 1024
_ROLE = r"(?:(?:[1-9][0-9]{0,8}\.)?[a-z][a-z0-9_-]{0,63}\.json)"
_NAME = re.compile(rf"{MANIFEST}|(?:base|metadata)/{_ROLE}|(?:base/)?(?:{CONTENT_NAME.pattern})")
_MOST_FILES = 200_000
_DEEPEST = 3


class CarriedFolder:
    """A draft's folder. What it was checked for when it was opened holds for each file read.

    Raises:
        UsageError: it is not a folder, or holds a link, a device, or too much.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder
        self._names = self._checked()

    def names(self, below: str = "") -> list[str]:
        """The files of known names in a folder of it, sorted; by default all."""
        return [name for name in self._names if not below or name.startswith(f"{below}/")]

    def read(self, name: str) -> bytes:
        """A file, by its name from the draft's folder.

        Raises:
            UsageError: there is none, or it has no name that a draft's file has.
        """
        data = self.find(name)
        if data is None:
            raise UsageError(
                f"{self.path} lacks {name}", remedy="Take the draft whole: copy its folder."
            )
        return data

    def find(self, name: str) -> bytes | None:
        """The same, or None where there is none."""
        if name not in self._names:
            return None
        descriptor = os.open(self.path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            return file.read(_most(name))

    def write(self, name: str, data: bytes) -> None:
        """Put a file there, whole.

        Raises:
            UsageError: it has no name that a draft's file has.
            StorageFailedError: it cannot be written.
        """
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} is not the name of a draft's file")
        try:
            make_folder((self.path / name).parent, mode=0o700)
            write_whole(self.path / name, data)
        except OSError as error:
            raise StorageFailedError(
                f"the draft {self.path} cannot be written: {error.strerror}",
                remedy="See that there is room, and that you may write to it.",
            ) from error
        self._names[name] = None

    def _checked(self) -> dict[str, None]:
        found: dict[str, None] = {}
        try:
            self._walk(self.path, found)
        except OSError as error:
            raise UsageError(
                f"the draft {self.path} cannot be read: {error.strerror}",
                remedy="`hubproxy trust drafts` lists those on this host.",
            ) from error
        return dict.fromkeys(sorted(found))

    def _walk(self, folder: Path, found: dict[str, None]) -> None:
        with os.scandir(folder) as entries:
            for entry in entries:
                self._check(entry, found)

    def _check(self, entry: "os.DirEntry[str]", found: dict[str, None]) -> None:
        name = str(Path(entry.path).relative_to(self.path))
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            if name.count("/") < _DEEPEST:
                self._walk(Path(entry.path), found)
            return
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(
                f"{name!r} in the draft {self.path} is a link or a device, not a file",
                remedy="Somebody may have altered it: ask who gave it to you for a copy.",
            )
        if _NAME.fullmatch(name):
            if status.st_size > _most(name):
                raise UsageError(f"{name} in the draft has {status.st_size} bytes: too many")
            found[name] = None
        if len(found) > _MOST_FILES:
            raise UsageError(f"the draft {self.path} has more files than any draft")


def _most(name: str) -> int:
    return LARGEST_MANIFEST if name == MANIFEST else LARGEST_RECORD
