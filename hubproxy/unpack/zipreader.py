"""Reads a zip that is all there, and refuses every one that two programs could read in two ways.

The entries must follow one another without gap or overlap from the first byte to the central
directory, which must reach to the end record, which must end the file; each local header must
agree with its entry of the directory.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.paths import refusal
from hubproxy.crc import crc32
from hubproxy.unpack.archives import Member
from hubproxy.unpack.inflate import RAW, inflate
from hubproxy.unpack.zipdirectory import DEFLATED, Entry, entries, wide_sizes

_LOCAL = struct.Struct("<4s5H3I2H")
_DESCRIPTORS = (struct.Struct("<3I"), struct.Struct("<I2Q"))
_MARKS = (b"PK\x07\x08", b"")  # the mark is optional
_COMPARED_FLAGS = ~0x0006  # how hard a program tried to compress is its own business
_HAS_DESCRIPTOR = 0x0008
_READ = 256 * 1024


def members(file: BinaryIO, size: int, limits: ArchiveLimits) -> Iterator[Member]:
    """The members of a zip, in the order of its central directory.

    A member's contents are to be used up before the next one is asked for.

    Args:
        file: the whole zip; read at any place.
        size: bytes of it.
        limits: gives the most members and the most bytes that they may claim.

    Raises:
        UnsafeArchiveError: while iterating.
    """
    found, directory = entries(file, size, limits)
    starts = _layout(file, found, directory)
    for entry in found:
        contents = _contents(file, entry, starts[entry.offset])
        yield Member(entry.name, entry.folder, entry.size, entry.mode, contents)
        for _ in contents:
            pass


def _layout(file: BinaryIO, found: list[Entry], directory: int) -> dict[int, int]:
    """Where each entry's data begins, by its offset; checks that nothing lies between them."""
    starts = {}
    end = 0
    for entry in sorted(found, key=lambda entry: entry.offset):
        if entry.offset != end:
            how = "overlaps another entry" if entry.offset < end else "follows bytes of no entry"
            raise refusal(entry.name, how)
        start = _local(file, entry)
        starts[entry.offset] = start
        end = start + entry.packed
        if end > directory:
            raise refusal(entry.name, "runs into the zip's directory")
        if entry.flags & _HAS_DESCRIPTOR:
            end += _descriptor(file, entry, end)
        if end > directory:
            raise refusal(entry.name, "runs into the zip's directory")
    if end != directory:
        raise refusal(None, "bytes of no entry stand before the zip's directory")
    return starts


def _local(file: BinaryIO, entry: Entry) -> int:
    """Check an entry's local header; where its data begins."""
    file.seek(entry.offset)
    head = file.read(_LOCAL.size)
    if len(head) < _LOCAL.size or not head.startswith(b"PK\x03\x04"):
        raise refusal(entry.name, "has no local header")
    (_, _, flags, method, _, _, crc, packed, size, name_size, extra_size) = _LOCAL.unpack(head)
    name = file.read(name_size)
    extra = file.read(extra_size)
    if len(extra) < extra_size:
        raise refusal(entry.name, "is cut short")
    if name != entry.name:
        raise refusal(entry.name, "has another name in its local header")
    if (flags ^ entry.flags) & _COMPARED_FLAGS or method != entry.method:
        raise refusal(entry.name, "has another method in its local header")
    size, packed = wide_sizes(entry.name, extra, [size, packed])
    told = zip((crc, packed, size), (entry.crc, entry.packed, entry.size), strict=True)
    streamed = bool(flags & _HAS_DESCRIPTOR)
    if not all(one == other or (streamed and one == 0) for one, other in told):
        raise refusal(entry.name, "has another size or checksum in its local header")
    return entry.offset + _LOCAL.size + len(name) + len(extra)


def _descriptor(file: BinaryIO, entry: Entry, at: int) -> int:
    """How many bytes the data descriptor at a place has."""
    file.seek(at)
    text = file.read(24)
    values = (entry.crc, entry.packed, entry.size)
    layouts = _DESCRIPTORS[1:] if max(values) > 0xFFFFFFFF else _DESCRIPTORS
    for known in [mark + layout.pack(*values) for mark in _MARKS for layout in layouts]:
        if text.startswith(known):
            return len(known)
    raise refusal(entry.name, "has another size or checksum after its data")


def _contents(file: BinaryIO, entry: Entry, start: int) -> Iterator[bytes]:
    pieces = _packed(file, entry, start)
    if entry.method == DEFLATED:
        pieces = _inflate(entry, pieces)
    crc = total = 0
    for piece in pieces:
        total += len(piece)
        if total > entry.size:
            break
        crc = crc32(piece, crc)
        yield piece
    if total != entry.size:
        raise refusal(entry.name, "has another size than its header says")
    if crc != entry.crc:
        raise refusal(entry.name, "has a wrong checksum")


def _packed(file: BinaryIO, entry: Entry, start: int) -> Iterator[bytes]:
    """An entry's bytes as they are stored. The file may be read elsewhere in between."""
    at, end = start, start + entry.packed
    while at < end:
        file.seek(at)
        if not (piece := file.read(min(_READ, end - at))):
            return
        at += len(piece)
        yield piece


def _inflate(entry: Entry, pieces: Iterator[bytes]) -> Iterator[bytes]:
    unused = yield from inflate(pieces, RAW, lambda why: refusal(entry.name, why))
    if unused or next(pieces, b""):
        raise refusal(entry.name, "has bytes after the end of its data")
