import bz2
import gzip
import io
import lzma
from collections.abc import Callable

import pytest

from tests.archives import END, MODEL, folder, refusal_of, tar_of, tarball, unpack, zip_of

PACKED = gzip.compress(tar_of(MODEL), mtime=0)
BZIPPED = bz2.compress(tar_of(MODEL))
XZIPPED = lzma.compress(tar_of(MODEL))


@pytest.mark.parametrize(
    ("pack", "media_type"),
    [
        (lambda tar: tar, "application/x-tar"),
        (gzip.compress, "application/gzip"),
        (bz2.compress, "application/x-bzip2"),
        (lzma.compress, "application/x-xz"),
    ],
    ids=["tar", "gzip", "bzip2", "xz"],
)
@pytest.mark.parametrize("most", [5, 4096, 1 << 20])
def test_every_packing_gives_the_same_archive(
    pack: Callable[[bytes], bytes], media_type: str, most: int
) -> None:
    files = {**MODEL, "large": bytes(range(256)) * 5000}
    packed = pack(tar_of(files))
    plain, said = unpack(packed, most=most)
    assert (plain, said.files) == (unpack(tar_of(files))[0], unpack(tar_of(files))[1].files)
    assert said.media_type == media_type
    assert unpack(packed + bytes(4096))[0] == plain


def _gzip_with_header(whole: bytes) -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile("n" * 200, "wb", fileobj=out) as file:
        file.write(whole)
    packed = out.getvalue()
    extra = b"\x2c\x01" + b"e" * 300
    return (
        packed[:3]
        + bytes([packed[3] | 4 | 16])
        + packed[4:10]
        + extra
        + packed[10:211]
        + (b"a comment\0" + packed[211:])
    )


@pytest.mark.parametrize("most", [1, 3, 100, 1 << 20])
def test_a_gzip_header_may_come_in_any_pieces(most: int) -> None:
    packed = _gzip_with_header(tar_of(MODEL))
    assert gzip.decompress(packed) == tar_of(MODEL)
    assert unpack(packed, most=most)[0] == unpack(tar_of(MODEL))[0]


STREAMS = {
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
    "empty": (b"", "not an archive: it is empty"),
    "a web page": (
        b"<!DOCTYPE html><html>" + b" " * 600,
        "not an archive: begins with '<!DOCTYPE html><html>",
    ),
    "a short page": (b"<html>", "not an archive: begins with"),
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
}


@pytest.mark.parametrize(("archive", "why"), STREAMS.values(), ids=STREAMS)
def test_a_damaged_stream_or_no_archive_is_refused(archive: bytes, why: str) -> None:
    assert why in refusal_of(archive)


@pytest.mark.parametrize("packed", [PACKED, BZIPPED, XZIPPED], ids=["gzip", "bzip2", "xz"])
def test_a_stream_cut_anywhere_is_refused(packed: bytes) -> None:
    for length in range(len(packed)):
        refusal_of(packed[:length])


def test_a_bomb_is_refused_unless_a_record_knows_its_size() -> None:
    bomb = gzip.compress(tar_of({"zeros": bytes(40 << 20)}))
    assert "more than 200 times its size" in refusal_of(bomb)
    plain, said = unpack(bomb, expected_size=50 << 20)
    assert len(plain) == said.size
    assert unpack(gzip.compress(tar_of({"zeros": bytes(15 << 20)})))[1].files[0].size == 15 << 20


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress])
def test_other_bombs_are_refused_too(pack: Callable[[bytes], bytes]) -> None:
    assert "times its size" in refusal_of(pack(tar_of({"zeros": bytes(40 << 20)})))


def test_a_bomb_of_padding_is_refused() -> None:
    bomb = gzip.compress(tar_of(MODEL) + bytes(10 << 20))
    assert "bytes pad the end of its tar" in refusal_of(bomb)
