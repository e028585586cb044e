import asyncio
import getpass
import json
import re
import signal

import pytest

from hubproxy.core.audit import AuditEvent
from hubproxy.store.auditlog import AuditLog
from tests.cli.place import SPICE, Place, fetch


def event(number: int, handle: str = SPICE, **more: object) -> AuditEvent:
    known: dict[str, object] = {
        "id": f"{number:032x}",
        "time": f"2026-03-{number:02}T12:00:00.000Z",
        "event": "answer",
        "caller": "10.0.0.7",
        "handle": handle,
        "archive": "sha256:" + "ab" * 32,
        "outcome": "served",
        "status": 200,
        "cache": "hit",
        "bytes": 1234567,
        "ms": 12,
    }
    return AuditEvent(**(known | more))  # type: ignore[arg-type]  # a test's own keywords


EVENTS = [
    event(1),
    event(2, "tfhub.dev/google/spice/1"),
    event(3, "tfhub.dev/google/spicy/1"),
    event(4, "tfhub.dev/google/nnlm/1", outcome="refused", status=403, code="HP-T01", reason="no"),
    event(5, outcome="aborted", event="aborted", status=0),
    event(6, outcome="not-modified", status=304),
]


@pytest.fixture
async def logged(place: Place) -> Place:
    """A place whose log holds `EVENTS`."""
    place.data.mkdir(mode=0o700)
    async with AuditLog(place.data / "audit") as log:
        for one in EVENTS:
            await log.append(one)
    return place


@pytest.mark.parametrize(
    ("words", "days"),
    [
        pytest.param([], [1, 2, 3, 4, 5, 6], id="all"),
        pytest.param(["--handle", SPICE], [1, 5, 6], id="exact"),
        pytest.param(["--handle", f"https://{SPICE}"], [1, 5, 6], id="in-another-spelling"),
        pytest.param(["--handle", "tfhub.dev/google/spice"], [1, 2, 5, 6], id="any-version"),
        pytest.param(["--since", "2026-03-04"], [4, 5, 6], id="since-a-day"),
        pytest.param(["--since", "2026-03-04 12:00:01"], [5, 6], id="since-a-second"),
        pytest.param(["--outcome", "refused"], [4], id="refused"),
        pytest.param(["--outcome", "served", "--since", "2026-03-02"], [2, 3], id="both"),
        pytest.param(["--handle", "tfhub.dev/google/none/1"], [], id="nothing"),
    ],
)
async def test_events_are_listed_as_asked_for(
    logged: Place, words: list[str], days: list[int]
) -> None:
    done = await logged.good("audit", "list", "--json", *words)
    assert [int(found["time"][8:10]) for found in done.objects] == days
    assert done.errors == ""


async def test_an_event_is_a_line_for_people(logged: Place) -> None:
    lines = (await logged.good("audit", "list")).out.splitlines()
    assert lines[0].split() == [
        *("2026-03-01T12:00:00.000Z", "10.0.0.7", "served", "200", "hit", "1,234,567", "12", "ms"),
        *(SPICE, "sha256:abababababababab"),
    ]
    assert lines[3].endswith("tfhub.dev/google/nnlm/1  HP-T01: no")


async def test_the_last_events_are_the_tail(logged: Place) -> None:
    done = await logged.good("audit", "tail", "-n", "2", "--json")
    assert [found["time"][:10] for found in done.objects] == ["2026-03-05", "2026-03-06"]


async def test_following_goes_on_with_new_events_until_it_is_stopped(logged: Place) -> None:
    child = await logged.start("audit", "tail", "--follow", "-n", "1", "--json")
    assert child.stdout is not None
    assert json.loads(await child.stdout.readline())["time"][:10] == "2026-03-06"

    async with AuditLog(logged.data / "audit") as log:
        await log.append(event(7))
        async with asyncio.timeout(20):
            assert json.loads(await child.stdout.readline())["time"][:10] == "2026-03-07"

    child.send_signal(signal.SIGINT)
    _, errors = await child.communicate()
    assert child.returncode == 130
    assert errors.split() == [b"stopped"]


async def test_there_may_be_no_log_yet(place: Place) -> None:
    assert (await place.good("audit", "list")).out == ""
    assert (await place.good("audit", "tail")).out == ""


async def test_what_a_log_holds_cannot_drive_a_terminal(place: Place) -> None:
    place.data.mkdir(mode=0o700)
    async with AuditLog(place.data / "audit") as log:
        await log.append(event(1, code="X", reason="\x1b[31mred\r\nforged", caller="\x07"))
    out = (await place.good("audit", "list")).out
    assert out.endswith("\n")
    assert out[:-1].isprintable()


async def test_row_23_a_clock_that_is_right_after_all_is_accepted_on_record(place: Place) -> None:
    await place.begin()
    async with AuditLog(place.data / "audit") as log:
        await log.append(event(1, time="2099-01-01T00:00:00.000Z"))

    async def ready() -> str:
        async with place.serving() as (url, _):
            status, _, body = await fetch(f"{url}/-/ready")
            return f"{status} {body.decode()}"

    assert (await ready()).startswith("503 not ready: HP-T14: clock is behind the last audited")

    done = await place.good("audit", "accept-clock")
    assert re.fullmatch(
        r"20..-..-.. ..:.. UTC is accepted, though the clock is behind the last audited event by "
        r"[0-9]+ days\n",
        done.out,
    )
    assert (await ready()).startswith("200 ready: root 1, timestamp 1")
    again = await place.good("audit", "accept-clock")
    assert again.out.startswith("there is nothing to accept")

    shown = (await place.good("audit", "list")).out.splitlines()
    (accepted,) = (line for line in shown if "  clock     this time" in line)
    assert "was accepted, though the clock is behind the last audited event by" in accepted
    assert getpass.getuser() in accepted


async def test_row_23_a_clock_is_accepted_beside_no_daemon(place: Place) -> None:
    await place.begin()
    async with place.serving():
        done = await place.run("audit", "accept-clock")
    assert done.status == 1
    assert "DATA_FOLDER" in done.errors
    assert "in use by another process" in done.errors


async def test_what_became_of_the_list_is_shown_with_its_reason(place: Place) -> None:
    await place.begin()
    async with place.serving():
        pass
    shown = (await place.good("audit", "tail")).out
    assert (
        "  trust     in force: 0 targets of the officers, policy: mode first-use, grace of 14 days"
        in shown
    )
