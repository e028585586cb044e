"""A module's folder, as a client's cache holds it, against the files of its record."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from hubproxy.core.record import FileEntry

_READ = 1024 * 1024
_DEEPEST = 64
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Difference:
    """One name that is not as the record has it.

    Args:
        kind: `link` and `special` are never followed or opened: a link may lead to the right
            bytes now and to others when the module is loaded.
        path: from the module's folder.
        text: what differs; empty where the kind says it all.
    """

    kind: Literal["missing", "changed", "extra", "link", "special", "unreadable"]
    path: str
    text: str = ""


def differences(
    folder: Path, files: Iterable[FileEntry], threads: Executor | None = None
) -> list[Difference]:
    """Every name in which a folder differs from a record's files, sorted.

    Names are compared byte by byte, and nothing is passed over, but folders that hold no file.

    Args:
        folder: may itself be a link to one.
        threads: that read files, several at once; None for one after the other.

    Raises:
        OSError: the folder itself cannot be read.
    """
    wanted = {entry.path: entry for entry in files}
    descriptor = os.open(folder, _FOLDER)
    try:
        found = dict(_walk(descriptor, "", wanted))
        to_read = [wanted[path] for path, one in found.items() if one is None]
        compare = partial(_compared, descriptor)
        read = list((threads.map if threads else map)(compare, to_read))
    finally:
        os.close(descriptor)
    differing = [one for one in (*found.values(), *read) if one is not None]
    differing += [Difference("missing", path) for path in wanted.keys() - found.keys()]
    return sorted(differing, key=lambda one: one.path)


def _walk(
    descriptor: int, before: str, wanted: Mapping[str, FileEntry]
) -> Iterator[tuple[str, Difference | None]]:
    """Each path below an open folder that is no folder, and how its name or kind differs."""
    for name in os.listdir(descriptor):
        path = before + name
        kind = os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode
        if stat.S_ISDIR(kind) and path.count("/") >= _DEEPEST:
            yield path, Difference("unreadable", path, "deeper than any module")
        elif stat.S_ISDIR(kind):
            try:
                inner = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
            except OSError as error:
                yield path, Difference("unreadable", path, error.strerror or "")
                continue
            try:
                yield from _walk(inner, f"{path}/", wanted)
            finally:
                os.close(inner)
        elif stat.S_ISLNK(kind):
            yield path, Difference("link", path, f"to {os.readlink(name, dir_fd=descriptor)}")
        elif not stat.S_ISREG(kind):
            yield path, Difference("special", path, "neither file nor folder")
        else:
            yield path, None if path in wanted else Difference("extra", path)


def _compared(folder: int, entry: FileEntry) -> Difference | None:
    whole, size = hashlib.sha256(), 0
    buffer = memoryview(bytearray(min(_READ, max(entry.size, 1))))
    try:
        with os.fdopen(_opened(folder, entry.path), "rb", buffering=0) as file:
            while read := file.readinto(buffer):
                whole.update(buffer[:read])
                size += read
    except OSError as error:
        return Difference("unreadable", entry.path, error.strerror or "")
    if size != entry.size:
        return Difference("changed", entry.path, f"{size:,} bytes, not {entry.size:,}")
    if whole.hexdigest() != entry.sha256:
        text = f"sha256 {whole.hexdigest()[:16]}…, not {entry.sha256[:16]}…"
        return Difference("changed", entry.path, text)
    return None


def _opened(folder: int, path: str) -> int:
    """A file by its path below an open folder, through no link."""
    *folders, name = path.split("/")
    opened: list[int] = []
    try:
        for one in folders:
            within = opened[-1] if opened else folder
            opened.append(os.open(one, _FOLDER | os.O_NOFOLLOW, dir_fd=within))
        return os.open(name, _FILE, dir_fd=opened[-1] if opened else folder)
    finally:
        for one_open in opened:
            os.close(one_open)
