"""Temporary files for archives that cannot be read from their front."""

import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from hubproxy.store.folder import disk_errors

_BUFFER = 256 * 1024


class _Counted(io.FileIO):
    def __init__(self, descriptor: int, room: Callable[[int], None]) -> None:
        super().__init__(descriptor, "r+b")
        self._room = room
        self._size = 0

    def write(self, piece: object, /) -> int:
        self._size += memoryview(piece).nbytes  # type: ignore[arg-type]  # one it is
        self._room(self._size)
        return super().write(piece)  # type: ignore[arg-type]


def open_spool(folder: Path, room: Callable[[int], None]) -> BinaryIO:
    """A file without a name, gone when it is closed.

    Args:
        folder: on the disk that it takes its bytes from.
        room: called with the bytes it will have, before they are written; raises when there
            is no room.
    """
    with disk_errors():
        descriptor, name = tempfile.mkstemp(dir=folder)
        os.unlink(name)  # noqa: PTH108  # the name that mkstemp has just given
    return cast("BinaryIO", io.BufferedRandom(_Counted(descriptor, room), _BUFFER))
