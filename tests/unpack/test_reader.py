"""Archives read in a child: what it refuses, what can end it, and that nobody waits for it."""

import io
import os
import threading
import time
from collections.abc import Callable

import pytest

from hubproxy.core.limits import ArchiveLimits
from hubproxy.errors import StorageFullError, UnsafeArchiveError
from hubproxy.unpack import reader
from hubproxy.unpack.ingest import repack
from hubproxy.unpack.reader import unpack
from hubproxy.unpack.request import Bounds
from tests.archives import MODEL, Kept, tar_of, zip_of
from tests.children import children
from tests.site import tar_gz

LIMITS = ArchiveLimits()
ARCHIVES = {"tar": tar_of(MODEL), "tar.gz": tar_gz(MODEL), "zip": zip_of(MODEL)}
BROKEN = tar_gz({"../evil": b"x"})


@pytest.mark.parametrize("archive", [pytest.param(one, id=name) for name, one in ARCHIVES.items()])
def test_a_child_gives_what_the_reader_gives(archive: bytes) -> None:
    here, there = Kept(), Kept()
    expected = repack(io.BytesIO(archive), here, limits=LIMITS)
    assert unpack(io.BytesIO(archive), there, limits=LIMITS) == expected
    assert there.whole == here.whole


def test_what_the_reader_refuses_is_refused_in_its_words() -> None:
    with pytest.raises(UnsafeArchiveError, match=r"'\.\./evil' has a '\.\.' segment"):
        unpack(io.BytesIO(BROKEN), Kept(), limits=LIMITS)


def programs(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let another program stand where the reader does."""
    monkeypatch.setattr(reader, "_COMMAND", ("python3", "-c", f"import os, sys\n{code}"))


@pytest.mark.parametrize(
    ("code", "why"),
    [
        pytest.param("os.abort()", "was ended by SIGABRT", id="dies"),
        pytest.param("os.kill(os.getpid(), 31)", "trying what no reader has a need", id="barred"),
        pytest.param("os.kill(os.getpid(), 24)", "more than 60 seconds of work", id="slow"),
        pytest.param("sys.exit(1)", "bytes of memory are too few", id="fails"),
        pytest.param("pass", "gave no answer", id="says nothing"),
        pytest.param("os.write(int(sys.argv[2]), b'{}')", "unsafe archive", id="says no why"),
        pytest.param(
            "os.write(int(sys.argv[2]), b'\\xff' * 10)", "gave no answer", id="says rubbish"
        ),
        pytest.param(
            'os.write(int(sys.argv[2]), b\'{"unpacked": {"media_type": "x", "files": [], "top": "",'
            ' "size": 7, "changes": []}}\')',
            "contradicts itself",
            id="lies of its size",
        ),
        pytest.param(
            'os.write(1, bytes(9)); os.write(int(sys.argv[2]), b\'{"unpacked": {"media_type": '
            '"x", "files": [{"path": "a", "offset": 0, "size": 99, "sha256": ""}], "top": "",'
            ' "size": 9, "changes": []}}\')',
            "contradicts itself",
            id="lies of a file",
        ),
        pytest.param(
            "import time\nos.write(1, bytes(10**6))\ntime.sleep(60)",
            "beyond 4096 bytes",
            id="writes too much, and stays",
        ),
    ],
)
def test_a_child_is_believed_nothing(monkeypatch: pytest.MonkeyPatch, code: str, why: str) -> None:
    programs(monkeypatch, code)
    before, begun = children(), time.monotonic()
    with pytest.raises(UnsafeArchiveError, match=why):
        unpack(io.BytesIO(tar_of(MODEL)), Kept(), limits=LIMITS, expected_size=4096)
    assert time.monotonic() - begun < 30
    assert children() == before


def test_row_15_a_reader_has_its_bounds_of_memory() -> None:
    with pytest.raises(UnsafeArchiveError, match="bytes of memory"):
        unpack(io.BytesIO(tar_gz(MODEL)), Kept(), limits=LIMITS, bounds=Bounds(memory=2**20))


class Stalling:
    """Gives an archive's beginning, then nothing until it is ended."""

    def __init__(self, first: bytes) -> None:
        self._first = first
        self.ended = threading.Event()

    def read(self, _: int, /) -> bytes:
        first, self._first = self._first, b""
        if first:
            return first
        self.ended.wait(30)
        raise ConnectionAbortedError("the transfer was given up")


class Waiting(Kept):
    """Tells when it has been given some bytes."""

    def __init__(self, enough: int, then: Callable[[], object]) -> None:
        super().__init__()
        self._enough, self._then = enough, then

    def write(self, piece: bytes, /) -> None:
        super().write(piece)
        if len(self.whole) >= self._enough:
            self._then()


def test_what_was_unpacked_is_given_on_while_upstream_stalls() -> None:
    archive = tar_of({"a": bytes(300_000), "b": b"b"})
    source = Stalling(archive[:250_000])
    with pytest.raises(ConnectionAbortedError):
        unpack(source, Waiting(200_000, source.ended.set), limits=LIMITS)


def test_an_error_of_who_takes_the_bytes_ends_the_child_at_once() -> None:
    def full() -> None:
        raise StorageFullError("full")

    source = Stalling(tar_of({"a": bytes(300_000)})[:250_000])
    before = children()
    with pytest.raises(StorageFullError):
        unpack(source, Waiting(1, full), limits=LIMITS)
    source.ended.set()
    assert children() == before


def test_no_descriptor_is_left_open() -> None:
    unpack(io.BytesIO(tar_gz(MODEL)), Kept(), limits=LIMITS)
    before = len(os.listdir("/proc/self/fd"))
    for archive in (*ARCHIVES.values(), BROKEN):
        try:
            unpack(io.BytesIO(archive), Kept(), limits=LIMITS)
        except UnsafeArchiveError:
            assert archive == BROKEN
    assert len(os.listdir("/proc/self/fd")) == before
