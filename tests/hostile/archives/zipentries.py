"""Entries of a zip that no module has a need of, or that programs read in more than one way."""

import stat
import struct
import zlib
from functools import partial

from tests.hostile.archives.rows import Table
from tests.zips import deflated, entry, link, zipped

OK = entry(b"ok")
DEFLATED = partial(entry, method=8, packed=deflated(b"contents"))
WIDE = struct.pack("<2H2Q", 1, 16, 8, 8)
WIDEST = struct.pack("<2HQ", 1, 8, 1 << 60)
OK_TOO = entry(b"too")


def _described(contents: bytes) -> bytes:
    return b"PK\x07\x08" + struct.pack("<3I", zlib.crc32(contents), len(contents), len(contents))


ENTRIES: Table = {
    "symbolic link": (zipped(OK, entry(b"l", attributes=link(stat.S_IFLNK))), "'l' is a symbolic"),
    "device": (zipped(OK, entry(b"d", attributes=link(stat.S_IFCHR))), "'d' is no file or folder"),
    "fifo": (zipped(OK, entry(b"p", attributes=link(stat.S_IFIFO))), "'p' is no file or folder"),
    "folder as a file": (
        zipped(OK, entry(b"d", attributes=link(stat.S_IFDIR))),
        "'d' is a file by its name or by its attributes",
    ),
    "file as a folder": (
        zipped(OK, entry(b"d/", b"", attributes=link(stat.S_IFREG))),
        "'d/' is a file by its name or by its attributes",
    ),
    "old folder as a file": (zipped(OK, entry(b"d", attributes=0x10)), "'d' is a file by its name"),
    "folder with contents": (zipped(OK, entry(b"d/")), "'d/' is a folder with contents"),
    "up": (zipped(OK, entry(b"../x")), "'../x' has a '..' segment"),
    "absolute": (zipped(OK, entry(b"/etc/x")), "'/etc/x' has an absolute name"),
    "backslash": (zipped(OK, entry(b"..\\x")), r"'..\\x' has a backslash"),
    "NUL": (zipped(OK, entry(b"a\0b")), r"'a\x00b' has the invisible character U+0000"),
    "empty name": (zipped(OK, entry(b"")), "'' has an empty name"),
    "code page 437": (zipped(OK, entry(b"\x81")), r"'\\x81' has a name that is not UTF-8"),
    "twice": (zipped(OK, entry(b"ok")), "'ok' comes twice"),
    "case": (zipped(OK, entry(b"OK")), "'OK' cannot be told from 'ok'"),
    "encrypted": (zipped(OK, entry(b"e", flags=1)), "'e' is encrypted"),
    "strongly encrypted": (zipped(OK, entry(b"e", flags=0x41)), "'e' is encrypted"),
    "masked headers": (zipped(OK, entry(b"e", flags=0x2000)), "'e' is encrypted"),
    "patch": (zipped(OK, entry(b"e", flags=0x20)), "'e' has the flags 0x0020"),
    "bzip2": (zipped(OK, entry(b"m", method=12)), "'m' is packed by method 12"),
    "lzma": (zipped(OK, entry(b"m", method=14)), "'m' is packed by method 14"),
    "deflate64": (zipped(OK, entry(b"m", method=9)), "'m' is packed by method 9"),
    "two sizes": (zipped(OK, entry(b"s", size=4)), "'s' is stored, and has two sizes"),
    "other local name": (
        zipped(OK, entry(b"good", local_name=b"evil")),
        "'good' has another name in its local header",
    ),
    "other local method": (
        zipped(OK, entry(b"m", local_method=8)),
        "'m' has another method in its local header",
    ),
    "other local size": (
        zipped(OK, entry(b"s", local_size=7)),
        "'s' has another size or checksum in its local header",
    ),
    "no local size": (
        zipped(OK, entry(b"s", local_size=0)),
        "'s' has another size or checksum in its local header",
    ),
    "wrong descriptor": (
        zipped(OK, entry(b"s", flags=8, tail=b"PK\x07\x08" + bytes(12))),
        "'s' has another size or checksum after its data",
    ),
    "no descriptor": (
        zipped(OK, entry(b"s", flags=8)),
        "'s' has another size or checksum after its data",
    ),
    "wrong checksum": (zipped(OK, entry(b"c", crc=1)), "'c' has a wrong checksum"),
    "wrong checksum, deflated": (zipped(OK, DEFLATED(b"c", crc=1)), "'c' has a wrong checksum"),
    "more than it says": (zipped(OK, DEFLATED(b"s", size=5)), "'s' has another size than its"),
    "less than it says": (zipped(OK, DEFLATED(b"s", size=50)), "'s' has another size than its"),
    "damaged": (zipped(OK, entry(b"s", method=8, packed=b"\xff" * 9)), "'s' is damaged"),
    "deflate cut short": (
        zipped(OK, entry(b"s", method=8, packed=deflated(b"contents")[:-2])),
        "'s' is cut short",
    ),
    "deflate with a tail": (
        zipped(OK, entry(b"s", method=8, packed=deflated(b"contents") + b"x")),
        "'s' has bytes after the end of its data",
    ),
    "same data twice": (zipped(OK, entry(b"ok", offset=0)), "'ok' overlaps another entry"),
    "overlap": (zipped(entry(b"ok", b"x" * 99), entry(b"o", offset=40)), "'o' overlaps another"),
    "gap": (zipped(entry(b"ok", tail=b"hidden"), entry(b"g")), "'g' follows bytes of no entry"),
    "first at another place": (
        zipped(entry(b"ok", offset=2)),
        "'ok' follows bytes of no entry",
    ),
    "offset beyond the end": (
        zipped(OK, entry(b"o", offset=9999)),
        "'o' follows bytes of no entry",
    ),
    "entry of another disk": (zipped(OK, entry(b"o", disk=1)), "'o' lies on another disk"),
    "unicode path": (
        zipped(OK, entry(b"u", extra=struct.pack("<2HBI", 0x7075, 9, 1, 0) + b"evil")),
        "'u' has another name in its extra field",
    ),
    "unicode path, locally": (
        zipped(OK, entry(b"u", local_extra=struct.pack("<2HBI", 0x7075, 9, 1, 0) + b"evil")),
        "'u' has another name in its extra field",
    ),
    "broken extra": (zipped(OK, entry(b"x", extra=b"\1\0\xff\0")), "'x' has a broken extra field"),
    "short extra": (zipped(OK, entry(b"x", extra=b"\1\0\0")), "'x' has a broken extra field"),
    "extra twice": (zipped(OK, entry(b"x", extra=WIDE + WIDE)), "'x' has a broken extra field"),
    "zip64 without a field": (
        zipped(OK, entry(b"w", size=0xFFFFFFFF)),
        "'w' lacks the zip64 field of its size",
    ),
    "runs into the directory": (
        zipped(OK, entry(b"r")).replace(b"\x08\0\0\0" * 2 + b"\1", b"\x0c\0\0\0" * 2 + b"\1"),
        "'r' runs into the zip's directory",
    ),
    "no local header": (
        zipped(OK, entry(b"n")).replace(b"PK\3\4", b"PK\3\5").replace(b"PK\3\5", b"PK\3\4", 1),
        "'n' has no local header",
    ),
    "endless local extra": (
        zipped(OK, entry(b"n")).replace(b"\1\0\0\0ncon", b"\1\0\xff\xffncon"),
        "'n' is cut short",
    ),
    "socket": (zipped(OK, entry(b"s", attributes=link(stat.S_IFSOCK))), "'s' is no file or folder"),
    "link with contents that go up": (
        zipped(OK, entry(b"l", b"../../etc/passwd", attributes=link(stat.S_IFLNK))),
        "'l' is a symbolic link",
    ),
    "link as a folder": (
        zipped(OK, entry(b"l/", b"", attributes=link(stat.S_IFLNK))),
        "'l/' is a symbolic link",
    ),
    "folder that unpacks": (
        zipped(OK, entry(b"d/", b"x" * 9, method=8, packed=deflated(b"x" * 9))),
        "'d/' is a folder with contents",
    ),
    "folder with hidden contents": (
        zipped(OK, entry(b"d/", b"", method=8, packed=deflated(b"hidden"))),
        "'d/' has another size than its header says",
    ),
    "case of a folder": (zipped(entry(b"D/a"), entry(b"d/b")), "'d/b' cannot be told from 'D'"),
    "normal form": (
        zipped(entry("\u00e9".encode()), entry("e\u0301".encode())),
        "'e\u0301' cannot be told from '\u00e9'",
    ),
    "file, then below it": (
        zipped(OK, entry(b"ok/x")),
        "'ok/x' lies under 'ok', which is a file",
    ),
    "other local checksum": (
        zipped(OK, entry(b"c", local_crc=1)),
        "'c' has another size or checksum in its local header",
    ),
    "other local flags": (
        zipped(OK, entry(b"f", local_flags=0x800)),
        "'f' has another method in its local header",
    ),
    "descriptor by its local header alone": (
        zipped(OK, entry(b"f", local_flags=8)),
        "'f' has another method in its local header",
    ),
    "encrypted by its local header alone": (
        zipped(OK, entry(b"f", local_flags=1)),
        "'f' has another method in its local header",
    ),
    "longer local name": (
        zipped(OK, entry(b"good", local_name=b"good/../../evil")),
        "'good' has another name in its local header",
    ),
    "descriptor with another checksum": (
        zipped(OK, entry(b"s", flags=8, tail=b"PK\7\x08" + struct.pack("<3I", 1, 8, 8))),
        "'s' has another size or checksum after its data",
    ),
    "bytes after a descriptor": (
        zipped(OK, entry(b"s", flags=8, tail=_described(b"contents") + b"hidden"), OK_TOO),
        "'too' follows bytes of no entry",
    ),
    "zip64 size of an exbibyte": (
        zipped(OK, entry(b"w", method=8, size=0xFFFFFFFF, extra=WIDEST)),
        "'w' takes the zip beyond",
    ),
    "zip64 offset beyond the end": (
        zipped(OK, entry(b"w", offset=0xFFFFFFFF, extra=struct.pack("<2HQ", 1, 8, 1 << 62))),
        "'w' follows bytes of no entry",
    ),
    "zip64 field too short": (
        zipped(OK, entry(b"w", size=0xFFFFFFFF, extra=struct.pack("<2HI", 1, 4, 8))),
        "'w' lacks the zip64 field of its size",
    ),
    "all entries on one another": (
        zipped(OK, *(entry(b"%d" % n, offset=0) for n in range(50))),
        "overlaps another entry",
    ),
    "overlap by one byte": (
        zipped(entry(b"ok", method=8, packed=deflated(b"contents")), entry(b"o", offset=41)),
        "'o' overlaps another entry",
    ),
    "stored, and deflated in its local header": (
        zipped(OK, DEFLATED(b"m", local_method=0)),
        "'m' has another method in its local header",
    ),
    "zstd": (zipped(OK, entry(b"m", method=93)), "'m' is packed by method 93"),
    "AES": (zipped(OK, entry(b"m", method=99, flags=1)), "'m' is encrypted"),
}
