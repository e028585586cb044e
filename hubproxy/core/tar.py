"""The layout of a tar: 512-byte blocks, written in one way and read in all the usual ones.

What hubproxy writes is POSIX ustar. The same names and sizes always give the same bytes: owner
and time are 0, modes 0644 and 0755, and a pax record stands only where ustar has no room.
"""

import re
import struct
from dataclasses import dataclass

BLOCK = 512
END = bytes(2 * BLOCK)
"""What a tar ends with: exactly two blocks of zeros."""

FILE, OLD_FILE, SOLID_FILE, FOLDER = b"0", b"\0", b"7", b"5"
PAX, PAX_GLOBAL, LONG_NAME = b"x", b"g", b"L"
KINDS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a fifo",
    b"D": "a folder dump",
    b"K": "a long link",
    b"M": "a part of another volume",
    b"S": "a sparse file",
    b"V": "a volume label",
    b"X": "a Solaris header",
}
"""Kinds of members that are known and never accepted."""

_LAYOUT = struct.Struct("100s8s8s8s12s12s8s1s100s6s2s32s32s8s8s155s12x")
_USTAR_SIZES = 8 * 1024**3
"""The first size, in bytes, that eleven octal digits cannot tell."""

_MOST_RECORDS = 128
"""Records of one pax header; programs that keep everything there is write a dozen."""

_OCTAL = re.compile(rb" *([0-7]*)[ \0]*")
_PAX_LENGTH = re.compile(rb"([0-9]{1,7}) ")
_PAX_SIZE = re.compile(rb"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Header:
    """One decoded header block.

    Args:
        name: as it stands there, with a ustar prefix put before it.
        kind: the type flag, one byte.
        size: bytes that follow, before padding.
        mode: permission bits; 0 when they cannot be read.
    """

    name: bytes
    kind: bytes
    size: int
    mode: int


def padding(size: int) -> int:
    """Bytes from the end of `size` bytes to the next block."""
    return -size % BLOCK


def header(path: str, size: int = 0, *, folder: bool = False) -> bytes:
    """The header block, or blocks, of a member, its name beginning with `./`.

    Args:
        path: from the root, without `./` and trailing slash; empty for the root folder.
        size: bytes of a file; 0 for a folder.
        folder: whether it is one.
    """
    name = f"./{path}/" if folder and path else f"./{path}"
    text = name.encode()
    prefix, short = _split(text)
    records = []
    if not short:
        records.append(_record(b"path", text))
        short = text[:100].decode(errors="ignore").encode()
    if size >= _USTAR_SIZES:
        records.append(_record(b"size", b"%d" % size))
    kind, mode = (FOLDER, 0o755) if folder else (FILE, 0o644)
    block = _block(prefix, short, kind, 0 if size >= _USTAR_SIZES else size, mode)
    if not records:
        return block
    body = b"".join(records)
    extended = _block(b"", b"././@PaxHeader", PAX, len(body), 0o644)
    return extended + body + bytes(padding(len(body))) + block


def decode(block: bytes) -> Header:
    """Read one header block.

    Raises:
        ValueError: the checksum is wrong, the size is negative or not a number, or there is a
            prefix that programs read in two ways; the message says what, going on from a name.
    """
    (name, mode, _, _, size, _, checksum, kind, _, magic, version, _, _, _, _, prefix) = (
        _LAYOUT.unpack(block)
    )
    if sum(block) - sum(checksum) + 8 * ord(" ") != _number(checksum):
        raise ValueError("has a header with a wrong checksum")
    length = _number(size)
    if length is None or length < 0:
        raise ValueError("has a negative size" if length else "has a size that is not a number")
    name = name.partition(b"\0")[0]
    if prefix[0]:
        if (magic, version) != (b"ustar\0", b"00"):
            raise ValueError("has a prefix that only some programs read")
        name = prefix.partition(b"\0")[0] + b"/" + name
    return Header(name, kind, length, max(_number(mode) or 0, 0))


def parse_pax(text: bytes) -> dict[bytes, bytes]:
    """The records of a pax header.

    Raises:
        ValueError: it is not a run of records, names something twice, or has more than any
            program writes; the message says what, going on from a name.
    """
    records: dict[bytes, bytes] = {}
    at = 0
    while at < len(text):
        match = _PAX_LENGTH.match(text, at)
        end = at + int(match[1]) if match else 0
        if match is None or end <= match.end() or end > len(text) or text[end - 1 : end] != b"\n":
            raise ValueError("has a pax record of a wrong length")
        key, equals, value = text[match.end() : end - 1].partition(b"=")
        if not equals or not key:
            raise ValueError("has a pax record without a key")
        if key in records:
            raise ValueError("has a pax header that gives one key twice")
        if len(records) == _MOST_RECORDS:
            raise ValueError(f"has a pax header of more than {_MOST_RECORDS} records")
        records[key] = value
        at = end
    return records


def pax_size(text: bytes) -> int:
    """Read the value of a pax `size` record, in bytes.

    Raises:
        ValueError: not a plain decimal number.
    """
    if not _PAX_SIZE.fullmatch(text):
        raise ValueError("has a pax size that is not a number")
    return int(text)


def _split(name: bytes) -> tuple[bytes, bytes]:
    """A name as ustar's prefix and name; the name is empty where it does not fit."""
    if len(name) <= 100:
        return b"", name
    at = name.find(b"/", len(name) - 101)
    if 0 < at <= 155 and at < len(name) - 1:
        return name[:at], name[at + 1 :]
    return b"", b""


def _record(key: bytes, value: bytes) -> bytes:
    rest = b" %s=%s\n" % (key, value)
    length = len(rest)
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return b"%d%s" % (length, rest)


def _block(prefix: bytes, name: bytes, kind: bytes, size: int, mode: int) -> bytes:
    zero = b"0000000\0"
    fields = [name, b"%07o\0" % mode, zero, zero, b"%011o\0" % size, b"00000000000\0"]
    rest = [kind, b"", b"ustar\0", b"00", b"", b"", zero, zero, prefix]
    total = sum(_LAYOUT.pack(*fields, b" " * 8, *rest))
    return _LAYOUT.pack(*fields, b"%06o\0 " % total, *rest)


def _number(field: bytes) -> int | None:
    """A number of a header, octal or base 256; None when it is neither."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big")
        bits = 8 * len(field) - 1
        value &= (1 << bits) - 1
        return value - (1 << bits) if value >> (bits - 1) else value
    match = _OCTAL.fullmatch(field)
    return int(match[1] or b"0", 8) if match else None
