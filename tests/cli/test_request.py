"""`hubproxy request`: from a researcher's refusal to an officer's answer."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.place import SPICE, Place, fetch
from tests.origin import Origin
from tests.service.test_quarantine import POISON
from tests.site import SMALL

WHY = "baseline of our paper: Ähnlichkeit"
OTHER = "tfhub.dev/google/other/1"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Origin() as origin:
        place = Place(tmp_path, origin)
        await place.begin()
        yield place


async def test_a_request_is_seen_by_officers_and_ends_when_they_list_it(place: Place) -> None:
    place.put(SPICE, SMALL)
    async with place.serving() as (url, _):
        _, reason, body = await fetch(f"{url}/{SPICE}")
        assert "HP-T01" in reason
        assert f"hubproxy request {SPICE} --why REASON".encode() in body

        done = await place.run("request", "--url", url, SPICE)
        assert (done.status, done.out.splitlines()[0]) == (
            1,
            f"{SPICE} is not on the trust list, and nobody has asked for it",
        )
        asked = await place.good("request", "--url", url, f"https://{SPICE}", "--why", WHY)
        assert asked.out.splitlines()[0] == f"{SPICE} waits for the trust officers"
        assert WHY in asked.out
        assert f"next: hubproxy request {SPICE} --url {url}" in asked.out

        assert (
            f"-   {SPICE}  not fetched  asked for by 1"
            in (await place.good("quarantine", "list")).out
        )
        shown = (await place.good("quarantine", "show", SPICE)).out
        assert "wanted by 127.0.0.1" in shown
        assert WHY in shown
        (event,) = [
            one
            for one in (await place.good("audit", "list", "--json")).objects
            if one["event"] == "request"
        ]
        assert (event["handle"], event["reason"], event["caller"]) == (SPICE, WHY, "127.0.0.1")
        assert "hubproxy_requests_noted 1.0" in (await fetch(f"{url}/metrics"))[2].decode()

        assert (await place.run("request", "--url", url, SPICE)).status == 1
        await place.good("trust", "approve", SPICE)
        await place.good("reload")
        done = await place.good("request", "--url", url, SPICE)
        assert done.out == f"{SPICE} is on the trust list: load it\n"
        assert (await place.good("quarantine", "list")).out == ""


async def test_a_dropped_module_is_answered_with_the_officers_reason(place: Place) -> None:
    place.put(SPICE, POISON)
    async with place.serving("--mode", "quarantine") as (url, _):
        await fetch(f"{url}/{SPICE}")
        asked = await place.good("request", "--url", url, SPICE, "--why", WHY, "--json")
        (found,) = asked.objects
        assert (found["state"], found["number"], found["asked"]["why"]) == ("held", "Q1", WHY)
        assert WHY in (await place.good("quarantine", "show", "Q1")).out
        (row,) = (await place.good("quarantine", "list", "--json")).objects
        assert [one["why"] for one in row["asks"]] == [WHY]

        await place.good("quarantine", "drop", "Q1", "--why", "it writes files")
        done = await place.run("request", "--url", url, SPICE)
        assert done.status == 3
        assert "the trust officers declined it" in done.out
        assert ": it writes files" in done.out
        why = (await fetch(f"{url}/-/why/{SPICE}"))[2].decode()
        assert '"it writes files"' in why
        assert WHY not in why

        again = await place.good("request", "--url", url, SPICE, "--why", "it is only a log")
        assert f"{SPICE} waits for the trust officers" in again.out
        assert (await place.run("request", "--url", url, SPICE)).status == 1


async def test_officers_decline_what_was_never_fetched(place: Place) -> None:
    async with place.serving() as (url, _):
        await place.good("request", "--url", url, OTHER, "--why", WHY)
        await place.good("quarantine", "drop", OTHER, "--why", "no licence")
        assert (await place.good("quarantine", "list")).out == ""
        done = await place.run("request", "--url", url, OTHER)
        assert (done.status, "no licence" in done.out) == (3, True)
    for words in (("show", SPICE), ("drop", SPICE, "--why", "x")):
        done = await place.run("quarantine", *words)
        assert (done.status, f"nobody asks for {SPICE}" in done.errors) == (2, True)


async def test_a_team_asks_by_its_name_where_tokens_are_needed(place: Place) -> None:
    place.variables["HUBPROXY_ACCESS_AUTH"] = "required"
    token = (await place.good("team", "add", "nlp")).out.strip()
    (place.folder / "token").write_text(token)
    async with place.serving() as (url, _):
        done = await place.run("request", "--url", url, SPICE, "--why", WHY)
        assert done.status == 1
        assert "AUTH_REQUIRED: there is no token" in done.errors
        team = ("--team", "nlp", "--token-file", "token")
        await place.good("request", "--url", url, *team, SPICE, "--why", WHY)
        assert "wanted by nlp" in (await place.good("quarantine", "show", SPICE)).out


@pytest.mark.parametrize(
    ("words", "status", "why"),
    [
        pytest.param((SPICE, "--why", " "), 2, "needs a reason", id="no reason"),
        pytest.param((SPICE, "--why", "x" * 501), 2, "501 characters", id="a long reason"),
        pytest.param(("a b",), 2, "not a handle", id="no handle"),
        pytest.param(("other.example/a/1",), 1, "other.example", id="no hub of ours"),
    ],
)
async def test_a_request_that_makes_no_sense_is_refused(
    place: Place, words: tuple[str, ...], status: int, why: str
) -> None:
    async with place.serving() as (url, _):
        done = await place.run("request", "--url", url, *words)
    assert (done.status, why in done.errors) == (status, True)
    assert not (place.data / "requests").exists()


async def test_where_no_daemon_answers_the_command_says_so(place: Place) -> None:
    done = await place.run("request", "--url", f"{place.origin.url}", SPICE)
    assert (done.status, "not as a hubproxy" in done.errors) == (1, True)
    done = await place.run("request", "--url", "http://127.0.0.1:1", SPICE)
    assert (done.status, "no hubproxy answers" in done.errors) == (1, True)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param("POST /-/request/{} HTTP/1.1", 200, id="a request"),
        pytest.param("POST /-/request/{} HTTP/1.1\r\nContent-Length: 0", 200, id="of no length"),
        pytest.param("POST /-/request/{} HTTP/1.1\r\nContent-Length: 3", 405, id="with a body"),
        pytest.param("POST /-/why/{} HTTP/1.1", 405, id="another page"),
        pytest.param("POST /{} HTTP/1.1", 405, id="a module"),
        pytest.param("PUT /-/request/{} HTTP/1.1", 405, id="another method"),
        pytest.param("POST /-/request/%zz HTTP/1.1", 400, id="no handle"),
        pytest.param("POST /-/request/{} HTTP/1.1\r\nX-Hubproxy-Why: %ff", 400, id="no text"),
    ],
)
async def test_only_a_bodiless_post_with_a_reason_asks(
    place: Place, head: str, status: int
) -> None:
    why = "" if "Why" in head else "X-Hubproxy-Why: a%20paper\r\n"
    async with place.serving() as (url, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        text = f"{head.format(SPICE)}\r\nHost: x\r\n{why}Connection: close\r\n\r\n"
        writer.write(text.encode())
        told = await reader.read()
        writer.close()
    assert told.startswith(f"HTTP/1.1 {status} ".encode())
    assert (place.data / "requests").exists() == (status == 200)
