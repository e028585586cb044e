"""The names that an archive may give its members, by the rules of POSIX, macOS and Windows.

A module is unpacked on machines that hubproxy never sees, so a name that any of them could
read in another way is refused, not mended.
"""

import re
import unicodedata

from hubproxy.core.limits import ArchiveLimits
from hubproxy.errors import UnsafeArchiveError

_LONGEST_SHOWN = 60
_LONGEST_SEGMENT = 255
"""Bytes that one segment may have: `NAME_MAX` of Linux and macOS. Windows counts fewer."""

_MOST_NAMES = 4 * 1024**2
"""Bytes of all names together: every one is held until the archive ends."""

_DRIVE = re.compile(r"[A-Za-z]:")
_DEVICE = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?", re.IGNORECASE
)
_STREAM = re.compile(r":(?![0-9]+$)")
"""A colon, but for one as in a tensor's name, `scale:0`."""

_SHORT = re.compile(r"(?=[^.]{3,8}(\.|$))[^.]+~[0-9]+(\.[^.]{0,3})?")
"""A name as DOS has them: Windows may take it for the alias of a longer one."""

_MENDED = frozenset('<>"|?*')
"""What programs on Windows put `_` for."""

_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})


def refusal(name: bytes | str | None, why: str) -> UnsafeArchiveError:
    """The error that refuses a whole archive, in one short printable line.

    Args:
        name: the member it is about, as it stands in the archive; None when it is about none.
        why: what is wrong with it, going on from the name.
    """
    if name is None:
        return UnsafeArchiveError(f"unsafe archive: {why}")
    return UnsafeArchiveError(f"unsafe archive: {shown(name)} {why}")


def shown(name: bytes | str) -> str:
    """A name in quotes, printable and at most some 60 characters long; cut in the middle."""
    if isinstance(name, bytes):
        name = name[:4096].decode(errors="backslashreplace")
    text = repr(name)
    if len(text) > _LONGEST_SHOWN:
        half = _LONGEST_SHOWN // 2
        text = f"{text[:half]}…{text[1 - half :]}"
    return text


def clean(name: bytes, limits: ArchiveLimits, *, folder: bool = False) -> str:
    """A member's path from the root of its archive: no leading `./`, no trailing slash.

    Args:
        name: as it stands in the archive.
        limits: gives the longest and the deepest name.
        folder: whether the member is a folder; only then may the path be empty, for the root.

    Raises:
        UnsafeArchiveError: the name is absolute, leaves the archive, cannot be a name on some
            system or means another one there, or is too long or too deep.
    """
    if len(name) > limits.name_bytes + 64:  # room for a `./` or two; measured again below
        raise refusal(name, f"has a name of {len(name)} bytes; {limits.name_bytes} are allowed")
    try:
        path = name.decode()
    except UnicodeDecodeError:
        raise refusal(name, "has a name that is not UTF-8") from None
    while path.startswith("./"):
        path = path[2:]
    if folder:
        if name and path in ("", "."):
            return ""
        path = path.removesuffix("/")
    _check_path(name, path, limits)
    for segment in path.split("/"):
        fault = _fault(segment)
        if fault:
            raise refusal(name, fault)
    return path


def _check_path(name: bytes, path: str, limits: ArchiveLimits) -> None:
    if not path or path.startswith("/"):
        raise refusal(name, "has an absolute name" if path else "has an empty name")
    if "\\" in path:
        raise refusal(name, "has a backslash in its name")
    if not path.isascii() or not path.isprintable():
        for character in path:
            if unicodedata.category(character) in _UNSEEN:
                raise refusal(name, f"has the invisible character U+{ord(character):04X}")
    if len(path.encode()) > limits.name_bytes:
        raise refusal(name, f"has a name of more than {limits.name_bytes} bytes")
    if path.count("/") > limits.depth:
        raise refusal(name, f"lies under more than {limits.depth} folders")


