"""The parent's side: a child for each archive, and nothing believed of it that can be checked here.

What the child makes, a plain tar, is hashed and counted by whoever is given it. Only the digests of
single files come from the child, computed on another core; an exploited child could lie about
them, and the record would then contradict the archive that its own digest binds.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from threading import Thread
from typing import BinaryIO

import msgspec

from hubproxy.children import environ, read_only
from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.paths import refusal
from hubproxy.errors import UnsafeArchiveError
from hubproxy.unpack.ingest import Output, Source, Unpacked
from hubproxy.unpack.request import LARGEST_ANSWER, Answer, Bounds, Request

_COMMAND = (sys.executable, "-P", "-m", "hubproxy.unpack")
_DEFAULT = Bounds()
_PIPE = 1024 * 1024
_PIECE = 256 * 1024
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
_GIB = 1024**3


def unpack(
    source: Source,
    output: Output,
    *,
    limits: ArchiveLimits,
    strip: str = "",
    expected_size: int | None = None,
    hash_files: bool = True,
    spool: Callable[[], BinaryIO] = tempfile.TemporaryFile,
    bounds: Bounds = _DEFAULT,
) -> Unpacked:
    """Write the plain tar of an archive, as `ingest.repack` does, in a child. Blocks.

    Args:
        spool: opens a temporary file for reading and writing; used for a zip alone, whose
            directory stands at its end.
        bounds: on the child.

    Raises:
        UnsafeArchiveError: as `repack`; or the child went beyond its bounds.
        OSError: from `source`, `output` or the spool; or no child could be started.
    """
    given = _Input(source)
    most = limits.unpacked_bytes
    if expected_size is not None:
        most = min(most, expected_size)
    request = Request(
        members=limits.members,
        depth=limits.depth,
        name_bytes=limits.name_bytes,
        unpacked_bytes=limits.unpacked_bytes,
        ratio=limits.ratio,
        strip=strip,
        expected_size=expected_size,
        hash_files=hash_files,
        zip_bytes=0,
        memory=bounds.memory,
        cpu_seconds=bounds.cpu_seconds * (1 + most // _GIB),
    )
    if not given.is_zip():
        return _run(request, given, None, _Counted(output, most))
    with spool() as file:
        size = given.into(file, limits)
        request = msgspec.structs.replace(request, zip_bytes=size)
        with read_only(file.fileno()) as descriptor:
            return _run(request, None, descriptor, _Counted(output, most))


class _Input:
    """Upstream's bytes, of which the first are looked at."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._head = b""

    def is_zip(self) -> bool:
        while len(self._head) < 4 and (piece := self._source.read(_PIECE)):
            self._head += piece
        return self._head.startswith(_ZIPS)

    def read(self) -> bytes:
        """The next bytes, b"" at the end."""
        head, self._head = self._head, b""
        return head or self._source.read(_PIECE)

    def into(self, file: BinaryIO, limits: ArchiveLimits) -> int:
        """Write all of them to a file; how many there were."""
        size = 0
        while piece := self.read():
            size += len(piece)
            if size > limits.unpacked_bytes:
                raise refusal(None, f"it is larger than {limits.unpacked_bytes} bytes")
            file.write(piece)
        file.flush()
        return size


class _Counted:
    """Passes on what the child writes, as far as it may write."""

    def __init__(self, output: Output, most: int) -> None:
        self._output, self._most = output, most
        self.size = 0

    def write(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self._most:
            raise refusal(None, f"takes the archive beyond {self._most} bytes")
        self._output.write(piece)


def _run(
    request: Request, given: _Input | None, zip_file: int | None, output: _Counted
) -> Unpacked:
    asked = msgspec.json.encode(request).decode()
    answers, answering = os.pipe()
    try:
        child = subprocess.Popen(
            [*_COMMAND, asked, str(answering)],
            stdin=subprocess.PIPE if zip_file is None else zip_file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(answering,),
            env=environ(),
            pipesize=_PIPE,
            bufsize=0,
        )
    except BaseException:
        os.close(answers)
        raise
    finally:
        os.close(answering)
    with os.fdopen(answers, "rb", buffering=0) as answer, child:
        feeder = None if given is None else _Feeder(child, given)
        try:
            _pass_on(child, output)
            text = _all(answer)
            status = child.wait()
        finally:
            child.kill()
    if feeder is not None and feeder.error is not None:
        raise feeder.error
    return _told(text, status, request, output.size)


class _Feeder(Thread):
    """Carries the archive to the child, in a thread of its own.

    It ends with the archive, or with the child. Where the child ends first, whoever gives the
    archive is told so by `unpack`, and ends it: nobody waits for this thread.
    """

    def __init__(self, child: "subprocess.Popen[bytes]", given: _Input) -> None:
        super().__init__(name="feed", daemon=True)
        self.error: BaseException | None = None
        self._given = given
        assert child.stdin is not None
        # Of its own, so that nobody closes it under its hands.
        self._into = os.dup(child.stdin.fileno())
        child.stdin.close()
        self.start()

    def run(self) -> None:
        try:
            while piece := self._given.read():
                view = memoryview(piece)
                while view:
                    view = view[os.write(self._into, view) :]
        except BrokenPipeError:
            pass  # the child reads no more, and says why
        except BaseException as error:  # noqa: BLE001  # raised by `unpack`, in its own thread
            self.error = error
        finally:
            os.close(self._into)


def _pass_on(child: "subprocess.Popen[bytes]", output: _Counted) -> None:
    """Pass on what the child writes, as it comes, until it has written all of it."""
    assert child.stdout is not None
    while piece := os.read(child.stdout.fileno(), _PIPE):
        output.write(piece)


def _all(answer: BinaryIO) -> bytes:
    parts, size = [], 0
    while size <= LARGEST_ANSWER and (piece := answer.read(_PIPE)):
        parts.append(piece)
        size += len(piece)
    return b"".join(parts)


def _told(text: bytes, status: int, request: Request, size: int) -> Unpacked:
    """What the child found, as far as it fits what it wrote."""
    if status != 0:
        raise UnsafeArchiveError(f"unsafe archive: {_ended(status, request)}")
    try:
        answer = msgspec.json.decode(text, type=Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnsafeArchiveError(f"unsafe archive: its reader gave no answer: {error}") from error
    found = answer.unpacked
    if found is None:
        raise UnsafeArchiveError(answer.why or "unsafe archive", remedy=answer.remedy)
    at = 0
    for entry in found.files:
        if entry.offset < at or entry.size < 0:
            raise UnsafeArchiveError("unsafe archive: its reader contradicts itself")
        at = entry.offset + entry.size
    if at > size or found.size != size:
        raise UnsafeArchiveError("unsafe archive: its reader contradicts itself")
    return found


def _ended(status: int, request: Request) -> str:
    if status == -signal.SIGXCPU:
        return f"reading it took more than {request.cpu_seconds} seconds of work"
    if status == -signal.SIGSYS:
        return "its reader was ended for trying what no reader has a need of"
    if status < 0:
        return f"its reader was ended by {signal.Signals(-status).name}"
    return f"its reader failed, as it does when {request.memory:,} bytes of memory are too few"
