"""A tar framed as one gzip member of *stored* blocks, by arithmetic alone.

Clients that want gzip get the archive as it lies on disk, with 5 bytes before every 65,535 of
it. Nothing is deflated, so the length is known, any range can be served, and the CRC-32 of the
record stands in the trailer for `gunzip` to check.
"""

import struct
from collections.abc import Iterator

BLOCK = 65_535
"""Bytes of the tar in one stored block: the most that deflate allows."""

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # deflate, no flags, time 0, system unknown
_BLOCK_HEADER = struct.Struct("<BHH")  # last or not, length, its complement
_TRAILER = struct.Struct("<II")  # CRC-32, size modulo 2**32
_STRIDE = _BLOCK_HEADER.size + BLOCK

Piece = bytes | tuple[int, int]
"""Literal bytes, or (offset, length) of the tar."""


def framed_size(size: int) -> int:
    """Bytes of the gzip member around a tar of `size` bytes.

    Raises:
        ValueError: `size` is not positive.
    """
    if size <= 0:
        raise ValueError(f"cannot frame {size} bytes")
    return len(_HEADER) + _blocks(size) * _BLOCK_HEADER.size + size + _TRAILER.size


def pieces(size: int, crc32: int, start: int, end: int) -> Iterator[Piece]:
    """What bytes [start, end) of the gzip member consist of, in order.

    The first piece is found without walking the ones before it.

    Args:
        size: bytes of the tar, more than 0.
        crc32: of the whole tar.
        start: first byte of the member wanted.
        end: the byte after the last one wanted.

    Raises:
        ValueError: the range is not within the member.
    """
    if not 0 <= start <= end <= framed_size(size):
        raise ValueError(f"bytes {start} to {end} are not within a member of {framed_size(size)}")
    return _clipped(_whole(size, crc32, start), start, end)


def _blocks(size: int) -> int:
    return -(-size // BLOCK)


def _whole(size: int, crc32: int, start: int) -> Iterator[tuple[int, Piece]]:
    """Pieces with where they begin, from at most one block before `start`."""
    yield 0, _HEADER
    blocks = _blocks(size)
    for index in range(max(0, start - len(_HEADER)) // _STRIDE, blocks):
        at = len(_HEADER) + index * _STRIDE
        offset = index * BLOCK
        length = min(BLOCK, size - offset)
        yield at, _BLOCK_HEADER.pack(index == blocks - 1, length, length ^ 0xFFFF)
        yield at + _BLOCK_HEADER.size, (offset, length)
    yield framed_size(size) - _TRAILER.size, _TRAILER.pack(crc32, size & 0xFFFFFFFF)


def _clipped(whole: Iterator[tuple[int, Piece]], start: int, end: int) -> Iterator[Piece]:
    for at, piece in whole:
        if at >= end:
            return
        length = len(piece) if isinstance(piece, bytes) else piece[1]
        low, high = max(0, start - at), min(length, end - at)
        if low < high:
            yield piece[low:high] if isinstance(piece, bytes) else (piece[0] + low, high - low)
