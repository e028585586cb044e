"""The files of the audit log, and what is cut off them after a crash."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hubproxy.core.audit import AuditEvent
from hubproxy.store.auditlog import AuditLog, read
from hubproxy.store.auditsegments import Segments

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


def line(name: object) -> bytes:
    return AuditEvent(id=str(name), time="2024-03-01T12:00:00.000Z", event="answer").encode()


async def recovered(folder: Path) -> list[AuditEvent]:
    """What a log holds after it was opened once more."""
    async with AuditLog(folder, ballast_bytes=0, now=lambda: NOON):
        pass
    return list(read(folder))


async def test_a_whole_log_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "00000001.jsonl").write_bytes(line(1) + line(2))
    assert [event.id for event in await recovered(tmp_path)] == ["1", "2"]
    assert (tmp_path / "00000001.jsonl").read_bytes() == line(1) + line(2)


@pytest.mark.parametrize("kept", range(1, len(line(3))))
async def test_a_torn_line_is_cut_and_said_so(tmp_path: Path, kept: int) -> None:
    (tmp_path / "00000001.jsonl").write_bytes(line(1) + line(2) + line(3)[:kept])
    one, two, said = await recovered(tmp_path)
    assert (one.id, two.id) == ("1", "2")
    assert (said.event, said.bytes) == ("recovered", kept)
    assert said.time == "2024-03-01T12:00:00.000Z"
    assert not list(tmp_path.glob("*.cut"))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(bytes(100), id="zeros"),
        pytest.param(b"\n", id="an empty line"),
        pytest.param(b'{"v":1}\n', id="JSON that is no event"),
        pytest.param(bytes(50) + b"\n" + line(9), id="zeros before a whole event"),
        pytest.param(line(9)[:20] + line(9), id="half an event before a whole one"),
        pytest.param(line(9).replace(b"answer", b"ans\xffer"), id="a flipped byte"),
        pytest.param(b"x" * 300_000 + b"\n", id="a line without end"),
    ],
)
async def test_the_log_is_cut_at_the_first_line_that_is_no_event(
    tmp_path: Path, damage: bytes
) -> None:
    (tmp_path / "00000001.jsonl").write_bytes(line(1) + damage)
    one, said = await recovered(tmp_path)
    assert one.id == "1"
    assert (said.event, said.bytes) == ("recovered", len(damage))


async def test_damage_with_lines_behind_it_is_kept_for_a_person(tmp_path: Path) -> None:
    damage = b"\xff\n" + line(2) + line(3)
    (tmp_path / "00000001.jsonl").write_bytes(line(1) + damage)
    await recovered(tmp_path)
    assert (tmp_path / "00000001.cut").read_bytes() == damage


async def test_a_log_that_is_all_torn_starts_again(tmp_path: Path) -> None:
    (tmp_path / "00000001.jsonl").write_bytes(line(1)[:10])
    (said,) = await recovered(tmp_path)
    assert (said.event, said.bytes) == ("recovered", 10)


async def test_only_the_last_segment_is_cut(tmp_path: Path) -> None:
    (tmp_path / "00000001.jsonl").write_bytes(line(1) + b"damaged\n")
    (tmp_path / "00000007.jsonl").write_bytes(line(2) + b"torn")
    found = await recovered(tmp_path)
    assert [event.event for event in found] == ["answer", "answer", "recovered"]
    assert (tmp_path / "00000001.jsonl").read_bytes() == line(1) + b"damaged\n"
    assert (tmp_path / "00000007.jsonl").read_bytes().startswith(line(2))


def test_what_is_owed_goes_before_the_next_event_until_it_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    segments = Segments(folder, segment_bytes=10, ballast_bytes=0)
    segments.open()
    segments.append(line(1))
    segments.owe(line("owed"))
    (folder / "00000002.jsonl").mkdir()  # the next segment cannot be begun
    for _ in range(2):
        with pytest.raises(IsADirectoryError):
            segments.append(line(2))
    (folder / "00000002.jsonl").rmdir()
    segments.append(line(3))
    segments.append(line(4))
    segments.close()
    assert [event.id for event in read(folder)] == ["1", "owed", "3", "4"]


def test_a_ballast_of_the_wrong_size_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / ".ballast").write_bytes(b"half")
    segments = Segments(tmp_path, segment_bytes=1000, ballast_bytes=5000)
    segments.open()
    segments.close()
    assert (tmp_path / ".ballast").stat().st_size == 5000


def test_a_ballast_that_cannot_be_made_keeps_nothing_from_working(tmp_path: Path) -> None:
    (tmp_path / ".ballast").mkdir()
    segments = Segments(tmp_path, segment_bytes=1000, ballast_bytes=5000)
    segments.open()
    segments.append(line(1))
    segments.close()
    assert [event.id for event in read(tmp_path)] == ["1"]
