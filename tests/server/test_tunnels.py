"""Tunnels through the forward port: how long each may wait, and what ends with it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import pytest

from hubproxy.protocols.destination import Allowed
from hubproxy.server.edge import Edge
from hubproxy.server.forward import ForwardDoor
from hubproxy.server.listen import listening
from tests.server.raw import Raw
from tests.server.test_forward import Here, asked, echo, say, tunnel, tunnelling
from tests.site import SPICE, Site

PATH = "/" + SPICE.partition("/")[2]
HUB = "tfhub.dev:443"
CONNECT = b"CONNECT store.example:443 HTTP/1.0\r\n\r\n"


@asynccontextmanager
async def deaf() -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A port that says nothing, and an event for when a connection to it was lost."""
    lost = asyncio.Event()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
        except ConnectionError:
            pass
        finally:
            lost.set()
            writer.transport.abort()

    async with await asyncio.start_server(hear, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], lost


async def test_a_tunnel_without_a_request_is_closed(tmp_path: Path) -> None:
    async with Site(tmp_path, {"server.idle_seconds": 0.3}) as site:
        async with tunnel(site) as raw:
            assert await raw.rest() == b""
        async with tunnel(site) as raw:
            raw.say(asked("/google/unlisted/1"))
            assert (await raw.answer()).status == 403
            assert await raw.rest() == b""


async def test_half_a_request_in_a_tunnel_is_told_that_its_time_is_up(tmp_path: Path) -> None:
    async with Site(tmp_path, {"server.header_seconds": 0.5}) as site, tunnel(site) as raw:
        raw.say(b"GET /a HTTP/1.1\r\n")
        assert (await raw.answer()).status == 408
        assert await raw.rest() == b""


async def test_a_tunnel_outlives_the_time_for_its_handshake(tmp_path: Path) -> None:
    async with Site(tmp_path, {"server.header_seconds": 0.5}) as site, tunnel(site) as raw:
        for _ in range(2):  # who came later, and shook no hands, has gone already
            async with Raw(site.forward_url) as silent:
                silent.say(b"CONNECT tfhub.dev:443 HTTP/1.0\r\n\r\n")
                await silent.rest()
        raw.say(asked("/google/unlisted/1"))
        assert (await raw.answer()).status == 403


async def test_a_tunnel_is_not_opened_inside_a_tunnel(tmp_path: Path) -> None:
    async with Site(tmp_path) as site, tunnel(site) as raw:
        raw.say(b"CONNECT tfhub.dev:443 HTTP/1.1\r\nHost: tfhub.dev:443\r\n\r\n")
        raw.say(asked("/google/unlisted/1"))
        assert (await raw.answer()).status == 405
        assert await raw.rest() == b""


async def test_connections_in_tunnels_count_once(tmp_path: Path) -> None:
    async with Site(tmp_path, {"server.connections_per_client": 2}) as site:
        await site.session.close()
        async with tunnel(site) as one, tunnel(site) as two:
            for raw in (one, two):
                raw.say(asked("/google/unlisted/1"))
                assert (await raw.answer()).status == 403
            with pytest.raises(ConnectionRefusedError, match="TOO_MANY_CONNECTIONS"):
                async with tunnel(site):
                    pass
        while len(site.daemon.front.connections):
            await asyncio.sleep(0.01)


