"""The listener: what becomes of connections, and what the log tells of bad ones.

The requests that are refused stand in `tests.server.ambiguous`.
"""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from hubproxy.errors import ConfigError
from hubproxy.server.app import App
from hubproxy.server.doors import ReverseDoor
from hubproxy.server.frontend import Frontend
from hubproxy.server.handler import Handlers
from hubproxy.server.listen import accepting, listening, until_told
from tests.server.raw import Answer, Raw, descriptors, get
from tests.site import SPICE, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECRET = "correct-horse-battery-staple"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cold(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A site whose `SPICE` is approved and was never fetched: who gets through, fetches."""
    async with Site(tmp_path_factory.mktemp("cold")) as site:
        site.put(SPICE)
        await site.approve(SPICE)
        yield site


async def ask(url: str, request: bytes) -> tuple[Answer | None, bytes]:
    """The first answer if there is one, and what came behind it until the server closed."""
    async with Raw(url) as raw:
        raw.say(request)
        try:
            answer = await raw.answer()
        except (EOFError, ConnectionError, asyncio.IncompleteReadError):
            return None, b""
        raw.end()
        return answer, await raw.rest()


@pytest.mark.parametrize("target", ["http://tfhub.dev/google/spice/2", "http://a/-/live"])
async def test_a_proxy_request_is_told_what_to_ask_instead(cold: Site, target: str) -> None:
    answer, _ = await ask(cold.url, get(target))
    assert answer is not None
    assert answer.status == 400
    assert "this port takes no proxy requests" in answer.reason


async def test_nothing_behind_a_refused_request_is_answered(cold: Site) -> None:
    for bad in (get("/tfhub.dev/%2e%2e/1"), get("/", method="DELETE"), b"\x00\r\n\r\n"):
        answer, behind = await ask(cold.url, bad + get("/-/live") * 3)
        assert answer is not None
        assert answer.status in (400, 405)
        assert behind == b""


async def test_many_bad_requests_are_one_log_line(
    cold: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    clock = asyncio.get_running_loop().time
    begun = clock()

    await asyncio.gather(*(ask(cold.url, b"\x00\xff\r\n\r\n") for _ in range(200)))

    while not (
        told := [record.getMessage() for record in caplog.records if record.name == "hubproxy"]
    ):  # another test's line may be less than a second old
        await ask(cold.url, b"\x00\xff\r\n\r\n")
    assert len(told) <= 1 + (clock() - begun)
    assert all(text.startswith("http.bad_request caller=127.0.0.1 error=") for text in told)


async def test_a_connection_without_a_whole_request_is_closed(tmp_path: Path) -> None:
    patience = {"server.idle_seconds": 0.3, "server.header_seconds": 0.3}
    async with Site(tmp_path, patience) as site:
        for beginning in (b"", b"GET /-/live HTTP/1.1\r\nHost: a\r\nX-", get("/-/live")):
            async with Raw(site.url) as raw:
                raw.say(beginning)
                # A silent server that keeps it open would make this wait for ever.
                assert (await raw.rest()).count(b"HTTP/1.1 200") == beginning.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("door", ["reverse", "forward"])
async def test_a_client_that_reads_none_of_many_small_answers_is_ended(
    tmp_path: Path, door: str
) -> None:
    async with Site(tmp_path, {"server.stall_seconds": 0.3}) as site:
        await site.session.close()
        before = descriptors()
        url, request = site.url, get("/metrics")
        if door == "forward":
            url, request = site.forward_url, get("http://tfhub.dev/google/unlisted/1")
            request = request.replace(b"proxy.example", b"tfhub.dev")
        async with Raw(url, buffer=4096) as raw:
            for _ in range(20):
                raw.say(request * 100)
            while len(descriptors() - before) < 2:  # both ends
                await asyncio.sleep(0.01)
            while len(descriptors() - before) > 1:
                await asyncio.sleep(0.05)


async def test_a_crash_is_logged_with_its_trace_and_told_without(
    cold: Site, caplog: pytest.LogCaptureFixture
) -> None:
    def crash() -> None:
        raise ZeroDivisionError(SECRET)

    app = cold.daemon.app
    broken = App(app.cache, app.senders, app.metrics, type(app.pages)({"/": crash}))  # type: ignore[dict-item]  # on purpose
    shared = cold.daemon.front
    front = Frontend(broken, Handlers(broken), shared.connections, shared.callers)
    door = ReverseDoor(front)
    async with accepting(front, drain=1), listening(front, door, "127.0.0.1:0", "-") as url:
        answer, behind = await ask(url, get("/"))
    assert answer is not None
    assert (answer.status, behind) == (500, b"")
    assert b'"code":"INTERNAL"' in answer.body
    assert SECRET.encode() not in answer.body
    crashed = [record for record in caplog.records if record.getMessage() == "http.crashed"]
    assert len(crashed) == 1
    assert crashed[0].exc_info is not None


async def test_a_busy_port_is_named(cold: Site) -> None:
    busy = cold.url.removeprefix("http://")
    front = cold.daemon.front
    with pytest.raises(ConfigError, match=f"cannot listen on {busy}: .*in use") as caught:
        async with listening(front, ReverseDoor(front), busy, "server.listen"):
            pass
    assert "server.listen" in caught.value.remedy


async def test_a_reload_that_crashes_is_not_the_last(caplog: pytest.LogCaptureFixture) -> None:
    minding, begun, reloaded = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def reload() -> None:
        if not begun.is_set():
            begun.set()
            raise ZeroDivisionError
        reloaded.set()

    told = asyncio.create_task(until_told(reload, minding.set))
    await minding.wait()
    os.kill(os.getpid(), signal.SIGHUP)
    await begun.wait()
    os.kill(os.getpid(), signal.SIGHUP)
    await asyncio.wait_for(reloaded.wait(), 10)
    os.kill(os.getpid(), signal.SIGTERM)
    await told
    assert "reload.crashed error=ZeroDivisionError()" in caplog.text
