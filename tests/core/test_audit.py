"""The audit event: one line of JSON, whatever strangers put into it."""

import json
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.core.audit import (
    LONGEST_FIELD,
    LONGEST_LINE,
    AuditEvent,
    Outcome,
    Selection,
    timestamp,
)
from hubproxy.core.handle import Handle

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
TEXT_FIELDS = [name for name, kind in AuditEvent.__annotations__.items() if kind is str]


def an_event(
    *,
    handle: str = "tfhub.dev/google/spice/2",
    caller: str = "10.0.0.7",
    outcome: Outcome = "served",
    at: datetime = NOON,
) -> AuditEvent:
    return AuditEvent(
        id="0001",
        time=timestamp(at),
        event="answer",
        caller=caller,
        handle=handle,
        format="saved_model",
        record=f"sha256:{'a' * 64}",
        archive=f"sha256:{'b' * 64}",
        outcome=outcome,
        status=200,
        cache="hit",
        bytes=5_000_000,
        ms=3,
        trust="root 1, timestamp 3",
    )


def test_an_event_decodes_to_what_was_encoded() -> None:
    assert AuditEvent.decode(an_event().encode()) == an_event()


def test_an_event_is_one_line_of_json_with_every_field() -> None:
    line = an_event().encode()
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert list(json.loads(line)) == list(AuditEvent.__struct_fields__)


@given(st.text(max_size=300))
def test_any_short_text_comes_back_from_one_line_that_prints(text: str) -> None:
    line = an_event(caller=text).encode()
    assert line.count(b"\n") == 1
    assert line[:-1].decode().isprintable()
    assert AuditEvent.decode(line).caller == text


@given(st.text(st.characters(), max_size=3000))
def test_any_text_at_all_makes_an_event(text: str) -> None:
    line = an_event(caller=text).encode()
    assert line.count(b"\n") == 1
    assert len(AuditEvent.decode(line).caller.encode()) <= LONGEST_FIELD


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a\r\nb", id="a line of its own"),
        pytest.param('"}\n{"v":1', id="an event of its own"),
        pytest.param("\x1b[2J\x1b]0;owned\x07", id="ANSI escapes"),
        pytest.param("\x9b31m", id="a C1 control"),
        pytest.param("a\x7f\x00b", id="DEL and NUL"),
        pytest.param("\u202etxt.exe", id="text from right to left"),
        pytest.param("a\u2028b\u2029c", id="Unicode's line ends"),
        pytest.param("\U000e0041", id="a tag character"),
    ],
)
def test_control_characters_are_escaped(text: str) -> None:
    line = an_event(handle=text).encode()
    assert line.count(b"\n") == 1
    assert line[:-1].decode().isprintable()
    assert AuditEvent.decode(line).handle == text


def test_bytes_that_were_no_utf_8_are_kept_readable() -> None:
    text = b"caf\xe9".decode("utf-8", "surrogateescape")
    assert AuditEvent.decode(an_event(caller=text).encode()).caller == "caf\\udce9"


@pytest.mark.parametrize("char", ["a", "é", "語", "\U0001f600", "\x00"])
def test_a_long_field_is_cut_between_characters(char: str) -> None:
    whole = AuditEvent.decode(an_event(caller=char * LONGEST_FIELD * 2).encode()).caller
    assert LONGEST_FIELD - 6 < len(whole.encode()) <= LONGEST_FIELD
    assert whole == char * (len(whole) - 1) + "…"


def test_a_field_of_the_longest_length_is_not_cut() -> None:
    text = "a" * LONGEST_FIELD
    assert AuditEvent.decode(an_event(caller=text).encode()).caller == text


def test_no_line_reaches_the_longest_line() -> None:
    assert len(TEXT_FIELDS) == 11
    worst = msgspec.structs.replace(an_event(), **dict.fromkeys(TEXT_FIELDS, "\0" * 10_000))
    assert len(worst.encode()) < LONGEST_LINE


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\n", id="an empty line"),
        pytest.param(b"\0" * 100, id="zeros"),
        pytest.param(an_event().encode()[:-2], id="cut"),
        pytest.param(an_event().encode() * 2, id="two"),
        pytest.param(b"{}\n", id="no fields"),
        pytest.param(b"[]\n", id="a list"),
        pytest.param(an_event().encode().replace(b"10.0", b"\xff\xfe"), id="not UTF-8"),
        pytest.param(an_event().encode().replace(b"served", b"eaten"), id="an unknown outcome"),
        pytest.param(an_event().encode().replace(b'"v":1', b'"v":2'), id="another version"),
    ],
)
def test_what_is_not_one_whole_event_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="not an audit event"):
        AuditEvent.decode(line)


def test_fields_of_a_later_version_are_passed_over() -> None:
    line = an_event().encode().replace(b'"v":1', b'"v":1,"team":"nlp"')
    assert AuditEvent.decode(line) == an_event()


def test_a_timestamp_is_utc_with_milliseconds() -> None:
    local = datetime(2024, 3, 1, 14, 0, 0, 7_999, tzinfo=timezone(timedelta(hours=2)))
    assert timestamp(local) == "2024-03-01T12:00:00.007Z"


def test_a_timestamp_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        timestamp(datetime(2024, 3, 1))  # noqa: DTZ001 - what is refused


@given(st.datetimes(min_value=datetime(1970, 1, 1)), st.datetimes(min_value=datetime(1970, 1, 1)))  # noqa: DTZ001 - the zone follows
def test_timestamps_sort_as_moments_do(one: datetime, two: datetime) -> None:
    early, late = sorted([one.replace(tzinfo=UTC), two.replace(tzinfo=UTC)])
    assert timestamp(early) <= timestamp(late)


SPICE = Handle.parse("tfhub.dev/google/spice")


@pytest.mark.parametrize(
    ("handle", "text", "found"),
    [
        (SPICE.at(2), "tfhub.dev/google/spice/2", True),
        (SPICE.at(2), "tfhub.dev/google/spice/20", False),
        (SPICE.at(2), "tfhub.dev/google/spice/2/1", False),
        (SPICE.at(2), "tfhub.dev/google/spice", False),
        (SPICE, "tfhub.dev/google/spice", True),
        (SPICE, "tfhub.dev/google/spice/2", True),
        (SPICE, "tfhub.dev/google/spice/0", True),
        (SPICE, "tfhub.dev/google/spice/more", False),
        (SPICE, "tfhub.dev/google/spice/more/2", False),
        (SPICE, "tfhub.dev/google/spicey", False),
        (SPICE, "tfhub.dev/google/other/2", False),
        (SPICE, "", False),
    ],
)
def test_events_are_selected_by_handle(handle: Handle, text: str, found: bool) -> None:
    assert Selection(handle=handle).matches(an_event(handle=text)) is found


def test_events_are_selected_by_time() -> None:
    since = Selection(since=NOON)
    assert since.matches(an_event(at=NOON))
    assert since.matches(an_event(at=NOON + timedelta(milliseconds=1)))
    assert not since.matches(an_event(at=NOON - timedelta(milliseconds=1)))


def test_events_are_selected_by_outcome() -> None:
    assert Selection(outcome="refused").matches(an_event(outcome="refused"))
    assert not Selection(outcome="refused").matches(an_event())


def test_everything_asked_for_must_match() -> None:
    both = Selection(handle=SPICE, outcome="refused")
    assert both.matches(an_event(outcome="refused"))
    assert not both.matches(an_event(outcome="served"))
    assert not both.matches(an_event(handle="tfhub.dev/a/1", outcome="refused"))
    assert Selection().matches(an_event())
