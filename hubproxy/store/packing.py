"""What a person has on disk, as bytes that the archive reader takes.

An archive goes as it is. A folder, and a file that is a model by itself, is packed as a tar on the
way, so that one reader judges every name there is. A link is never followed: it may lead to the
right bytes now and to others when the module is loaded.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hubproxy.core import tar
from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.paths import refusal
from hubproxy.errors import NotAModelError, UnsafeArchiveError
from hubproxy.unpack.archives import ZIP, sniff

_READ = 1024 * 1024
_HEAD = 1024
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_ARCHIVES = (".tar", ".tgz", ".gz", ".tbz2", ".bz2", ".txz", ".xz", ".zip")
_ZIPS_IN_ONE = (".keras", ".npz", ".pt", ".pth")
"""Endings of files that are zips, and are loaded as they are."""

_POINTER = b"version https://git-lfs.github.com/spec/"
_PAGES = (b"<!doctype html", b"<html")
_BEGINNINGS = (
    (0, b"\x89HDF\r\n\x1a\n", (".h5", ".hdf5", ".keras"), "model.h5"),
    (4, b"TFL3", (".tflite",), "model.tflite"),
)
_NAMED_ANEW = {".pb": "saved_model.pb", ".json": "model.json"}


@dataclass(frozen=True, slots=True)
class Packed:
    """A module on its way to the reader.

    Args:
        pieces: the bytes of an archive.
        made_of: for people, where the archive is made here; empty where it is as it came.
    """

    pieces: Iterator[bytes]
    made_of: str = ""


def pack(path: Path, name: str, limits: ArchiveLimits) -> Packed:
    """The module that a file or a folder is.

    Args:
        path: may itself be a link to one.
        name: what the file was called where it came from: its ending counts.
        limits: the most files that a folder may have.

    Raises:
        NotAModelError: it cannot be read, or is something else; also while `pieces` is read.
        UnsafeArchiveError: a folder holds a link, or what is neither file nor folder.
    """
    path = Path(os.path.realpath(path))
    try:
        if path.is_dir():
            inside = _listed(path, limits)
            if not inside:
                raise NotAModelError(f"{name} is a folder without a file")
            return Packed(_files(*((path / one, one) for one in inside)), "a folder")
    except OSError as error:
        raise _unreadable(error) from error
    head = next(_contents(path), b"")[:_HEAD]
    if not head:
        raise NotAModelError(f"{name} is empty")
    _check_content(name, head)
    if _is_archive(name, head):
        return Packed(_contents(path))
    alone = _alone(name, head)
    return Packed(_files((path, alone)), f"{alone}, a module of one file")


def _is_archive(name: str, head: bytes) -> bool:
    ending = Path(name).suffix.lower()
    if ending in _ARCHIVES:
        return True  # if it is none, the reader says why
    try:
        kind = sniff(head)
    except UnsafeArchiveError:
        return False
    return kind != ZIP or ending not in _ZIPS_IN_ONE


def _alone(name: str, head: bytes) -> str:
    """The name by which a lone file's kind is known."""
    ending = Path(name).suffix.lower()
    for at, beginning, endings, default in _BEGINNINGS:
        if head[at:].startswith(beginning):
            return name if ending in endings else default
    return _NAMED_ANEW.get(ending, name)


def _check_content(name: str, head: bytes) -> None:
    """See that a file is not what people get in a model's place.

    Raises:
        NotAModelError: it is a pointer of Git LFS, or a web page.
    """
    if head.startswith(_POINTER):
        raise NotAModelError(
            f"{name} is a pointer of Git LFS, and not the file itself",
            remedy="Run `git lfs pull` in its repository.",
        )
    if head.lstrip().lower().startswith(_PAGES):
        raise NotAModelError(
            f"{name} is a web page, and not a model",
            remedy="Open it in a browser: the model's own address may want a login, or have moved.",
        )


def _listed(folder: Path, limits: ArchiveLimits) -> list[str]:
    """Every file below a folder, sorted, by its path there.

    Raises:
        UnsafeArchiveError: there is something else, or too much.
    """
    found: list[str] = []
    waiting = [("", 0)]
    while waiting:
        before, depth = waiting.pop()
        with os.scandir(folder / before) as entries:
            for entry in entries:
                path = before + entry.name
                if entry.is_symlink():
                    raise refusal(path, f"is a link, to {str(Path(entry.path).readlink())[:200]!a}")
                if entry.is_dir():
                    if depth >= limits.depth:
                        raise refusal(path, f"lies under more than {limits.depth} folders")
                    waiting.append((f"{path}/", depth + 1))
                elif entry.is_file():
                    found.append(path)
                else:
                    raise refusal(path, "is neither a file nor a folder")
                if len(found) > limits.members:
                    raise refusal(path, f"is one too many: the limit is {limits.members}")
    return sorted(found, key=os.fsencode)


def _files(*found: tuple[Path, str]) -> Iterator[bytes]:
    """A tar of files, each with its name there."""
    for path, name in found:
        yield from _member(path, name)
    yield tar.END


def _member(path: Path, name: str) -> Iterator[bytes]:
    pieces = _contents(path)
    try:
        size = path.lstat().st_size
        yield tar.header(name, size)
    except OSError as error:
        raise _unreadable(error) from error
    except UnicodeEncodeError:
        raise refusal(os.fsencode(name), "has a name that is not UTF-8") from None
    taken = 0
    for piece in pieces:
        if not taken:
            _check_content(name, piece[:_HEAD])
        taken += len(piece)
        if taken > size:
            break
        yield piece
    if taken != size:
        raise NotAModelError(f"{path} changed while it was read")
    yield bytes(tar.padding(size))


def _contents(path: Path) -> Iterator[bytes]:
    """The bytes of a file; of anything else, an error."""
    try:
        with os.fdopen(os.open(path, _FILE), "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise NotAModelError(f"{path} is neither a file nor a folder")
            while piece := file.read(_READ):
                yield piece
    except OSError as error:
        raise _unreadable(error) from error


def _unreadable(error: OSError) -> NotAModelError:
    return NotAModelError(f"{error.filename} cannot be read: {error.strerror}")
