"""The files of the audit log: lines of JSON, appended to numbered segments.

After an error nothing of that write counts: its bytes are cut off, and the descriptor is never
flushed again, as after EIO the kernel may have dropped the pages and would report success.
"""

import errno
import logging
import os
from contextlib import suppress
from pathlib import Path

from hubproxy import logs
from hubproxy.files import fsync_folder, make_folder
from hubproxy.store.auditread import lines_of, segments_of

_FULL = (errno.ENOSPC, errno.EDQUOT)


class Segments:
    """The writer's end. Used by one thread at a time.

    Args:
        folder: made if missing.
        segment_bytes: a segment that would grow beyond this is followed by a new one.
        ballast_bytes: of a file that is given up when the disk is full.
    """

    def __init__(self, folder: Path, *, segment_bytes: int, ballast_bytes: int) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._ballast = folder / ".ballast"
        self._ballast_bytes = ballast_bytes
        self._number = 1
        self._length = 0
        self._descriptor = -1
        self._owed = b""

    def open(self) -> int:
        """Cut the last segment to whole events, and go on with it.

        Returns:
            The number of bytes cut.

        Raises:
            OSError: the folder cannot be used.
        """
        make_folder(self._folder, mode=0o700)
        cut = 0
        for last in segments_of(self._folder)[-1:]:
            cut = _cut_to_whole_events(last)
            self._number = int(last.stem)
        self._start(self._number)
        self.keep_ballast()
        return cut

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def owe(self, line: bytes) -> None:
        """Write a line before whatever is appended next, until that succeeds."""
        self._owed += line

    def append(self, lines: bytes) -> None:
        """Write and flush.

        Raises:
            OSError: nothing of `lines` is in the log. The next call tries with a new descriptor.
        """
        lines = self._owed + lines
        if not lines:
            return
        try:
            self._put(lines)
        except OSError as error:
            self._undo()
            if error.errno not in _FULL or not self._drop_ballast():
                raise
            try:
                self._put(lines)
            except OSError:
                self._undo()
                raise
        self._owed = b""

    def keep_ballast(self) -> None:
        """Have the ballast, if the disk has room for it several times over. Never fails."""
        with suppress(OSError):
            if self._ballast.stat().st_size == self._ballast_bytes:
                return
        with suppress(OSError):
            disk = os.statvfs(self._folder)
            if disk.f_bavail * disk.f_frsize >= 4 * self._ballast_bytes:
                self._make_ballast()

    def _put(self, lines: bytes) -> None:
        if self._length and self._length + len(lines) > self._segment_bytes:
            self._start(self._number + 1)
        elif self._descriptor < 0:
            self._start(self._number)
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        os.fsync(self._descriptor)
        self._length += len(lines)

    def _start(self, number: int) -> None:
        """Go on with a segment, made if missing. On an error the one before stays in use."""
        path = self._folder / f"{number:08d}.jsonl"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            fsync_folder(self._folder)
            length = os.fstat(descriptor).st_size
        except OSError:
            os.close(descriptor)
            raise
        self.close()
        self._descriptor, self._number, self._length = descriptor, number, length

    def _undo(self) -> None:
        """Cut off what a failed write left; where that fails too, a new segment follows."""
        if self._descriptor >= 0:
            try:
                os.ftruncate(self._descriptor, self._length)
            except OSError:
                self._length = max(1, self._segment_bytes)
            self.close()

    def _drop_ballast(self) -> bool:
        """Make room on a full disk. False when there is nothing left to give up."""
        try:
            self._ballast.unlink()
            fsync_folder(self._folder)  # some file systems free the blocks only then
        except OSError:
            return False
        logs.event("audit.ballast_dropped", logging.WARNING, bytes=self._ballast_bytes)
        return True

    def _make_ballast(self) -> None:
        try:
            with self._ballast.open("wb") as file:
                # Random, so that no file system keeps it in less room.
                file.write(os.urandom(self._ballast_bytes))
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            self._ballast.unlink()
            raise


def _cut_to_whole_events(path: Path) -> int:
    """Cut a segment at the first line that is no event. Returns the number of bytes cut.

    A torn line was never accepted and is dropped. Where more lines follow, the disk may have
    damaged one that was: what is cut is then kept beside the segment for a person to look at.
    """
    good = 0
    for event, end in lines_of(path, 0):
        if event is None:
            break
        good = end
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        if size > good:
            rest = os.pread(descriptor, size - good, good)
            if b"\n" in rest:
                _keep_aside(path.with_suffix(".cut"), rest)
            os.ftruncate(descriptor, good)
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return size - good


def _keep_aside(path: Path, damaged: bytes) -> None:
    with path.open("ab") as file:
        file.write(damaged)
        file.flush()
        os.fsync(file.fileno())
    fsync_folder(path.parent)
