import bz2
import gzip
import io
import lzma
from collections.abc import Callable

import pytest

from tests.archives import MODEL, refusal_of, tar_of, unpack
from tests.hostile.archives.rows import Table
from tests.hostile.archives.streams import BZIPPED, PACKED, STREAMS, XZIPPED


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


NONE: Table = {
    "empty": (b"", "not an archive: it is empty"),
    "a web page": (
        b"<!DOCTYPE html><html>" + b" " * 600,
        "not an archive: begins with '<!DOCTYPE html><html>",
    ),
    "a short page": (b"<html>", "not an archive: begins with"),
}


@pytest.mark.parametrize(("archive", "why"), (STREAMS | NONE).values(), ids=STREAMS | NONE)
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
