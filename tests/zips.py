"""Zips as strangers make them: laid down byte by byte, apart from hubproxy's code."""

import struct
import zlib
from collections.abc import Callable


def entry(
    name: bytes,
    contents: bytes = b"contents",
    *,
    local_name: bytes | None = None,
    method: int = 0,
    packed: bytes | None = None,
    flags: int = 0,
    crc: int | None = None,
    size: int | None = None,
    attributes: int = 0,
    local_method: int | None = None,
    local_size: int | None = None,
    local_crc: int | None = None,
    local_flags: int | None = None,
    extra: bytes = b"",
    local_extra: bytes = b"",
    tail: bytes = b"",
    offset: int | None = None,
    disk: int = 0,
) -> Callable[[int], tuple[bytes, bytes]]:
    """An entry, for `zipped`: its local header with its data, and its place in the directory."""
    packed = contents if packed is None else packed
    crc = zlib.crc32(contents) if crc is None else crc
    size = len(contents) if size is None else size
    local_size = size if local_size is None else local_size
    local_method = method if local_method is None else local_method
    local_crc = crc if local_crc is None else local_crc
    local_flags = flags if local_flags is None else local_flags
    local_name = name if local_name is None else local_name

    def at(place: int) -> tuple[bytes, bytes]:
        where = place if offset is None else offset
        head = struct.pack(
            "<4s5H3I2H", b"PK\x03\x04", 20, local_flags, local_method, 0, 33, local_crc,
            len(packed), local_size, len(local_name), len(local_extra),
        )  # fmt: skip
        listed = struct.pack(
            "<4s6H3I5H2I", b"PK\x01\x02", 0x314, 20, flags, method, 0, 33, crc, len(packed), size,
            len(name), len(extra), 0, disk, 0, attributes, where,
        )  # fmt: skip
        return head + local_name + local_extra + packed + tail, listed + name + extra

    return at


def zipped(
    *made: Callable[[int], tuple[bytes, bytes]],
    gap: bytes = b"",
    comment: bytes = b"",
    claims: int | None = None,
    shift: int = 0,
    disk: int = 0,
) -> bytes:
    body, directory = bytearray(), bytearray()
    for one in made:
        local, listed = one(len(body))
        body += local
        directory += listed
    body += gap
    count = len(made) if claims is None else claims
    end = struct.pack(
        "<4s4H2IH", b"PK\x05\x06", disk, disk, count, count, len(directory), len(body) + shift,
        len(comment),
    )  # fmt: skip
    return bytes(body + directory + end + comment)


def deflated(contents: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-15)
    return engine.compress(contents) + engine.flush()


def link(mode: int) -> int:
    return (mode | 0o777) << 16


def with_zip64_end(whole: bytes, *, where: int = 0, count: int = 0, length: int = 44) -> bytes:
    """A zip that has another end record too, of zip64."""
    at = len(whole) - 22
    (_, _, _, _, entries, size, start, _) = struct.unpack("<4s4H2IH", whole[at:])
    wide = struct.pack(
        "<4sQ2H2I4Q", b"PK\x06\x06", length, 45, 45, 0, 0, entries + count, entries + count, size,
        start,
    )  # fmt: skip
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, at + where, 1)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, entries, 0xFFFF, size, 0xFFFFFFFF, 0)
    return whole[:at] + wide + locator + end
