"""The borders of chunks: what reaches the part file, and when."""

import hashlib
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from hubproxy.core.record import CHUNK_SIZE
from hubproxy.errors import MismatchError, StorageFullError
from hubproxy.store.folder import Part
from hubproxy.store.sinks import CheckedSink, RecordingSink
from tests.made import describe

WHOLE = Random(1).randbytes(2 * CHUNK_SIZE + 12345)
SIZES = [0, 1, 2, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 2 * CHUNK_SIZE, len(WHOLE)]


@pytest.fixture
def part(tmp_path: Path) -> Iterator[Part]:
    part = Part.create(tmp_path)
    yield part
    part.drop()


def content(part: Part) -> bytes:
    return part.path.read_bytes()


def cut(whole: bytes, size: int) -> list[bytes]:
    return [whole[at : at + size] for at in range(0, len(whole), size)]


def feed(sink: CheckedSink, pieces: list[bytes]) -> None:
    for piece in pieces:
        sink.write(piece)
    sink.close()


class Reader:
    """Follows a growing file as a client does: never beyond what is said to be verified."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self.seen = b""
        self.told: list[int] = []

    def __call__(self, verified: int) -> None:
        self.told.append(verified)
        self.seen += os.pread(self._part.descriptor, verified - len(self.seen), len(self.seen))


@pytest.mark.parametrize(
    "size",
    [65_535, 1 << 20, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 2 * CHUNK_SIZE, len(WHOLE)],
)
def test_pieces_of_any_size_make_the_same_file(part: Part, size: int) -> None:
    reader = Reader(part)
    sink = CheckedSink(describe(WHOLE), part, have=0, verified=reader)
    for piece in cut(WHOLE, size):
        sink.write(piece)
    sink.close()
    assert content(part) == reader.seen == WHOLE
    assert reader.told == [CHUNK_SIZE, 2 * CHUNK_SIZE, len(WHOLE)]


def test_pieces_of_random_sizes_with_empty_ones_make_the_same_file(part: Part) -> None:
    random = Random(2)
    sink = CheckedSink(describe(WHOLE), part, have=0, verified=lambda _: None)
    at = 0
    while at < len(WHOLE):
        size = random.choice([0, 1, 511, 65_536, 3_000_000])
        sink.write(WHOLE[at : at + size])
        at += size
    sink.close()
    assert content(part) == WHOLE


@pytest.mark.parametrize("size", [1, CHUNK_SIZE, 2 * CHUNK_SIZE, CHUNK_SIZE + 1])
def test_the_last_chunk_may_have_any_size(part: Part, size: int) -> None:
    told: list[int] = []
    sink = CheckedSink(describe(WHOLE[:size]), part, have=0, verified=told.append)
    sink.write(WHOLE[:size])
    sink.close()
    assert content(part) == WHOLE[:size]
    assert told == [*range(CHUNK_SIZE, size, CHUNK_SIZE), size]


@pytest.mark.parametrize("wrong", [0, CHUNK_SIZE, 2 * CHUNK_SIZE, len(WHOLE) - 1])
def test_a_wrong_chunk_is_never_said_to_be_readable(part: Part, wrong: int) -> None:
    reader = Reader(part)
    bad = bytearray(WHOLE)
    bad[wrong] ^= 1
    sink = CheckedSink(describe(WHOLE), part, have=0, verified=reader)
    with pytest.raises(MismatchError, match=f"chunk {wrong // CHUNK_SIZE + 1} of 3"):
        feed(sink, cut(bytes(bad), 1 << 20))
    border = wrong // CHUNK_SIZE * CHUNK_SIZE
    assert reader.seen == WHOLE[:border]


@pytest.mark.parametrize("size", [0, 1, CHUNK_SIZE, CHUNK_SIZE + 1, len(WHOLE) - 1])
def test_an_archive_that_ends_early_is_refused(part: Part, size: int) -> None:
    reader = Reader(part)
    sink = CheckedSink(describe(WHOLE), part, have=0, verified=reader)
    sink.write(WHOLE[:size])
    with pytest.raises(MismatchError):
        sink.close()
    assert reader.seen == WHOLE[: size // CHUNK_SIZE * CHUNK_SIZE]


@pytest.mark.parametrize("size", [CHUNK_SIZE, 2 * CHUNK_SIZE, len(WHOLE)])
def test_an_archive_that_goes_on_is_refused(part: Part, size: int) -> None:
    reader = Reader(part)
    sink = CheckedSink(describe(WHOLE[:size]), part, have=0, verified=reader)
    with pytest.raises(MismatchError, match="sends more than"):
        feed(sink, [WHOLE[:size] + b"x"])
    assert reader.seen == WHOLE[: size // CHUNK_SIZE * CHUNK_SIZE]
    assert len(content(part)) <= size


@pytest.mark.parametrize("have", [0, 1, 2])
def test_a_restart_rewrites_nothing_that_may_be_read_already(part: Part, have: int) -> None:
    old = WHOLE[: have * CHUNK_SIZE]
    part.write_at(0, [bytes(len(old))])  # to tell whether it is written again
    told: list[int] = []
    sink = CheckedSink(describe(WHOLE), part, have=len(old), verified=told.append)
    for piece in cut(WHOLE, 1 << 20):
        sink.write(piece)
    sink.close()
    assert content(part) == bytes(len(old)) + WHOLE[len(old) :]
    assert told == [CHUNK_SIZE, 2 * CHUNK_SIZE, len(WHOLE)][have:]


def test_a_restart_checks_again_what_it_does_not_rewrite(part: Part) -> None:
    part.write_at(0, [WHOLE[:CHUNK_SIZE]])
    sink = CheckedSink(describe(WHOLE), part, have=CHUNK_SIZE, verified=lambda _: None)
    with pytest.raises(MismatchError, match="chunk 1 of 3"):
        sink.write(bytes(CHUNK_SIZE))


@pytest.mark.parametrize("size", SIZES)
def test_what_is_recorded_describes_the_file(part: Part, size: int) -> None:
    whole = WHOLE[:size]
    sink = RecordingSink(part, room=lambda _: None)
    for piece in cut(whole, 700_001):
        sink.write(piece)
    sink.close()
    assert content(part) == whole
    assert sink.archive.digest == f"sha256:{hashlib.sha256(whole).hexdigest()}"
    assert (sink.archive.size, sink.archive.crc32) == (size, zlib.crc32(whole))
    assert sink.chunks == describe(whole).chunks


def test_room_is_asked_for_before_each_write(part: Part) -> None:
    asked: list[int] = []

    def room(size: int) -> None:
        asked.append(size)
        if size > CHUNK_SIZE:
            raise StorageFullError("full")

    sink = RecordingSink(part, room=room)
    with pytest.raises(StorageFullError):
        sink.write(WHOLE)
    assert asked == [CHUNK_SIZE, 2 * CHUNK_SIZE]
    assert content(part) == WHOLE[:CHUNK_SIZE]
