"""The end record and the central directory of a zip, as APPNOTE.TXT lays them out."""

import struct
from dataclasses import dataclass
from typing import BinaryIO

from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.paths import refusal

STORED, DEFLATED = 0, 8

_END = struct.Struct("<4s4H2IH")
_LOCATOR = struct.Struct("<4sIQI")
_WIDE_END = struct.Struct("<4sQ2H2I4Q")
_ENTRY = struct.Struct("<4s6H3I5H2I")
_END_MARK = b"PK\x05\x06"
_FULL, _FULL_SHORT = 0xFFFFFFFF, 0xFFFF
_WIDE, _UNICODE_PATH = 0x0001, 0x7075
_KNOWN_FLAGS = 0x080E  # deflate's effort (2 bits), data descriptor, UTF-8
_MOST_EXTRA = 2048
_MOST_DIRECTORY = 16 * 1024**2
"""Bytes of a directory, which is held whole."""

_FILE_TYPES = {0o000000: None, 0o100000: False, 0o040000: True}
_FAT_FOLDER = 0x10


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the central directory; sizes and offset in bytes."""

    name: bytes
    folder: bool
    mode: int
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int


def entries(file: BinaryIO, size: int, limits: ArchiveLimits) -> tuple[list[Entry], int]:
    """Read the directory of a zip of `size` bytes.

    Returns:
        The entries in order, and where in the file the directory begins.

    Raises:
        UnsafeArchiveError: the directory is not exactly where the end record says, or an
            entry is one that is never accepted.
    """
    count, start, length, end = _end(file, size)
    if start + length != end:
        raise refusal(None, "the zip's directory does not reach to its end record")
    if count > limits.members:
        raise refusal(None, f"it has {count} entries; {limits.members} are allowed")
    if length > count * (_ENTRY.size + limits.name_bytes + 64 + _MOST_EXTRA):
        raise refusal(None, "the zip's directory is larger than its entries can be")
    if length > _MOST_DIRECTORY:
        raise refusal(None, f"the zip's directory has {length} bytes; {_MOST_DIRECTORY} are read")
    file.seek(start)
    text = file.read(length)
    found = []
    at = total = 0
    while at < len(text):
        entry, at = _entry(text, at)
        found.append(entry)
        total += entry.size
        if total > limits.unpacked_bytes:
            raise refusal(entry.name, f"takes the zip beyond {limits.unpacked_bytes} bytes")
    if len(found) != count:
        raise refusal(None, f"the zip has {len(found)} entries, and claims {count}")
    return found, start


def wide_sizes(name: bytes, extra: bytes, values: list[int]) -> list[int]:
    """Values of 32 bits, with those that did not fit replaced from a zip64 field.

    Args:
        name: of the entry, for messages.
        extra: the entry's extra fields.
        values: size, packed size and offset, as far as the header has them, in this order.

    Raises:
        UnsafeArchiveError: the extra fields are broken, or name the entry in another way.
    """
    fields = _extra(name, extra)
    other = fields.get(_UNICODE_PATH)
    if other is not None and other[5:] != name:
        raise refusal(name, "has another name in its extra field")
    wide = fields.get(_WIDE, b"")
    found = []
    for value in values:
        if value == _FULL:
            if len(wide) < 8:
                raise refusal(name, "lacks the zip64 field of its size")
            value, wide = int.from_bytes(wide[:8], "little"), wide[8:]  # noqa: PLW2901  # the same value, whole
        found.append(value)
    return found


def _end(file: BinaryIO, size: int) -> tuple[int, int, int, int]:
    """Entries, start and length of the directory, and where it must end."""
    tail_at = max(0, size - _END.size - _FULL_SHORT)
    file.seek(tail_at)
    tail = file.read(size - tail_at)
    places = []
    at = tail.find(_END_MARK)
    while at >= 0:
        if len(tail) - at >= _END.size:
            end = _END.unpack_from(tail, at)
            if at + _END.size + end[7] == len(tail):
                places.append((tail_at + at, end))
        at = tail.find(_END_MARK, at + 1)
    if len(places) != 1:
        raise refusal(None, f"the zip has {len(places) or 'no'} end records: cut short?")
    place, (_, disk, first, here, count, length, start, _) = places[0]
    values: tuple[int, ...] = (disk, first, here, count, length, start)
    wide = _wide_end(file, place)
    if wide is None:
        until = place
    else:
        until, wide_values = wide
        for narrow, whole, full in zip(values, wide_values, _END_FULL, strict=True):
            if narrow not in (whole, full):
                raise refusal(None, "the zip's two end records differ")
        values = wide_values
    disk, first, here, count, length, start = values
    if disk or first or here != count:
        raise refusal(None, "it is one part of a zip of many")
    return count, start, length, until


_END_FULL = (_FULL_SHORT, _FULL_SHORT, _FULL_SHORT, _FULL_SHORT, _FULL, _FULL)


def _wide_end(file: BinaryIO, place: int) -> tuple[int, tuple[int, ...]] | None:
    """Where the zip64 end record stands, and its values; None when there is none."""
    at = place - _LOCATOR.size
    if at < 0:
        return None
    file.seek(at)
    mark, disk, where, disks = _LOCATOR.unpack(file.read(_LOCATOR.size))
    if mark != b"PK\x06\x07":
        return None
    if disk or disks != 1 or where + _WIDE_END.size != at:
        raise refusal(None, "the zip64 end record is not where it must be")
    file.seek(where)
    (mark, length, _, _, *values) = _WIDE_END.unpack(file.read(_WIDE_END.size))
    if mark != b"PK\x06\x06" or length != _WIDE_END.size - 12:
        raise refusal(None, "the zip64 end record is broken")
    return where, tuple(values)


def _entry(text: bytes, at: int) -> tuple[Entry, int]:
    """The entry at a place of the directory, and where the next one begins."""
    if len(text) - at < _ENTRY.size or text[at : at + 4] != b"PK\x01\x02":
        raise refusal(None, "the zip's directory is broken")
    (_, _, _, flags, method, _, _, crc, packed, size, *rest) = _ENTRY.unpack_from(text, at)
    name_size, extra_size, comment_size, disk, _, attributes, offset = rest
    name_end = at + _ENTRY.size + name_size
    extra_end = name_end + extra_size
    end = extra_end + comment_size
    if end > len(text):
        raise refusal(None, "the zip's directory is broken")
    name = text[name_end - name_size : name_end]
    size, packed, offset = wide_sizes(name, text[name_end:extra_end], [size, packed, offset])
    if flags & ~_KNOWN_FLAGS:
        raise refusal(name, "is encrypted" if flags & 0x2041 else f"has the flags {flags:#06x}")
    if method not in (STORED, DEFLATED):
        raise refusal(name, f"is packed by method {method}; only stored and deflate are read")
    if method == STORED and packed != size:
        raise refusal(name, "is stored, and has two sizes")
    if disk:
        raise refusal(name, "lies on another disk")
    folder = _is_folder(name, attributes)
    if folder and size:
        raise refusal(name, "is a folder with contents of its own")
    mode = attributes >> 16 & 0o7777
    return Entry(name, folder, mode, flags, method, crc, packed, size, offset), end


def _is_folder(name: bytes, attributes: int) -> bool:
    folder = name.endswith(b"/")
    kind = attributes >> 16 & 0o170000
    if kind not in _FILE_TYPES:
        raise refusal(name, "is a symbolic link" if kind == 0o120000 else "is no file or folder")
    if _FILE_TYPES[kind] not in (None, folder) or (attributes & _FAT_FOLDER and not folder):
        raise refusal(name, "is a file by its name or by its attributes, but not by both")
    return folder


def _extra(name: bytes, extra: bytes) -> dict[int, bytes]:
    fields: dict[int, bytes] = {}
    at = 0
    while at < len(extra):
        key, length = int.from_bytes(extra[at : at + 2], "little"), extra[at + 2 : at + 4]
        end = at + 4 + int.from_bytes(length, "little")
        if len(length) < 2 or end > len(extra) or key in fields:
            raise refusal(name, "has a broken extra field")
        fields[key] = extra[at + 4 : end]
        at = end
    return fields
