"""The files of a module, as the gate and the readers of facts are given them."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, cast

from hubproxy.core.record import FileEntry
from hubproxy.inspection.facts import UnreadableError

LARGEST_GRAPH = 512 * 1024 * 1024
"""Bytes of a file that is parsed. It takes some four times that much memory."""

_PIECE = 1024 * 1024
T = TypeVar("T")


class ModuleFiles:
    """Files of a plain tar, by their paths.

    Args:
        archive: descriptor of the plain tar; read at any place.
        files: every file of the module.
    """

    def __init__(self, archive: int, files: Sequence[FileEntry]) -> None:
        self._archive = archive
        self._entries = {entry.path: entry for entry in files}
        self._parsed: dict[str, Any] = {}

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path, in the archive's order."""
        return tuple(self._entries)

    def __contains__(self, path: str) -> bool:
        return path in self._entries

    def size(self, path: str) -> int:
        """Bytes of a file."""
        return self._entries[path].size

    def at(self, path: str, offset: int, size: int) -> bytes:
        """Some bytes of a file, fewer at its end. Not held against its digest: a peek."""
        entry = self._entries[path]
        size = min(size, entry.size - offset)
        return os.pread(self._archive, size, entry.offset + offset) if size > 0 else b""

    def whole(self, path: str, most: int = LARGEST_GRAPH) -> bytes:
        """A file's bytes.

        Raises:
            UnreadableError: it has more than `most`, or is not what the record says.
        """
        entry = self._entries[path]
        if entry.size > most:
            raise UnreadableError(f"{path} has {entry.size:,} bytes, and at most {most:,} are read")
        return b"".join(self.pieces(path))

    def parsed(self, path: str, parse: Callable[[bytes], T]) -> T:
        """A file's bytes as `parse` reads them, once for all who ask.

        Raises:
            UnreadableError: it cannot be read; asked again, the same.
        """
        if path not in self._parsed:
            try:
                self._parsed[path] = parse(self.whole(path))
            except UnreadableError as error:
                self._parsed[path] = error
        found = self._parsed[path]
        if isinstance(found, UnreadableError):
            raise found
        return cast("T", found)

    def pieces(self, path: str) -> Iterator[bytes]:
        """A file's bytes in pieces of 1 MiB.

        Raises:
            UnreadableError: at the end, where they are not what the record says.
        """
        entry = self._entries[path]
        whole, at, end = hashlib.sha256(), entry.offset, entry.offset + entry.size
        while at < end:
            piece = os.pread(self._archive, min(_PIECE, end - at), at)
            if not piece:
                raise UnreadableError(f"the archive ends within {path}")
            whole.update(piece)
            at += len(piece)
            yield piece
        if whole.hexdigest() != entry.sha256:
            raise UnreadableError(f"{path} is not the file that the record names")
