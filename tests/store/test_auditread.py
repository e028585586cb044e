"""Reading the audit log beside its writer."""

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hubproxy.core.audit import AuditEvent
from hubproxy.store.auditread import read
from hubproxy.store.auditsegments import Segments


def line(name: object) -> bytes:
    return AuditEvent(id=str(name), time="2024-03-01T12:00:00.000Z", event="answer").encode()


def write(folder: Path, *segments: bytes) -> None:
    for number, content in enumerate(segments, start=1):
        (folder / f"{number:08d}.jsonl").write_bytes(content)


def ids(folder: Path, *, last: int | None = None) -> list[str]:
    return [event.id for event in read(folder, last=last)]


class StopFollowingError(Exception):
    pass


def follow(folder: Path, steps: list[Callable[[], object]]) -> list[str]:
    """The events seen while `steps` happen, one whenever the reader is at the end."""
    todo = iter(steps)

    def pause() -> None:
        step = next(todo, None)
        if step is None:
            raise StopFollowingError
        step()

    found: list[str] = []
    with pytest.raises(StopFollowingError):
        collect(read(folder, follow=True, pause=pause, last=1), found)
    return found


def collect(events: Iterator[AuditEvent], found: list[str]) -> None:
    for event in events:
        found += [event.id]


def test_a_folder_that_is_not_there_has_no_events(tmp_path: Path) -> None:
    assert ids(tmp_path / "missing") == []


def test_other_files_are_not_segments(tmp_path: Path) -> None:
    write(tmp_path, line(1))
    for name in (".ballast", "00000001.cut", "notes.jsonl", "000000001.jsonl"):
        (tmp_path / name).write_bytes(line("other"))
    assert ids(tmp_path) == ["1"]


def test_segments_are_read_in_order(tmp_path: Path) -> None:
    write(tmp_path, line(1) + line(2), b"", line(3))
    assert ids(tmp_path) == ["1", "2", "3"]


def test_a_torn_last_line_is_not_yet_an_event(tmp_path: Path) -> None:
    write(tmp_path, line(1) + line(2)[:-1])
    assert ids(tmp_path) == ["1"]


def test_a_damaged_line_is_passed_over_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, line(1) + b"damaged\n" + line(2) + b"torn", line(3))
    assert ids(tmp_path) == ["1", "2", "3"]
    assert [record.getMessage() for record in caplog.records] == [
        f"audit.unreadable segment=00000001.jsonl offset={len(line(1))}"
    ]


@pytest.mark.parametrize(
    ("last", "found"),
    [(0, ""), (1, "5"), (2, "45"), (3, "345"), (4, "2345"), (5, "12345"), (99, "12345")],
)
def test_the_last_events_can_be_over_several_segments(
    tmp_path: Path, last: int, found: str
) -> None:
    write(tmp_path, line(1) + line(2), line(3), line(4) + line(5) + b"torn")
    assert "".join(ids(tmp_path, last=last)) == found


def test_a_follower_sees_events_when_they_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "00000001.jsonl"
    write(tmp_path, line("old") + line("last"))

    def add(content: bytes) -> Callable[[], object]:
        def step() -> None:
            with path.open("ab") as file:
                file.write(content)

        return step

    found = follow(tmp_path, [add(line(1)[:9]), add(line(1)[9:] + line(2)), add(b"")])
    assert found == ["last", "1", "2"]


def test_a_follower_goes_on_into_new_segments(tmp_path: Path) -> None:
    segments = Segments(tmp_path, segment_bytes=10, ballast_bytes=0)
    segments.open()

    def add(*names: int) -> Callable[[], object]:
        def step() -> None:
            for name in names:
                segments.append(line(name))

        return step

    assert follow(tmp_path, [add(1), add(2, 3, 4), add(5)]) == ["1", "2", "3", "4", "5"]
    segments.close()


def test_a_follower_waits_for_a_log_that_is_not_there_yet(tmp_path: Path) -> None:
    folder = tmp_path / "audit"

    def begin() -> None:
        folder.mkdir()
        write(folder, line(1))

    assert follow(folder, [lambda: None, begin]) == ["1"]


def test_a_follower_survives_that_a_failed_write_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "00000001.jsonl"
    write(tmp_path, line(1) + line("cut"))

    def cut() -> None:
        path.write_bytes(line(1))

    def go_on() -> None:
        path.write_bytes(line(1) + line(2))

    assert follow(tmp_path, [cut, go_on]) == ["cut", "2"]


def test_reading_needs_little_memory(tmp_path: Path) -> None:
    write(tmp_path, line(1) * 50_000, b"x" * 8_000_000 + b"\n" + line(2), b"y" * 8_000_000)
    tracemalloc.start()
    try:
        assert sum(1 for _ in read(tmp_path, last=10**9)) == 50_001
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


def test_only_lines_that_have_a_text_are_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, line("ada") + b"damaged\n" + line("bo"), line("ada again"))
    found = [event.id for event in read(tmp_path, having=["ada", "nobody"])]
    assert found == ["ada", "ada again"]
    assert caplog.records == []
    assert [event.id for event in read(tmp_path, having=["ada"], last=2)] == ["ada again"]
