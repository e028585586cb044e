"""How many connections an address may have, how long each may wait, and what one may cost."""

import asyncio
import socket
import weakref
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic

import pytest

from hubproxy.server.connections import Connections, Patience, TooManyConnectionsError
from hubproxy.server.doors import ReverseDoor
from hubproxy.server.edge import Edge
from hubproxy.server.listen import listening
from tests.faults import stalled
from tests.server.raw import Raw, get
from tests.site import SPICE, Site, large

UNLISTED = "tfhub.dev/google/unlisted/1"


def asked_of(site: Site, door: str) -> tuple[str, bytes]:
    """A port's URL, and a request that it answers and goes on after."""
    if door == "reverse":
        return site.url, get("/-/live")
    return site.forward_url, f"GET http://{UNLISTED} HTTP/1.1\r\nHost: tfhub.dev\r\n\r\n".encode()


class Address(str):
    """Text whose end can be waited for."""

    __slots__ = ("__weakref__",)


def test_an_address_that_has_left_is_forgotten() -> None:
    connections = Connections(per_client=1, patience=Patience())
    address = Address("192.0.2.1")
    connections.enter(address)
    with pytest.raises(TooManyConnectionsError, match="more than 1 connections"):
        connections.enter(address)
    connections.leave(address)
    connections.enter("192.0.2.2")
    assert len(connections) == 2
    connections.leave(address)
    gone = weakref.ref(address)
    del address
    assert gone() is None
    assert len(connections) == 1


@pytest.mark.parametrize("door", ["reverse", "forward"])
async def test_an_address_has_so_many_connections_over_all_ports(tmp_path: Path, door: str) -> None:
    async with Site(tmp_path, {"server.connections_per_client": 3}) as site:
        await site.session.close()
        url, good = asked_of(site, door)
        async with AsyncExitStack() as stack:
            for other in ("reverse", "forward", door):
                other_url, request = asked_of(site, other)
                raw = await stack.enter_async_context(Raw(other_url))
                raw.say(request)
                assert (await raw.answer()).status in (200, 403)
            async with Raw(url) as one_more:
                answer = await one_more.answer()  # whatever it would have asked
                assert answer.status == 429
                assert answer.headers["connection"] == "close"
                assert answer.reason.startswith("hubproxy TOO_MANY_CONNECTIONS: 127.0.0.1 has more")
                one_more.say(good)
                assert await one_more.rest() == b""
        while len(site.daemon.front.connections):
            await asyncio.sleep(0.01)
        async with Raw(url) as raw:
            raw.say(good)
            assert (await raw.answer()).status in (200, 403)
            assert len(site.daemon.front.connections) == 1


async def test_half_a_request_is_told_that_its_time_is_up(tmp_path: Path) -> None:
    """Also when it goes on all the time, but does not come to its end."""
    async with Site(tmp_path, {"server.header_seconds": 0.3}) as site:
        for url in (site.url, site.forward_url):
            async with Raw(url) as raw:
                raw.say(b"GET http://tfhub.dev/a/1 HTTP/1.1\r\nX: ")
                answering = asyncio.ensure_future(raw.answer())
                while not answering.done():
                    raw.say(b"x")
                    await asyncio.sleep(0.02)
                answer = await answering
                assert (answer.status, answer.headers["connection"]) == (408, "close")
                assert answer.reason.startswith("hubproxy REQUEST_TIMEOUT: ")
                assert await raw.rest() == b""


@pytest.mark.parametrize("door", ["reverse", "forward"])
async def test_a_connection_without_a_request_is_closed(tmp_path: Path, door: str) -> None:
    async with Site(tmp_path, {"server.idle_seconds": 0.3}) as site:
        url, good = asked_of(site, door)
        async with Raw(url) as raw:
            assert await raw.rest() == b""
        async with Raw(url) as raw:
            raw.say(good)
            await raw.answer()
            assert await raw.rest() == b""


async def test_whoever_waits_for_an_answer_is_not_idle(tmp_path: Path) -> None:
    settings = {"server.idle_seconds": 0.3, "server.header_seconds": 0.3}
    async with Site(tmp_path, settings) as site:
        wanted = site.put(SPICE, large(1.2))
        await site.approve(SPICE)
        enough = asyncio.Event()
        site.origin.misbehave(f"/{SPICE.partition('/')[2]}", stalled(1000, enough))
        async with Raw(site.url) as raw:
            raw.say(get(f"/{SPICE}", "User-Agent: Python-urllib/3.11"))
            await site.origin.asked(f"/{SPICE.partition('/')[2]}", 1)
            for _ in range(2):  # who came later has gone already
                async with Raw(site.url) as idle:
                    assert await idle.rest() == b""
            enough.set()
            assert (await raw.answer()).body == wanted


