"""A tar framed as gzip, without deflating it."""

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.core.gzipframe import BLOCK, framed_size, pieces

AROUND_BLOCKS = [BLOCK * n + near for n in (1, 2, 3) for near in (-1, 0, 1)]


def tar_of(size: int) -> bytes:
    return bytes(index * 7 % 251 for index in range(size))


def joined(tar: bytes, start: int, end: int) -> bytes:
    return b"".join(
        piece if isinstance(piece, bytes) else tar[piece[0] : piece[0] + piece[1]]
        for piece in pieces(len(tar), zlib.crc32(tar), start, end)
    )


@pytest.mark.parametrize("size", [1, 2, 511, 512, 10_240, *AROUND_BLOCKS])
def test_gunzip_gives_the_tar_back(size: int) -> None:
    tar = tar_of(size)
    framed = joined(tar, 0, framed_size(size))
    assert len(framed) == framed_size(size)
    assert gzip.decompress(framed) == tar


@pytest.mark.parametrize("size", range(1, 24))
def test_every_range_of_a_small_one_is_that_of_the_whole(size: int) -> None:
    tar = tar_of(size)
    whole = joined(tar, 0, framed_size(size))
    assert gzip.decompress(whole) == tar
    for start in range(len(whole) + 1):
        for end in range(start, len(whole) + 1):
            assert joined(tar, start, end) == whole[start:end]


@given(st.sampled_from(AROUND_BLOCKS), st.data())
def test_any_range_over_block_borders_is_that_of_the_whole(size: int, data: st.DataObject) -> None:
    tar = tar_of(size)
    whole = joined(tar, 0, framed_size(size))
    near = [BLOCK, BLOCK + 5, 10, 15, len(whole) - 8, 2 * BLOCK + 20]
    borders = st.sampled_from(near).flatmap(lambda at: st.integers(at - 20, at + 20))
    cuts = st.one_of(borders, st.integers(0, len(whole)))
    start, end = sorted(min(max(data.draw(cuts), 0), len(whole)) for _ in range(2))
    assert joined(tar, start, end) == whole[start:end]


def test_a_range_far_inside_is_found_at_once() -> None:
    size = 2**50  # walking its blocks would take an hour
    middle = framed_size(size) // 2
    assert (
        sum(len(p) if isinstance(p, bytes) else p[1] for p in pieces(size, 1, middle, middle + 100))
        == 100
    )
    last = list(pieces(size, 0x01020304, framed_size(size) - 8, framed_size(size)))
    assert last == [b"\x04\x03\x02\x01" + b"\0\0\0\0"]


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda: framed_size(0), id="nothing to frame"),
        pytest.param(lambda: framed_size(-1), id="a negative size"),
        pytest.param(lambda: pieces(0, 0, 0, 0), id="pieces of nothing"),
        pytest.param(lambda: pieces(5, 0, -1, 3), id="before the start"),
        pytest.param(lambda: pieces(5, 0, 3, 2), id="backwards"),
        pytest.param(lambda: pieces(5, 0, 0, framed_size(5) + 1), id="behind the end"),
    ],
)
def test_what_is_not_within_the_member_is_an_error(ask: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"cannot frame|are not within"):
        ask()
