from pathlib import Path

import pytest

from hubproxy.core.audit import AuditEvent
from hubproxy.store.auditback import backwards, tail

NUMBERS = list(range(30))


def an_event(number: int, kind: str = "answer", **fields: str) -> AuditEvent:
    return AuditEvent(id=str(number), time="2024", event=kind, **fields)  # type: ignore[arg-type]  # all are texts


def write(folder: Path, *segments: list[AuditEvent]) -> None:
    folder.mkdir()
    for number, events in enumerate(segments, start=1):
        lines = b"".join(event.encode() for event in events)
        (folder / f"{number:08d}.jsonl").write_bytes(lines)


def test_events_of_a_kind_are_found_from_the_end(tmp_path: Path) -> None:
    kinds = [an_event(number, "trust" if number % 10 == 4 else "answer") for number in NUMBERS]
    write(tmp_path / "audit", kinds[:7], kinds[7:25], [], kinds[25:])
    found = backwards(tmp_path / "audit", "trust")
    assert [event.id for event in found] == ["24", "14", "4"]


@pytest.mark.parametrize("wrote", [[], [[]]], ids=["no-segment", "an-empty-one"])
def test_in_an_empty_log_nothing_is_found(tmp_path: Path, wrote: list[list[AuditEvent]]) -> None:
    write(tmp_path / "audit", *wrote)
    for folder in (tmp_path / "audit", tmp_path / "nowhere"):
        assert list(backwards(folder, "trust")) == []
        assert list(tail(folder)) == []


def test_what_only_looks_like_an_event_of_the_kind_is_none(tmp_path: Path) -> None:
    forged = an_event(1, reason='"event":"trust"', caller='x","event":"trust","record":"')
    write(tmp_path / "audit", [an_event(0, "trust"), forged])
    place = tmp_path / "audit" / "00000001.jsonl"
    place.write_bytes(place.read_bytes() + b'{"id":"9","event":"trust","time":7}\n')
    assert [event.id for event in backwards(tmp_path / "audit", "trust")] == ["0"]


@pytest.mark.parametrize("lines", [0.5, 1, 1.5, 6.9, 7, 7.1, 29, 1000])
def test_the_tail_has_the_whole_lines_of_the_last_bytes(tmp_path: Path, lines: float) -> None:
    events = [an_event(number, caller="x" * (number < 10)) for number in NUMBERS]
    write(tmp_path / "audit", events[:23], events[23:])
    size = int(lines * len(events[-1].encode()))
    found = [int(event.id) for event in tail(tmp_path / "audit", size=size)]
    assert found == NUMBERS[30 - min(30, int(lines)) :]
