"""Headers of a tar that lie, or that programs read in more than one way."""

from tests.archives import block, long_name, member, padded, pax, record
from tests.hostile.archives.rows import Table

TIB = b"\x80" + (1 << 40).to_bytes(11, "big")

HEADERS: Table = {
    "negative size": (block(b"n", b"\xff" * 12), "'n' has a negative size"),
    "size in words": (block(b"n", b"very large\0\0"), "'n' has a size that is not a number"),
    "size beyond the end": (block(b"n", 5000) + padded(b"x"), "'n' is cut short"),
    "size of exbibytes": (
        block(b"n", b"\x80\0\0\0\x7f" + bytes(7)),
        "'n' takes the archive beyond",
    ),
    "wrong checksum": (
        block(b"n", checksum=b"0001234\0"),
        "'n' has a header with a wrong checksum",
    ),
    "garbage": (b"\xaa" * 512, "has a header with a wrong checksum"),
    "pax size is negative": (
        pax(record(b"size", b"-1")) + member(b"n"),
        "'PaxHeaders/x' has a pax size that is not a number",
    ),
    "pax size is endless": (
        pax(record(b"path", b"n"), record(b"size", b"9" * 30)) + member(b"n"),
        "'n' has a pax size that is not a number",
    ),
    "pax size is larger": (
        pax(record(b"path", b"n"), record(b"size", b"9999")) + member(b"n"),
        "'n' is cut short",
    ),
    "pax without a length": (pax(b"path=x\n"), "'PaxHeaders/x' has a pax record of a wrong length"),
    "pax length of zero": (pax(b"0 path=x\n"), "'PaxHeaders/x' has a pax record of a wrong length"),
    "pax path twice": (
        pax(record(b"path", b"a1"), record(b"path", b"a2")),
        "'PaxHeaders/x' has a pax header that gives one key twice",
    ),
    "pax path is empty": (pax(record(b"path", b"")) + member(b"n"), "'' has an empty name"),
    "sparse by pax": (
        pax(record(b"GNU.sparse.major", b"1")) + member(b"n"),
        "'PaxHeaders/x' announces a sparse file",
    ),
    "sparse for all": (
        pax(record(b"GNU.sparse.name", b"y"), kind=b"g"),
        "'PaxHeaders/x' announces a sparse file",
    ),
    "pax of 64 KiB": (
        pax(record(b"comment", b"x" * 65536)),
        "'PaxHeaders/x' is an extended header of 65551 bytes",
    ),
    "pax of a TiB": (block(b"big", TIB, kind=b"x"), "'big' is"),
    "long name of a TiB": (
        block(b"big", TIB, kind=b"L"),
        "'big' is an extended header of",
    ),
    "long name is too long": (long_name(b"n" * 1100) + member(b"n"), "has a name of 1100 bytes"),
    "name just too long": (long_name(b"n" * 1025) + member(b"n"), "has a name of more than 1024"),
    "long name with a tail": (
        member(b"L", b"n\0/etc/passwd\0", kind=b"L"),
        "'n' has bytes after the end of its long name",
    ),
    "two long names": (
        long_name(b"a1") + long_name(b"a2"),
        "'././@LongLink' is a second long name",
    ),
    "long name and pax path": (
        long_name(b"a1") + pax(record(b"path", b"a2")),
        "'a2' has two extended headers",
    ),
    "pax path and long name": (
        pax(record(b"path", b"a2")) + long_name(b"a1"),
        "'././@LongLink' is a second long name",
    ),
    "two pax headers": (
        pax(record(b"path", b"a1")) + pax(record(b"size", b"1")),
        "'PaxHeaders/x' has two extended headers",
    ),
    "path for all": (
        pax(record(b"path", b"y"), kind=b"g"),
        "'PaxHeaders/x' gives a path to every member",
    ),
    "size for all": (
        pax(record(b"size", b"0"), kind=b"g"),
        "'PaxHeaders/x' gives a size to every member",
    ),
    "link for all": (
        pax(record(b"linkpath", b"y"), kind=b"g"),
        "'PaxHeaders/x' gives a linkpath to every member",
    ),
    "65 global headers": (
        pax(record(b"comment", b"y"), kind=b"g") * 65,
        "'PaxHeaders/x' is one too many",
    ),
    "long name at the end": (long_name(b"n"), "'ok' is followed by a header that belongs to no"),
    "pax at the end": (pax(record(b"path", b"n")), "'ok' is followed by a header that belongs"),
    "prefix that GNU tar does not read": (
        member(b"x", prefix=b"../evil", magic=b"ustar  \0"),
        "'x' has a prefix that only some programs read",
    ),
    "prefix of v7": (
        member(b"x", prefix=b"/etc", magic=bytes(8)),
        "'x' has a prefix that only some programs read",
    ),
    "up by prefix": (member(b"x", prefix=b".."), "'../x' has a '..' segment"),
    "absolute by prefix": (member(b"x", prefix=b"/etc"), "'/etc/x' has an absolute name"),
    "size in octal, and an 8": (block(b"n", b"00000000018\0"), "'n' has a size that is not a"),
    "size in octal, negative": (block(b"n", b"-0000000001\0"), "'n' has a size that is not a"),
    "size in hexadecimal": (block(b"n", b"0x000000010\0"), "'n' has a size that is not a number"),
    "size in two parts": (block(b"n", b"1 1\0\0\0\0\0\0\0\0\0"), "'n' has a size that is not a"),
    "size in base 256, the largest": (
        block(b"n", b"\x80" + b"\xff" * 11),
        "'n' takes the archive beyond",
    ),
    "size in base 256, the smallest": (block(b"n", b"\xff" + bytes(11)), "'n' has a negative size"),
    "size in base 256, of 63 bits": (
        block(b"n", b"\x80\0\0\0\x7f" + b"\xff" * 7),
        "'n' takes the archive beyond",
    ),
    "size of 65 GiB": (block(b"n", b"\x80" + (65 << 30).to_bytes(11, "big")), "'n' takes the arch"),
    "size of a folder by pax": (
        pax(record(b"size", b"512")) + block(b"d/", kind=b"5") + bytes(512),
        "'d/' is a folder with contents",
    ),
    "checksum of words": (block(b"n", checksum=b"check me"), "'n' has a header with a wrong"),
    "checksum of nothing": (block(b"n", checksum=bytes(8)), "'n' has a header with a wrong"),
    "checksum in base 256, negative": (
        block(b"n", checksum=b"\xff" * 8),
        "'n' has a header with a wrong checksum",
    ),
    "name of nothing": (block(b""), "'' has an empty name"),
    "prefix of nothing but a slash": (member(b"x", prefix=b"/"), "'//x' has an absolute name"),
    "up in the middle, by prefix": (member(b"x", prefix=b"a/../../b"), "b/x' has a '..' segment"),
    "NUL by pax": (pax(record(b"path", b"a\0b")) + member(b"n"), "'a\\x00b' has the invisible"),
    "NUL first by a long name": (long_name(b"\0../x") + member(b"n"), "'' has bytes after the end"),
    "empty long name": (long_name(b"") + member(b"n"), "'' has an empty name"),
    "up for programs of old, by pax": (
        pax(record(b"path", b"fine")) + member(b"../../x"),
        "'fine' is '../../x' to programs of old",
    ),
    "absolute for programs of old, by a long name": (
        long_name(b"fine") + member(b"/etc/x"),
        "'fine' is '/etc/x' to programs of old",
    ),
    "up by backslashes for programs of old": (
        pax(record(b"path", b"fine")) + member(b"..\\x"),
        r"'fine' is '..\\x' to programs of old",
    ),
    "pax header that programs of old take for a file": (
        member(b"../../x", record(b"comment", b"evil"), kind=b"x") + member(b"fine"),
        "'../../x' is an extended header that programs of old take for a file",
    ),
    "pax for all that programs of old take for a file": (
        member(b"/etc/x", record(b"comment", b"evil"), kind=b"g") + member(b"fine"),
        "'/etc/x' is an extended header that programs of old take for a file",
    ),
    "pax length beyond its header": (
        pax(b"99 path=x\n"),
        "'PaxHeaders/x' has a pax record of a wrong length",
    ),
    "pax length that cuts a record": (
        pax(b"9 path=x\n8 path=y\n"),
        "'PaxHeaders/x' has a pax record of a wrong length",
    ),
    "pax length of many digits": (
        pax(b"0" * 40 + b"9 path=x\n"),
        "'PaxHeaders/x' has a pax record of a wrong length",
    ),
    "pax length, negative": (pax(b"-9 path=x\n"), "'PaxHeaders/x' has a pax record of a wrong"),
    "pax record without a key": (pax(b"5 =x\n"), "'PaxHeaders/x' has a pax record without a key"),
    "pax record without a value": (pax(b"7 path\n"), "'PaxHeaders/x' has a pax record without a"),
    "pax of 129 records": (
        pax(*(record(b"k%d" % n, b"") for n in range(129))) + member(b"n"),
        "'PaxHeaders/x' has a pax header of more than 128 records",
    ),
    "pax before a header for all": (
        pax(record(b"path", b"a1")) + pax(record(b"path", b"a2"), kind=b"g") + member(b"n"),
        "'PaxHeaders/x' gives a path to every member",
    ),
    "pax cut short": (
        block(b"PaxHeaders/x", 600, kind=b"x") + padded(b"9 path=x\n"),
        "'PaxHeaders/x' has a pax record of a wrong length",
    ),
}