def _fault(segment: str) -> str:
    """What is wrong with one segment of a path; empty when nothing is."""
    if segment in ("", ".", ".."):
        return f"has a {segment!r} segment" if segment else "has an empty segment ('//')"
    if len(segment.encode()) > _LONGEST_SEGMENT:
        return f"has a segment of more than {_LONGEST_SEGMENT} bytes"
    if segment[-1] in " .":
        return "has a segment that ends in a space or a dot"
    return _fault_on_windows(segment)


def _fault_on_windows(segment: str) -> str:
    if _DRIVE.match(segment):
        return "has a drive letter in its name"
    if _STREAM.search(segment):
        return "names a stream of a file (':')"
    if _DEVICE.fullmatch(segment):
        return "has the name of a Windows device"
    if _SHORT.fullmatch(segment):
        return "has the form of a short name on Windows"
    if not _MENDED.isdisjoint(segment):
        return f"has a character that Windows has no names with: {min(_MENDED & {*segment})}"
    return ""


def leaves(name: bytes) -> bool:
    """Whether a name, as it stands in an archive, is absolute or goes up.

    All there is to ask of a name that another one stands for: it may be cut short anywhere.
    """
    return name.startswith(b"/") or b".." in name.replace(b"\\", b"/").split(b"/")


def fold(path: str) -> str:
    """What a file system that ignores case and normal form takes a path for.

    And a program that cannot write a colon, and puts `_` there.
    """
    path = path.replace(":", "_")
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())


class Tree:
    """The names of an archive so far, and the folders that must stand before the next one.

    Paths are those of `clean`. The root, the empty path, is there from the start.
    """

    def __init__(self, limits: ArchiveLimits) -> None:
        self._limits = limits
        self._name_bytes = 0
        self._taken: dict[str, str] = {}  # folded path -> path
        self._folders: dict[str, bool] = {"": False}  # path -> whether the archive named it
        self.moved: list[str] = []
        """Folders that the archive named only after something in them."""

    @property
    def added(self) -> list[str]:
        """Folders that the archive has not named itself, in the order they came up."""
        return [path for path, named in self._folders.items() if not named]

    def file(self, path: str) -> list[str]:
        """Take a file's name; the folders to make before it, outermost first.

        Raises:
            UnsafeArchiveError: the name, or a folder's above it, is taken by something else,
                also when only case or normal form differ; or there are too many members.
        """
        missing = self._above(path)
        self._take(path, path)
        return missing

    def folder(self, path: str) -> list[str]:
        """Take a folder's name; the folders to make for it, itself the last one.

        Empty when the folder is there already because of what lies in it.

        Raises:
            UnsafeArchiveError: as for `file`.
        """
        named = self._folders.get(path)
        if named:
            raise refusal(path or "./", "comes twice")
        if named is False:
            self._folders[path] = True
            if path or self._taken:
                self.moved.append(path)
            return []
        missing = self._above(path)
        self._take(path, path)
        self._folders[path] = True
        return [*missing, path]

    def top(self) -> str:
        """The one folder that everything lies under, or the empty text."""
        tops = {path.partition("/")[0] for path in self._taken.values()}
        top = tops.pop() if len(tops) == 1 else ""
        return top if top in self._folders else ""

    def _above(self, path: str) -> list[str]:
        missing = []
        above = path.rpartition("/")[0]
        while above not in self._folders:
            missing.append(above)
            above = above.rpartition("/")[0]
        missing.reverse()
        for folder in missing:
            self._take(folder, path)
            self._folders[folder] = False
        return missing

    def _take(self, path: str, member: str) -> None:
        key = fold(path)
        other = self._taken.get(key)
        if other is None:
            if len(self._taken) >= self._limits.members:
                raise refusal(member, f"is one too many: the limit is {self._limits.members}")
            self._name_bytes += len(path.encode())
            if self._name_bytes > _MOST_NAMES:
                raise refusal(member, f"takes the names beyond {_MOST_NAMES} bytes")
            self._taken[key] = path
            return
        if other != path:
            raise refusal(member, f"cannot be told from {shown(other)} on every system")
        if path != member:
            raise refusal(member, f"lies under {shown(path)}, which is a file")
        raise refusal(member, "is a file and a folder" if path in self._folders else "comes twice")