async def test_a_handshake_that_fails_is_counted_and_closed(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        await site.session.close()
        async with Raw(site.forward_url) as raw:
            with pytest.raises(ssl.SSLError):
                await raw.tunnel(HUB, ssl.create_default_context())
        async with Raw(site.forward_url) as raw:  # who does not hang up himself
            raw.say(b"CONNECT tfhub.dev:443 HTTP/1.0\r\n\r\n" + b"\x00" * 100)
            await raw.rest()
        while len(site.daemon.front.connections):
            await asyncio.sleep(0.01)
        counted = site.daemon.app.metrics.text().decode()
        assert (
            'hubproxy_requests_total{code="TLS_HANDSHAKE",hub="tfhub.dev",outcome="failed"} 2.0'
            in counted
        )


class Watched(ForwardDoor):
    """The forward port, whose last connection can be looked at from our side."""

    edge: Edge

    def entered(self, edge: Edge) -> None:
        super().entered(edge)
        self.edge = edge


async def test_a_tunnel_in_which_nothing_moves_is_closed(tmp_path: Path) -> None:
    async with Site(tmp_path) as site, echo() as port:
        daemon = site.daemon
        assert daemon.contexts is not None
        door = Watched(
            daemon.front,
            allowed=Allowed(frozenset(), ("*",)),
            contexts=daemon.contexts,
            tunnels=daemon.tunnels,
            dialer=Here(port),
        )
        async with listening(daemon.front, door, "127.0.0.1:0", "-") as url, Raw(url) as raw:
            raw.say(CONNECT)
            await raw.reader.readuntil(b"\r\n\r\n")
            first = door.edge.deadline
            assert 800 < first - monotonic() <= 900
            raw.say(b"x")
            assert await raw.reader.readexactly(1) == b"x"
            second = door.edge.deadline
            assert first < second <= monotonic() + 900
            door.edge.deadline = monotonic()  # as if all that time had passed
            assert await raw.rest() == b""
            assert (await site.recorded("tunnel-closed")).bytes == 2


@asynccontextmanager
async def flood() -> AsyncIterator[int]:
    """A port that talks and talks."""

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(bytes(65_536))
                await writer.drain()
        except ConnectionError:
            writer.transport.abort()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def test_a_client_that_reads_nothing_costs_little_and_is_closed(tmp_path: Path) -> None:
    async with Site(tmp_path) as site, flood() as port:
        daemon = site.daemon
        assert daemon.contexts is not None
        door = Watched(
            daemon.front,
            allowed=Allowed(frozenset(), ("*",)),
            contexts=daemon.contexts,
            tunnels=daemon.tunnels,
            dialer=Here(port),
        )
        async with (
            listening(daemon.front, door, "127.0.0.1:0", "-") as url,
            Raw(url, buffer=4096) as raw,
        ):
            raw.say(CONNECT)
            await raw.reader.readuntil(b"\r\n\r\n")
            while not door.edge.transport.get_write_buffer_size():
                await asyncio.sleep(0.01)
            for _ in range(100):  # in which time much could come
                assert (await site.get("-/live")).status == 200
            assert door.edge.transport.get_write_buffer_size() < 1 << 20
            door.edge.deadline = monotonic()
            await site.recorded("tunnel-closed")


async def test_what_a_client_says_before_it_may_is_not_lost(tmp_path: Path) -> None:
    much = bytes(range(256)) * 8000
    async with (
        Site(tmp_path) as site,
        echo() as port,
        tunnelling(site, Here(port), "*") as url,
        Raw(url) as raw,
    ):
        raw.say(CONNECT + much)
        raw.end()
        assert (await raw.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert await raw.rest() == much + b"bye"


async def test_what_cannot_be_recorded_is_not_left_open_behind(tmp_path: Path) -> None:
    async with (
        Site(tmp_path) as site,
        deaf() as (port, lost),
        tunnelling(site, Here(port), "*") as url,
    ):
        await site.daemon.audit.__aexit__(None, None, None)
        answer, behind = await say(url, CONNECT)
        assert (answer.status, behind) == (503, b"")
        await lost.wait()


@pytest.mark.parametrize("request_line", ["CONNECT a.example:443", "GET http://a.example/"])
async def test_a_refusal_that_cannot_be_recorded_says_so(tmp_path: Path, request_line: str) -> None:
    async with Site(tmp_path) as site:
        await site.daemon.audit.__aexit__(None, None, None)
        answer, _ = await say(site.forward_url, f"{request_line} HTTP/1.0\r\n\r\n".encode())
        assert answer.status == 503
        assert "AUDIT_UNAVAILABLE" in answer.reason


async def test_a_tunnel_whose_client_has_gone_is_gone(tmp_path: Path) -> None:
    async with (
        Site(tmp_path) as site,
        deaf() as (port, lost),
        tunnelling(site, Here(port), "*") as url,
    ):
        async with Raw(url) as raw:
            raw.say(CONNECT)
            await raw.reader.readuntil(b"\r\n\r\n")
        await lost.wait()
        assert (await site.recorded("tunnel-closed")).bytes == 0


async def test_a_connect_whose_client_has_gone_is_not_dialled_for_any_more(tmp_path: Path) -> None:
    class Slow(Here):
        def __init__(self) -> None:
            super().__init__(9)
            self.dialling, self.given_up = asyncio.Event(), asyncio.Event()

        async def dial(self, *_: object) -> asyncio.Protocol:
            self.dialling.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.given_up.set()
            raise AssertionError

    slow = Slow()
    async with Site(tmp_path) as site, tunnelling(site, slow, "*") as url:
        async with Raw(url) as raw:
            raw.say(CONNECT)
            await slow.dialling.wait()
        await slow.given_up.wait()


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        pytest.param({}, "NOT_A_HUB", id="by-default"),
        pytest.param({"forward.other_hosts": ["*"]}, "NOT_A_HUB", id="listed-but-not-tunnelled"),
        pytest.param(
            {"forward.other": "tunnel", "forward.other_hosts": ["*"]},
            "FORBIDDEN_ADDRESS",
            id="all-tunnelled",
        ),
    ],
)
async def test_the_daemon_itself_reaches_no_private_address(
    tmp_path: Path, settings: dict[str, object], code: str
) -> None:
    async with Site(tmp_path, settings) as site:
        for authority in ("127.0.0.1:443", "[::1]:443", "169.254.169.254:443", "10.0.0.1:443"):
            answer, _ = await say(
                site.forward_url, f"CONNECT {authority} HTTP/1.0\r\n\r\n".encode()
            )
            assert answer.status == 403
            assert f"hubproxy {code}: " in answer.reason
        assert [event.code for event in site.events()] == [code] * 4