class Watched(ReverseDoor):
    """The reverse port, whose connections can be looked at from our side."""

    edge: Edge

    def entered(self, edge: Edge) -> None:
        super().entered(edge)
        self.edge = edge


async def test_what_waits_behind_a_request_waits_at_the_client(tmp_path: Path) -> None:
    """Else whoever reads nothing and asks on would fill our memory."""
    async with Site(tmp_path) as site:
        wanted = site.put(SPICE, large(2.2))
        await site.approve(SPICE)
        await site.get(SPICE)
        await site.settled()
        door = Watched(site.daemon.front)
        async with (
            listening(site.daemon.front, door, "127.0.0.1:0", "-") as url,
            Raw(url, buffer=4096) as raw,
        ):
            raw.say(get(f"/{SPICE}", "User-Agent: Python-urllib/3.11"))
            raw.say(get("/-/live", f"X-Padding: {'x' * 8000}") * 200)
            while door.edge.transport.is_reading():
                await asyncio.sleep(0.01)
            assert (await raw.answer()).body == wanted
            for _ in range(200):
                assert (await raw.answer()).body == b"live\n"


@pytest.mark.parametrize("method", ["PUT", "GET"])
@pytest.mark.parametrize("door", ["reverse", "forward"])
async def test_a_refusal_arrives_although_the_client_has_more_to_say(
    tmp_path: Path, door: str, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A close while bytes are unread would reset the connection, and the answer with it."""
    async with Site(tmp_path) as site:
        url, _ = asked_of(site, door)
        async with Raw(url) as raw:
            length = "Content-Length: 9999999\r\n" if method == "PUT" else ""
            raw.say(f"{method} http://a.example/ HTTP/1.1\r\nHost: a.example\r\n".encode())
            raw.say(f"{length}\r\n".encode() + b"x" * 9_999_999)
            assert (await raw.answer()).status in (400, 403, 405)
            assert await raw.reader.read() == b""
    assert [one.getMessage() for one in caplog.records if one.name == "asyncio"] == []


async def test_a_refusal_arrives_at_who_listens_only_when_all_is_said(tmp_path: Path) -> None:
    """What still comes must be taken, or such a client would be reset in the middle of it."""

    def tell(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.sendall(b"GET http://a.example/ HTTP/1.0\r\n\r\n" + b"x" * 9_999_999)
            return sock.recv(12)

    async with Site(tmp_path) as site:
        port = int(site.forward_url.rpartition(":")[2])
        assert await asyncio.to_thread(tell, port) == b"HTTP/1.1 403"


async def test_answers_that_nobody_reads_are_not_made(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        door = Watched(site.daemon.front)
        async with (
            listening(site.daemon.front, door, "127.0.0.1:0", "-") as url,
            Raw(url, buffer=4096) as raw,
        ):
            size = len((await site.get("metrics")).body)
            raw.say(get("/metrics") * 20_000)
            while not (waiting := door.edge.transport.get_write_buffer_size()):
                await asyncio.sleep(0.01)
            for _ in range(100):  # in which time many could be made
                assert (await site.get("-/live")).status == 200
                waiting = door.edge.transport.get_write_buffer_size()
            assert waiting < 64 * 1024 + 4 * size


async def test_a_refused_head_request_gets_no_body(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        for path, status in (("http://a.example/", 400), ("/tfhub.dev/a/..", 400)):
            async with Raw(site.url) as raw:
                raw.say(get(path, method="HEAD"))
                answer = await raw.answer(bodiless=True)
                assert (answer.status, answer.headers["connection"]) == (status, "close")
                assert int(answer.headers["content-length"]) > 0
                assert await raw.rest() == b""


async def test_what_is_refused_at_the_door_is_counted(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        for _ in range(2):
            async with Raw(site.url) as raw:
                raw.say(get("http://a.example/"))
                await raw.rest()
        counted = site.daemon.app.metrics.text().decode()
        assert (
            'hubproxy_requests_total{code="BAD_REQUEST",hub="other",outcome="refused"} 2.0'
            in counted
        )


async def test_a_refused_connection_is_closed_also_when_the_client_does_not(
    tmp_path: Path,
) -> None:
    async with Site(tmp_path) as site:
        await site.session.close()
        async with Raw(site.url) as raw:
            begun = monotonic()
            raw.say(b"\x00")
            assert (await raw.answer()).status == 400
            assert await raw.rest() == b""
            assert len(site.daemon.front.connections) == 1  # it may still be read
            while len(site.daemon.front.connections):
                await asyncio.sleep(0.01)
            assert monotonic() - begun < 10
