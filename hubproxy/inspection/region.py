"""A file of a module as a stream that can be read at any place, for libraries that want one."""

import io
import lzma
import struct
import zipfile
import zlib

from hubproxy.inspection.modulefiles import ModuleFiles

ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    OverflowError,
    RuntimeError,
    NotImplementedError,
)
"""What `zipfile` raises for bytes that are no zip, or one that it cannot read."""


class Region(io.RawIOBase):
    """Reads a file of a module where it lies in the archive."""

    def __init__(self, files: ModuleFiles, path: str) -> None:
        super().__init__()
        self._files, self._path, self._at = files, path, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._files.size(self._path)}
        if base[whence] + offset < 0:
            raise ValueError("before the beginning")
        self._at = base[whence] + offset
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # any buffer it is
        piece = self._files.at(self._path, self._at, len(buffer))
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def opened(files: ModuleFiles, path: str) -> io.BufferedReader:
    """A buffered stream of a file."""
    return io.BufferedReader(Region(files, path), 64 * 1024)
