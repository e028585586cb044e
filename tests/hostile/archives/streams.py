"""Compressed streams that are damaged, cut short, or go on; and what is no archive at all."""

import bz2
import gzip
import lzma
import zlib

from tests.archives import END, MODEL, folder, tar_of, tarball, zip_of
from tests.hostile.archives.rows import Table

PACKED = gzip.compress(tar_of(MODEL), mtime=0)
BZIPPED = bz2.compress(tar_of(MODEL))
XZIPPED = lzma.compress(tar_of(MODEL))
LARGE = gzip.compress(tar_of({"first": b"x", "large": bytes(range(256)) * 8000, "last": b"x"}))


def _unfinished(whole: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-15)
    return engine.compress(whole) + engine.flush(zlib.Z_SYNC_FLUSH)


STREAMS: Table = {
    "gzip: wrong CRC": (PACKED[:-8] + b"\0\1\2\3" + PACKED[-4:], "its gzip stream is damaged"),
    "gzip: wrong length": (PACKED[:-1] + b"\1", "its gzip stream is damaged"),
    "gzip: no trailer": (PACKED[:-8], "its gzip stream is cut short"),
    "gzip: half a trailer": (PACKED[:-3], "its gzip stream is cut short"),
    "gzip: half": (PACKED[: len(PACKED) // 2], "cut short"),
    "gzip: header alone": (PACKED[:10], "its gzip stream is cut short"),
    "gzip: second member": (PACKED + PACKED, "bytes follow the end of its gzip stream"),
    "gzip: empty member after it": (
        PACKED + gzip.compress(b""),
        "bytes follow the end of its gzip stream",
    ),
    "gzip: garbage after it": (PACKED + b"x", "bytes follow the end of its gzip stream"),
    "gzip: garbage after zeros": (
        PACKED + bytes(600_000) + b"x",
        "bytes follow the end of its gzip stream",
    ),
    "gzip: endless zeros": (PACKED + bytes(2 << 20), "more than 1048576 bytes pad the end of its"),
    "gzip: other method": (b"\x1f\x8b\x07" + PACKED[3:], "its gzip stream is damaged"),
    "gzip: of gzip": (gzip.compress(PACKED), "has a header with a wrong checksum"),
    "gzip: of zip": (gzip.compress(zip_of(MODEL) + bytes(512)), "wrong checksum"),
    "gzip: of nothing": (gzip.compress(b""), "cut short"),
    "gzip: of half a tar": (gzip.compress(tar_of(MODEL)[:2000]), "'saved_model.pb' is cut short"),
    "gzip: of a tar and more": (
        gzip.compress(tar_of(MODEL) + b"x"),
        "bytes follow the end of its tar",
    ),
    "bzip2: damaged": (BZIPPED[:40] + b"\0\0" + BZIPPED[42:], "its bzip2 stream is damaged"),
    "bzip2: cut": (BZIPPED[:-5], "its bzip2 stream is cut short"),
    "bzip2: second stream": (BZIPPED + BZIPPED, "bytes follow the end of its bzip2 stream"),
    "bzip2: name alone": (b"BZhello", "its bzip2 stream is damaged"),
    "xz: damaged": (XZIPPED[:40] + b"\0\0" + XZIPPED[42:], "its xz stream is damaged"),
    "xz: cut": (XZIPPED[:-5], "its xz stream is cut short"),
    "xz: second stream": (XZIPPED + XZIPPED, "bytes follow the end of its xz stream"),
    "xz: needs much memory": (
        lzma.compress(
            tar_of(MODEL), filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 400 << 20, "preset": 0}]
        ),
        "its xz stream is damaged (Memory usage limit exceeded)",
    ),
    "json": (b'{"error": 404}', "not an archive: begins with"),
    "control characters": (b"\x1b[2J\r\n" * 100, r"not an archive: begins with '\x1b[2J"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(600), "not an archive: begins with"),
    "a pickle": (b"\x80\x04\x95" + bytes(600), "not an archive: begins with"),
    "only zeros": (bytes(10240), "it has no files"),
    "only folders": (tarball(folder(b"./"), folder(b"a/")), "it has no files"),
    "almost a tar": (
        b"a" * 257 + b"ustar" + b"a" * 250 + END,
        "has a header with a wrong checksum",
    ),
    "gzip: reserved flag": (PACKED[:3] + b"\x20" + PACKED[4:], "its gzip stream has unknown flags"),
    "gzip: wrong checksum of its header": (
        PACKED[:3] + b"\2" + PACKED[4:10] + b"\0\0" + PACKED[10:],
        "its gzip stream is damaged",
    ),
    "gzip: endless name": (PACKED[:3] + b"\x08" + PACKED[4:10] + b"n" * 5000, "is cut short"),
    "gzip: block of no kind": (PACKED[:10] + b"\7" + PACKED[11:], "its gzip stream is damaged"),
    "gzip: distance before its beginning": (
        PACKED[:10] + b"\x03\x06\x00\x00" + bytes(8),
        "its gzip stream is damaged",
    ),
    "gzip: no last block": (
        PACKED[:10] + _unfinished(tar_of(MODEL)) + PACKED[-8:],
        "its gzip stream",
    ),
    "gzip: cut within a file": (LARGE[:4000], "its gzip stream is cut short, at 'large'"),
    "gzip: damaged within a file": (
        LARGE[:4000] + bytes(50) + LARGE[4050:],
        "its gzip stream is damaged",
    ),
    "gzip: an empty member before it": (
        gzip.compress(b"") + PACKED,
        "bytes follow the end of its gzip stream",
    ),
    "gzip: second member with another module": (
        PACKED + gzip.compress(tar_of({"saved_model.pb": b"evil"})),
        "bytes follow the end of its gzip stream, at 'assets/vocab.txt'",
    ),
    "gzip: a tar in two members": (
        gzip.compress(tar_of(MODEL)[:1024]) + gzip.compress(tar_of(MODEL)[1024:]),
        "bytes follow the end of its gzip stream, at 'saved_model.pb'",
    ),
    "xz: of a gzip": (lzma.compress(PACKED), "has a header with a wrong checksum"),
    "xz: padding of no multiple of 4, and a stream": (
        XZIPPED + b"\0" + XZIPPED,
        "bytes follow the end of its xz stream",
    ),
    "lzma alone": (lzma.compress(tar_of(MODEL), lzma.FORMAT_ALONE), "not an archive: begins with"),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(600), "not an archive: begins with"),
    "zlib": (zlib.compress(tar_of(MODEL)), "not an archive: begins with"),
    "rar": (b"Rar!\x1a\x07\x01\0" + bytes(600), "not an archive: begins with"),
    "cpio": (b"070701" + b"0" * 600, "not an archive: begins with"),
}
