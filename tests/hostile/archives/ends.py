"""Tars that end too early, too late, or twice."""

from tests.archives import (
    END,
    MODEL,
    block,
    long_name,
    member,
    pax,
    record,
    tar_of,
    tarball,
    zip_of,
)
from tests.hostile.archives.rows import Table

ENDS: Table = {
    "no end": (member(b"a"), "'a' is the last before the archive is cut short"),
    "one block of zeros": (member(b"a") + bytes(512), "'a' is not followed by two blocks of zeros"),
    "half a header": (
        member(b"a") + block(b"b")[:300],
        "'a' is the last before the archive is cut",
    ),
    "within a file": (block(b"a", 2000) + bytes(700), "'a' is cut short"),
    "within the padding": (block(b"a", 10) + bytes(300), "'a' is cut short"),
    "bytes after the end": (tarball(member(b"a")) + b"x", "bytes follow the end of its tar"),
    "another tar after it": (tarball(member(b"a")) * 2, "bytes follow the end of its tar"),
    "a member between": (
        member(b"a") + bytes(512) + member(b"b") + END,
        "'a' is not followed by two blocks of zeros",
    ),
    "endless zeros": (
        tarball(member(b"a")) + bytes(1 << 21),
        "more than 1048576 bytes pad the end",
    ),
    "before the padding": (block(b"a", 10) + b"x" * 10, "'a' is cut short"),
    "within a long name": (member(b"a") + long_name(b"n" * 200)[:600], "'././@LongLink' is cut"),
    "within pax": (
        member(b"a") + pax(record(b"path", b"n" * 200))[:600],
        "'PaxHeaders/x' is cut short",
    ),
    "after a long name": (
        member(b"a") + long_name(b"n" * 200),
        "'a' is the last before the archive is cut short",
    ),
    "within the second block of zeros": (
        member(b"a") + bytes(1000),
        "'a' is not followed by two blocks of zeros",
    ),
    "another tar after padding": (
        tarball(member(b"a")) + bytes(9216) + tarball(member(b"b")),
        "bytes follow the end of its tar, at 'a'",
    ),
    "a zip after it": (tarball(member(b"a")) + zip_of(MODEL), "bytes follow the end of its tar"),
    "a model cut short": (
        tar_of(MODEL)[:4000],
        "'variables/variables.data-00000-of-00001' is cut short",
    ),
}
