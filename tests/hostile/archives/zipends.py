"""Zips whose end, or whose directory, is not what it seems."""

import struct

from tests.archives import END, MODEL, member, tar_of, zip_of
from tests.hostile.archives.rows import Table
from tests.hostile.archives.zipentries import OK
from tests.zips import entry, with_zip64_end, zipped

FAKE = zipped(entry(b"evil"))

ENDS: Table = {
    "gap at the end": (zipped(OK, gap=b"hidden"), "bytes of no entry stand before the zip's"),
    "unlisted entry": (zipped(OK, gap=OK(0)[0]), "bytes of no entry stand before the zip's"),
    "something before it": (b"PK\x03\x04MZ" + zipped(OK), "directory does not reach to its end"),
    "bytes after the end": (zipped(OK) + b"x", "the zip has no end records: cut short?"),
    "two end records": (
        zipped(OK, comment=zipped(OK)[-22:]),
        "the zip has 2 end records",
    ),
    "directory elsewhere": (zipped(OK, shift=1), "directory does not reach to its end record"),
    "claims more": (zipped(OK, claims=2), "the zip has 1 entries, and claims 2"),
    "claims fewer": (zipped(OK, OK, claims=1), "the zip has 2 entries, and claims 1"),
    "claims none": (zipped(OK, claims=0), "directory is larger than its entries"),
    "claims too many": (zipped(OK, claims=40_000), "it has 40000 entries; 20000 are allowed"),
    "part of many": (zipped(OK, disk=1), "it is one part of a zip of many"),
    "endless listed name": (
        zipped(OK, entry(b"n")).replace(b"\1\0" + bytes(12), b"\xff\xff" + bytes(12)),
        "the zip's directory is broken",
    ),
    "garbage in the directory": (
        zipped(OK, OK).replace(b"PK\1\2", b"PK\1\3"),
        "the zip's directory is broken",
    ),
    "no entries": (zipped(), "it has no files"),
    "only folders": (zipped(entry(b"d/", b"")), "it has no files"),
    "two end records, the second in a comment of the first": (
        zipped(OK, comment=FAKE),
        "the zip has 2 end records",
    ),
    "comment that ends too early": (
        zipped(OK, comment=b"c" * 9)[:-1],
        "the zip has no end records",
    ),
    "comment that ends too late": (
        zipped(OK, comment=b"c" * 9) + b"c",
        "the zip has no end records",
    ),
    "comment of 64 KiB, and more": (
        zipped(OK, comment=b"c" * 65535) + b"c" * 9,
        "the zip has no end records",
    ),
    "two zips": (zipped(OK) + FAKE, "the zip's directory does not reach to its end record"),
    "a zip in the comment's place": (
        zipped(OK)[:-2] + struct.pack("<H", len(FAKE)) + FAKE,
        "the zip has 2 end records",
    ),
    "zip64 end record elsewhere": (
        with_zip64_end(zip_of(MODEL), where=1),
        "zip64 end record is not where it must be",
    ),
    "zip64 end record that is longer": (
        with_zip64_end(zip_of(MODEL), length=45),
        "zip64 end record is broken",
    ),
    "zip64 end record with another count": (
        with_zip64_end(zip_of(MODEL), count=1),
        "two end records differ",
    ),
    "tar, and a zip at its end": (
        tar_of(MODEL) + FAKE,
        "bytes follow the end of its tar, at 'assets/vocab.txt'",
    ),
    "zip, and a tar at its end": (
        zipped(OK) + member(b"x") + END,
        "the zip has no end records",
    ),
    "program before it": (
        b"MZ" + bytes(600) + zipped(OK),
        "not an archive: begins with 'MZ",
    ),
    "spanned": (b"PK\x07\x08" + zipped(OK), "not an archive: begins with 'PK"),
    "cut within the directory": (zipped(OK)[:-30], "the zip has no end records: cut short?"),
    "an end record alone, with entries": (
        zipped(claims=1),
        "the zip has 0 entries, and claims 1",
    ),
}
