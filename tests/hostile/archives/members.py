"""Members of a tar that no module has a need of, and members that stand in each other's way."""

from tests.archives import block, folder, long_name, member, pax, record
from tests.hostile.archives.rows import Table

LINK = {"link": b"/etc/passwd"}

MEMBERS: Table = {
    "hard link": (member(b"l", b"", kind=b"1", **LINK), "'l' is a hard link"),
    "symbolic link": (member(b"l", b"", kind=b"2", **LINK), "'l' is a symbolic link"),
    "harmless link": (member(b"l", b"", kind=b"2", link=b"a"), "'l' is a symbolic link"),
    "character device": (member(b"dev", b"", kind=b"3"), "'dev' is a character device"),
    "block device": (member(b"dev", b"", kind=b"4"), "'dev' is a block device"),
    "fifo": (member(b"pipe", b"", kind=b"6"), "'pipe' is a fifo"),
    "sparse": (member(b"s", kind=b"S"), "'s' is a sparse file"),
    "multi-volume": (member(b"m", kind=b"M"), "'m' is a part of another volume"),
    "volume label": (member(b"v", b"", kind=b"V"), "'v' is a volume label"),
    "folder dump": (member(b"d/", b"Yx\0\0", kind=b"D"), "'d/' is a folder dump"),
    "solaris header": (member(b"X", kind=b"X"), "'X' is a Solaris header"),
    "long link": (member(b"longlink", kind=b"K"), "'longlink' is a long link"),
    "unknown kind": (member(b"z", kind=b"z"), "'z' is of the unknown kind b'z'"),
    "unprintable kind": (member(b"z", kind=b"\xff"), r"'z' is of the unknown kind b'\xff'"),
    "link by pax": (pax(record(b"linkpath", b"/etc")) + member(b"b"), "'PaxHeaders/x' is a link"),
    "folder with contents": (member(b"d/", kind=b"5"), "'d/' is a folder with contents"),
    "old folder with contents": (member(b"d/", kind=b"\0"), "'d/' is a folder with contents"),
    "file with a slash": (member(b"d/"), "'d/' is a file with the name of a folder"),
    "twice": (member(b"b") + member(b"b"), "'b' comes twice"),
    "twice by a dot": (member(b"b") + member(b"./b"), "'b' comes twice"),
    "folder twice": (folder(b"d/") + folder(b"d"), "'d' comes twice"),
    "root twice": (folder(b"./") + folder(b"."), "'./' comes twice"),
    "file, then folder": (member(b"b") + folder(b"b/"), "'b' comes twice"),
    "folder, then file": (folder(b"b/") + member(b"b"), "'b' is a file and a folder"),
    "file, then below it": (member(b"b") + member(b"b/c"), "'b/c' lies under 'b', which is a file"),
    "below it, then file": (member(b"b/c") + member(b"b"), "'b' is a file and a folder"),
    "case": (member(b"Bc") + member(b"bC"), "'bC' cannot be told from 'Bc'"),
    "case of a folder": (member(b"B/c") + member(b"b/d"), "'b/d' cannot be told from 'B'"),
    "normal form": (
        member("\u00e9".encode()) + member("e\u0301".encode()),
        "'e\u0301' cannot be told from '\u00e9'",
    ),
    "sharp s": (member("ß".encode()) + member(b"SS"), "'SS' cannot be told from 'ß'"),
    "folder that is a link, and a file below it": (
        member(b"d", b"", kind=b"2", link=b"/tmp") + member(b"d/x"),
        "'d' is a symbolic link",
    ),
    "hard link with contents": (member(b"l", kind=b"1", **LINK), "'l' is a hard link"),
    "link to a long name": (
        member(b"././@LongLink", b"/etc/passwd\0", kind=b"K") + member(b"l", b"", kind=b"2"),
        "'././@LongLink' is a long link",
    ),
    "link with a long name": (
        long_name(b"d/" * 60 + b"l") + member(b"l", b"", kind=b"2", **LINK),
        "d/l' is a symbolic link",
    ),
    "device with a pax name": (
        pax(record(b"path", b"sda")) + member(b"x", b"", kind=b"4"),
        "'sda' is a block device",
    ),
    "sparse by pax, version 1.0": (
        pax(
            record(b"GNU.sparse.major", b"1"),
            record(b"GNU.sparse.minor", b"0"),
            record(b"GNU.sparse.name", b"weights"),
            record(b"GNU.sparse.realsize", b"1099511627776"),
        )
        + member(b"GNUSparseFile.0/weights", b"1\n0\n512\n".ljust(1024, b"\0")),
        "'PaxHeaders/x' announces a sparse file",
    ),
    "sparse by pax, version 0.1": (
        pax(record(b"GNU.sparse.map", b"0,1,9,1"), record(b"path", b"weights")) + member(b"x"),
        "'PaxHeaders/x' announces a sparse file",
    ),
    "sparse file of old GNU tar": (
        block(b"weights", 512, kind=b"S", magic=b"ustar  \0", prefix=b"\0" * 41 + b"00000000000\0")
        + bytes(512),
        "'weights' is a sparse file",
    ),
    "case of a folder, and a file": (
        folder(b"Assets/") + member(b"assets"),
        "'assets' cannot be told from 'Assets'",
    ),
    "normal form of a folder": (
        member("\u00e9/x".encode()) + member("e\u0301/y".encode()),
        "'e\u0301/y' cannot be told from '\u00e9'",
    ),
    "kelvin": (
        member("\u212a.pb".encode()) + member(b"k.pb"),
        "'k.pb' cannot be told from '\u212a.pb'",
    ),
    "colon and underscore": (
        member(b"scale_0") + member(b"scale:0"),
        "'scale:0' cannot be told from 'scale_0'",
    ),
    "twice, far apart": (
        member(b"b") + b"".join(member(b"%d" % n) for n in range(50)) + member(b"b"),
        "'b' comes twice",
    ),
    "twice by a long name": (member(b"b") + long_name(b"b") + member(b"x"), "'b' comes twice"),
    "twice by pax": (
        member(b"b") + pax(record(b"path", b"b")) + member(b"x"),
        "'b' comes twice",
    ),
    "a folder, named as a file is above it": (
        member(b"a") + member(b"A/b"),
        "'A/b' cannot be told from 'a'",
    ),
}
