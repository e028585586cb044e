"""Archives that are small, and ask for a lot: bytes, members, names, memory or work."""

import bz2
import gzip
import lzma
import os
import struct
import zlib

from tests.archives import block, folder, long_name, member, pax, record, tar_of, tarball, zip_of
from tests.hostile.archives.rows import Rows
from tests.zips import entry, zipped

ROWS = Rows()
MIB = 1 << 20
OK = member(b"ok")
TIMES = "it unpacks to more than 200 times its size, at"


@ROWS.row(f"{TIMES} 'zeros'")
def gzip_bomb() -> bytes:
    return gzip.compress(tar_of({"first": b"x", "zeros": bytes(100 * MIB)}))


@ROWS.row(f"{TIMES} 'zeros'")
def bzip2_bomb() -> bytes:
    return bz2.compress(tar_of({"first": b"x", "zeros": bytes(60 * MIB)}))


@ROWS.row(f"{TIMES} 'zeros'")
def xz_bomb() -> bytes:
    return lzma.compress(tar_of({"first": b"x", "zeros": bytes(60 * MIB)}))


@ROWS.row(TIMES)
def gzip_bomb_of_many_files() -> bytes:
    return gzip.compress(tar_of({str(number): bytes(17_000) for number in range(10_000)}))


@ROWS.row("more than 1048576 bytes pad the end of its tar, at 'ok'")
def gzip_bomb_after_the_end() -> bytes:
    return gzip.compress(tarball(OK) + bytes(100 * MIB))


@ROWS.row("more than 1048576 bytes pad the end of its gzip stream, at 'ok'")
def endless_padding_of_a_gzip() -> bytes:
    return gzip.compress(tarball(OK)) + bytes(5 * MIB)


@ROWS.row("'zeros' takes it to more than 200 times its size")
def zip_bomb() -> bytes:
    return zip_of({"first": b"x", "zeros": bytes(100 * MIB)})


@ROWS.row("'1' overlaps another entry")
def zip_bomb_of_one_kernel() -> bytes:
    packed = _squeezed(21 * MIB)
    kernel = entry(b"0", bytes(21 * MIB), method=8, packed=packed)
    others = (
        entry(b"%d" % number, bytes(21 * MIB), method=8, packed=b"", offset=0)
        for number in range(1, 30)
    )
    return zipped(kernel, *others)


@ROWS.row("'small' has another size than its header says")
def zip_bomb_that_claims_little() -> bytes:
    packed = _squeezed(100 * MIB)
    return zipped(entry(b"ok"), entry(b"small", b"x" * 9, method=8, packed=packed))


@ROWS.row("'1' takes the zip beyond 68719476736 bytes")
def zip_of_128_gib() -> bytes:
    wide = struct.pack("<2HQ", 1, 8, 64 << 30)
    return zipped(
        *(
            entry(b"%d" % number, method=8, size=0xFFFFFFFF, extra=wide, local_extra=wide)
            for number in range(2)
        )
    )


@ROWS.row("'9' takes the archive beyond 68719476736 bytes")
def tar_of_64_gib() -> bytes:
    return tarball(OK, block(b"9", b"\x80" + (64 << 30).to_bytes(11, "big")))


@ROWS.row("'f19999' is one too many: the limit is 20000")
def many_files() -> bytes:
    return _gzip(OK, *(member(b"f%d" % number, b"") for number in range(21_000)))


@ROWS.row("is one too many: the limit is 20000")
def many_folders() -> bytes:
    return _gzip(OK, *(folder(b"d%d/" % number) for number in range(21_000)))


@ROWS.row("is one too many: the limit is 20000")
def many_folders_that_nobody_named() -> bytes:
    below = b"/d" * 28 + b"/f"
    return _gzip(OK, *(member(b"%d%s" % (number, below), b"") for number in range(1000)))


@ROWS.row("it has 20001 entries; 20000 are allowed")
def many_entries() -> bytes:
    return zip_of({str(number): b"" for number in range(20_001)}, 0)


@ROWS.row("takes the names beyond 4194304 bytes")
def long_names() -> bytes:
    parts = (b"/".join([b"%05d" % number + "é".encode() * 120] * 4) for number in range(5000))
    return _gzip(OK, *(long_name(name) + member(b"x", b"") for name in parts))


@ROWS.row("takes the names beyond 4194304 bytes")
def long_names_of_folders_that_nobody_named() -> bytes:
    deep = b"/".join([b"n" * 31] * 31)
    return _gzip(
        OK, *(long_name(b"%05d/%s" % (number, deep)) + member(b"x", b"") for number in range(600))
    )


@ROWS.row("'PaxHeaders/x' is an extended header of 10485778 bytes")
def pax_of_10_mib() -> bytes:
    return tarball(OK, pax(record(b"comment", b"c" * 10 * MIB)))


@ROWS.row("'PaxHeaders/x' is an extended header of 10485778 bytes")
def pax_of_10_mib_for_all() -> bytes:
    return tarball(OK, pax(record(b"comment", b"c" * 10 * MIB), kind=b"g"))


@ROWS.row("'././@LongLink' is an extended header of 10485761 bytes")
def long_name_of_10_mib() -> bytes:
    return tarball(OK, long_name(b"n" * 10 * MIB), member(b"n"))


@ROWS.row("'PaxHeaders/x' has a pax header of more than 128 records")
def pax_of_many_records_before_every_file() -> bytes:
    records = b"".join(record(b"k%d" % number, b"") for number in range(5000))
    return _gzip(OK, *(pax(records) + member(b"f%d" % number) for number in range(500)))


@ROWS.row("'PaxHeaders/x' is one too many: 64 global headers are allowed")
def headers_for_all_without_end() -> bytes:
    return _gzip(OK, pax(record(b"comment", b"y" * 60_000), kind=b"g") * 300)


@ROWS.row("its xz stream is damaged (Memory usage limit exceeded)")
def xz_that_needs_192_mib() -> bytes:
    whole = tar_of({"noise": os.urandom(900_000), "zeros": bytes(150 * MIB)})
    spread = {"id": lzma.FILTER_LZMA2, "dict_size": 192 * MIB, "preset": 0}
    return lzma.compress(whole, filters=[spread])


@ROWS.row("the zip's directory has")
def zip_with_a_directory_of_17_mib() -> bytes:
    extra = struct.pack("<2H", 0xCAFE, 1990) + bytes(1990)
    return zipped(*(entry(b"%d" % number, b"", extra=extra) for number in range(9000)))


def _gzip(*members: bytes) -> bytes:
    return gzip.compress(tarball(*members), 6, mtime=0)


def _squeezed(zeros: int) -> bytes:
    engine = zlib.compressobj(9, wbits=-15)
    return engine.compress(bytes(zeros)) + engine.flush()
