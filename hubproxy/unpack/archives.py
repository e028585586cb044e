"""What upstream packed a module with: told from the first bytes, and undone piece by piece.

Nothing here trusts a length that upstream gives: a step of decompression makes at most
`_STEP` bytes, and a stream must end where it says and check out.
"""

import bz2
import lzma
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.paths import shown
from hubproxy.core.tar import BLOCK, decode
from hubproxy.errors import UnsafeArchiveError
from hubproxy.unpack.inflate import GZIP_FRAME, inflate

GZIP = "application/gzip"
TAR = "application/x-tar"
BZIP2 = "application/x-bzip2"
XZ = "application/x-xz"
ZIP = "application/zip"

MOST_PADDING = 1024**2
"""Bytes of zeros that may follow the end of a tar or of a compressed stream."""

_READ = 256 * 1024
_STEP = 512 * 1024
_FREE_OF_RATIO = 16 * 1024**2
_RESERVED_FLAGS = 0xE0
"""Of the fourth byte of a gzip header (RFC 1952)."""

_XZ_MEMORY = 66 * 1024**2
"""Bytes that one xz stream may need: what `xz -9` writes needs 65 MiB."""

_MAGICS = (
    (b"\x1f\x8b", GZIP),
    (b"BZh", BZIP2),
    (b"\xfd7zXZ\0", XZ),
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),
)


class StreamError(UnsafeArchiveError):
    """What is wrong with the bytes that an archive comes in, told apart from its members.

    Args:
        why: what it is, as a sentence without its end.
    """

    def __init__(self, why: str) -> None:
        super().__init__(f"unsafe archive: {why}")
        self.why = why

    def at(self, name: bytes) -> UnsafeArchiveError:
        """The same, with the member that was being read, or had been read last."""
        return UnsafeArchiveError(f"unsafe archive: {self.why}, at {shown(name)}")


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an archive, as a reader finds it.

    Args:
        name: as it stands in the archive, not looked at yet.
        folder: whether it is a folder.
        size: bytes of a file; 0 for a folder.
        mode: permission bits, with setuid, setgid and sticky.
        contents: the bytes of a file, in pieces; used up before the next member is asked for.
    """

    name: bytes
    folder: bool
    size: int
    mode: int
    contents: Iterator[bytes]


class Intake:
    """Upstream's bytes as they come in, counted.

    Args:
        read: gives up to so many bytes, b"" at the end; may block.
        limits: `unpacked_bytes` bounds what comes in as well.
    """

    def __init__(self, read: Callable[[int], bytes], limits: ArchiveLimits) -> None:
        self._read = read
        self._limits = limits
        self._head = b""
        self.taken = 0
        """Bytes read so far."""

    def head(self) -> bytes:
        """The first bytes, enough to tell an archive by and to hold any gzip header whole."""
        parts = []
        while self.taken < _READ and (piece := self._next()):
            parts.append(piece)
        self._head = b"".join(parts)
        return self._head

    def pieces(self) -> Iterator[bytes]:
        """Everything, beginning with what `head` gave."""
        if self._head:
            yield self._head
            self._head = b""
        while piece := self._next():
            yield piece

    def _next(self) -> bytes:
        piece = self._read(_READ)
        self.taken += len(piece)
        if self.taken > self._limits.unpacked_bytes:
            raise StreamError(f"it is larger than {self._limits.unpacked_bytes} bytes")
        return piece


def sniff(head: bytes) -> str:
    """The media type of an archive, told from its first bytes.

    Raises:
        UnsafeArchiveError: it is not an archive.
    """
    for magic, media_type in _MAGICS:
        if head.startswith(magic):
            return media_type
    block = head[:BLOCK]
    if len(block) == BLOCK and (block[257:262] == b"ustar" or not any(block) or _is_header(block)):
        return TAR
    if not head:
        raise UnsafeArchiveError("not an archive: it is empty")
    raise UnsafeArchiveError(f"not an archive: begins with {shown(head[:24])}")


def is_bomb(unpacked: int, taken: int, limits: ArchiveLimits) -> bool:
    """Whether too much came out so far, in bytes, for what came in."""
    return unpacked > _FREE_OF_RATIO and unpacked > limits.ratio * taken


def unpacked(
    media_type: str, intake: Intake, limits: ArchiveLimits, *, bounded: bool
) -> Iterator[bytes]:
    """The plain tar within, in pieces of at most some 512 KiB.

    Args:
        media_type: any that `sniff` tells but zip.
        intake: where the bytes come from.
        limits: gives the ratio.
        bounded: whether to look at the ratio.

    Raises:
        StreamError: while iterating: the stream is damaged, cut short, goes on after
            its end, or is a bomb.
    """
    if media_type == TAR:
        yield from intake.pieces()
        return
    total = 0
    for piece in _STREAMS[media_type](intake.pieces()):
        total += len(piece)
        if bounded and is_bomb(total, intake.taken, limits):
            raise StreamError(f"it unpacks to more than {limits.ratio} times its size")
        yield piece


def zeros(pieces: Iterator[bytes], what: str) -> None:
    """Use up padding.

    Raises:
        StreamError: there is anything else, or too much of it.
    """
    total = 0
    for piece in pieces:
        total += len(piece)
        if piece.count(0) != len(piece):
            raise StreamError(f"bytes follow the end of its {what}")
        if total > MOST_PADDING:
            raise StreamError(f"more than {MOST_PADDING} bytes pad the end of its {what}")


def _is_header(block: bytes) -> bool:
    try:
        decode(block)
    except ValueError:
        return False
    return True


def _gunzip(pieces: Iterator[bytes]) -> Iterator[bytes]:
    head = next(pieces, b"")
    if len(head) > 3 and head[3] & _RESERVED_FLAGS:  # zlib refuses them, ISA-L does not
        raise StreamError("its gzip stream has unknown flags")
    pieces = _chain(head, pieces)
    unused = yield from inflate(
        pieces, GZIP_FRAME, lambda why: StreamError(f"its gzip stream {why}")
    )
    zeros(_chain(unused, pieces), "gzip stream")


def _bunzip2(pieces: Iterator[bytes]) -> Iterator[bytes]:
    return _stream(bz2.BZ2Decompressor(), "bzip2", pieces)


def _unxz(pieces: Iterator[bytes]) -> Iterator[bytes]:
    engine = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
    return _stream(engine, "xz", pieces)


class _Engine(Protocol):
    """What the decompressors of `bz2` and `lzma` have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def _stream(engine: _Engine, what: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    while not engine.eof:
        piece = b""
        if engine.needs_input:
            piece = next(pieces, b"")
            if not piece:
                raise StreamError(f"its {what} stream is cut short")
        try:
            out = engine.decompress(piece, _STEP)
        except (lzma.LZMAError, OSError, EOFError, ValueError) as error:
            raise StreamError(f"its {what} stream is damaged ({error})") from None
        if out:
            yield out
    zeros(_chain(engine.unused_data, pieces), f"{what} stream")


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


_STREAMS = {GZIP: _gunzip, BZIP2: _bunzip2, XZ: _unxz}
