from datetime import UTC, datetime, timedelta

import pytest

from hubproxy.core.audit import AuditEvent, timestamp
from hubproxy.core.floors import behind, floor_of, newest, went_back
from hubproxy.core.trust import Versions

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
OURS = "sha256:" + "ab" * 32
SEEN = Versions(root=3, timestamp=214, snapshot=99, targets=40)


def an_event(kind: str = "trust", at: str = "", **fields: str) -> AuditEvent:
    return AuditEvent(id="1", time=at or timestamp(NOON), event=kind, **fields)  # type: ignore[arg-type]  # all are texts


@pytest.mark.parametrize(
    ("event", "found"),
    [
        pytest.param(an_event(record=OURS, trust=SEEN.full), SEEN, id="a-list-in-force"),
        pytest.param(an_event(record="sha256:cd", trust=SEEN.full), None, id="another-list"),
        pytest.param(an_event("answer", record=OURS, trust=SEEN.full), None, id="an-answer"),
        pytest.param(an_event(record=OURS), None, id="nothing-was-ever-seen"),
        pytest.param(an_event(record=OURS, trust="root 1, time"), None, id="no-versions"),
    ],
)
def test_what_was_seen_of_a_list_stands_in_its_own_events(
    event: AuditEvent, found: Versions | None
) -> None:
    assert floor_of(event, OURS) == found


@pytest.mark.parametrize("number", [1, 10**18])
def test_what_versions_print_is_what_they_read(number: int) -> None:
    versions = Versions(number, number, number, number)
    assert Versions.parse(versions.full) == versions
    assert Versions.parse(str(versions)) == Versions(number, number)
    with pytest.raises(ValueError, match="not the versions"):
        Versions.parse("root 1")


@pytest.mark.parametrize(
    ("offered", "told"),
    [
        pytest.param(
            Versions(3, 210, 95, 40), "timestamp 210 offered, 214 already seen", id="timestamp"
        ),
        pytest.param(
            Versions(3, 215, 98, 40), "snapshot 98 offered, 99 already seen", id="snapshot"
        ),
        pytest.param(Versions(3, 215, 100, 39), "targets 39 offered, 40", id="targets"),
        pytest.param(Versions(2, 215, 100, 41), "root 2 offered, 3 already seen", id="root"),
    ],
)
def test_a_list_with_any_older_role_went_backwards(offered: Versions, told: str) -> None:
    verdict = went_back(offered, SEEN)
    assert verdict is not None
    assert (verdict.code, verdict.status) == ("HP-T08", 503)
    assert verdict.message.startswith(f"trust list went backwards: {told}")


@pytest.mark.parametrize("offered", [SEEN, Versions(4, 215, 100, 41)], ids=["same", "newer"])
def test_a_list_that_is_no_older_did_not(offered: Versions) -> None:
    assert went_back(offered, SEEN) is None


def test_new_online_keys_end_the_memory_of_what_the_old_ones_signed() -> None:
    offered = Versions(4, 1, 1, 41)
    assert went_back(offered, SEEN, online_since=4) is None
    assert went_back(offered, SEEN, online_since=3) is not None


@pytest.mark.parametrize("offered", [Versions(4, 1, 1, 39), Versions(2, 1, 1, 41)])
def test_what_officers_sign_never_goes_backwards(offered: Versions) -> None:
    assert went_back(offered, SEEN, online_since=4) is not None


def test_the_newest_event_is_not_always_the_last() -> None:
    times = ["2024-03-01T12:00:00.000Z", "2024-03-03T00:00:00.000Z", "2024-03-02T00:00:00.000Z"]
    assert newest(an_event(at=at) for at in times) == datetime(2024, 3, 3, tzinfo=UTC)
    assert newest([]) is None
    assert newest([an_event(at="yesterday"), an_event(at="2024-03-01T12:00:00")]) is None


def test_what_stands_before_the_acceptance_of_a_clock_does_not_count() -> None:
    events = [
        an_event(at="2031-01-01T00:00:00.000Z"),
        an_event("clock", at="2024-03-01T12:00:00.000Z"),
        an_event(at="2024-03-01T12:01:00.000Z"),
    ]
    assert newest(events) == datetime(2024, 3, 1, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("back", "told"),
    [
        pytest.param(timedelta(days=30), "30 days", id="row 23: a clock set back by a month"),
        pytest.param(timedelta(days=29, hours=23), "30 days", id="row 23: by nearly a month"),
        pytest.param(timedelta(days=1, hours=5), "1 day", id="row 23: by a day"),
        pytest.param(timedelta(hours=2, minutes=59), "3 hours", id="row 23: by hours"),
        pytest.param(timedelta(minutes=5, milliseconds=1), "5 minutes", id="row 23: by minutes"),
    ],
)
def test_a_clock_behind_the_log_is_told_by_how_much(back: timedelta, told: str) -> None:
    verdict = behind(NOON - back, NOON)
    assert verdict is not None
    assert (verdict.code, verdict.status) == ("HP-T14", 503)
    assert verdict.message == f"clock is behind the last audited event by {told}"
    assert "hubproxy audit accept-clock" in verdict.remedy


def test_a_clock_that_agrees_with_the_log_is_good() -> None:
    assert behind(NOON, None) is None
    assert behind(NOON - timedelta(minutes=5), NOON) is None
    assert behind(NOON + timedelta(days=300), NOON) is None
