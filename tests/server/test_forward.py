"""The forward port, as clients meet it: tunnels that are looked into, and all the others."""

import asyncio
import base64
import socket
import ssl
import struct
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from hubproxy import wiring
from hubproxy.config import load
from hubproxy.core.access import Team
from hubproxy.protocols.destination import Allowed
from hubproxy.server.contexts import Contexts
from hubproxy.server.edge import Edge
from hubproxy.server.forward import ForwardDoor
from hubproxy.server.listen import accepting, listening
from hubproxy.store.teamfile import new_token
from tests.server.raw import Answer, Raw, get
from tests.site import PYTHON, SPICE, Site, large

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/google/spice/2"
HUB = "tfhub.dev:443"
UNLISTED = "/google/unlisted/1"


def trusting(site: Site) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=site.ca_pem.decode())


def asked(path: str, *headers: str, host: str = "tfhub.dev", method: str = "GET") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers, "", ""]
    return "\r\n".join(lines).encode()


@asynccontextmanager
async def tunnel(site: Site, to: str = HUB) -> AsyncIterator[Raw]:
    async with Raw(site.forward_url) as raw:
        await raw.tunnel(to, trusting(site))
        yield raw


async def say(url: str, what: bytes) -> tuple[Answer, bytes]:
    """The answer, and what comes behind it until the server closes."""
    async with Raw(url) as raw:
        raw.say(what)
        return await raw.answer(), await raw.rest()


PLAIN = f"User-Agent: {PYTHON['User-Agent']}"


@pytest.mark.parametrize("to", [HUB, "TFHUB.dev:443", "tfhub.dev.:443"])
async def test_a_module_comes_through_a_tunnel_in_the_hubs_name(
    warm: tuple[Site, bytes], to: str
) -> None:
    site, wanted = warm
    async with Raw(site.forward_url) as raw:
        await raw.tunnel(to, trusting(site), name="tfhub.dev")
        raw.say(asked(PATH + "?tf-hub-format=compressed", PLAIN))
        answer = await raw.answer()
    assert answer.body == wanted
    assert answer.headers["cache-status"] == "hubproxy; hit"


async def test_www_is_the_hub_too(warm: tuple[Site, bytes]) -> None:
    site, wanted = warm
    async with tunnel(site, "www.tfhub.dev:443") as raw:
        raw.say(asked(PATH, PLAIN, host="www.tfhub.dev"))
        assert (await raw.answer()).body == wanted


async def test_a_cold_module_comes_through_a_tunnel_while_it_is_fetched(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        wanted = site.put(SPICE, large(3.4))
        await site.approve(SPICE)
        async with tunnel(site) as raw:
            raw.say(asked(PATH, PLAIN))
            answer = await raw.answer()
        assert answer.headers["transfer-encoding"] == "chunked"
        assert answer.body == wanted


async def test_wrong_bytes_do_not_look_complete_in_a_tunnel(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        site.put(SPICE, large(3.4))
        await site.approve(SPICE)
        other = large(3.4)
        weights = bytearray(other["variables/variables.data-00000-of-00001"])
        weights[-1] ^= 1
        site.put(SPICE, {**other, "variables/variables.data-00000-of-00001": bytes(weights)})
        async with tunnel(site) as raw:
            raw.say(asked(PATH, PLAIN))
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError, ssl.SSLError)):
                await raw.answer()


async def test_many_requests_follow_each_other_in_one_tunnel(warm: tuple[Site, bytes]) -> None:
    site, wanted = warm
    async with tunnel(site) as raw:
        raw.say(asked(PATH, PLAIN, "Range: bytes=0-9") * 20)
        for _ in range(20):
            answer = await raw.answer()
            assert (answer.status, answer.body) == (206, wanted[:10])
        raw.say(asked(PATH, PLAIN, method="HEAD"))
        assert (await raw.answer(bodiless=True)).headers["content-length"] == str(len(wanted))
        raw.say(asked(PATH, PLAIN, "Connection: close"))
        assert (await raw.answer()).body == wanted
        assert await raw.rest() == b""


async def test_twenty_clients_at_once_each_get_their_own(warm: tuple[Site, bytes]) -> None:
    site, wanted = warm

    async def one() -> bytes:
        async with tunnel(site) as raw:
            raw.say(asked(PATH, PLAIN))
            return (await raw.answer()).body

    assert await asyncio.gather(*(one() for _ in range(20))) == [wanted] * 20


async def test_a_refusal_inside_a_tunnel_says_why(warm: tuple[Site, bytes]) -> None:
    site, _ = warm
    async with tunnel(site) as raw:
        raw.say(asked(UNLISTED, PLAIN))
        answer = await raw.answer()
        assert answer.status == 403
        assert answer.reason.startswith("hubproxy HP-T01: tfhub.dev/google/unlisted/1 is not on")
        raw.say(asked(PATH, PLAIN, "Range: bytes=0-0"))
        assert (await raw.answer()).status == 206


async def test_the_proxys_own_pages_are_not_in_a_tunnel(warm: tuple[Site, bytes]) -> None:
    site, _ = warm
    for path in ("/-/live", "/metrics", "/"):
        async with tunnel(site) as raw:
            raw.say(asked(path))
            answer = await raw.answer()
            assert 400 <= answer.status < 500
            assert b"hubproxy_requests" not in answer.body


async def test_a_request_for_another_host_is_misdirected(warm: tuple[Site, bytes]) -> None:
    site, _ = warm
    async with tunnel(site) as raw:
        raw.say(asked(PATH, host="a.example") + asked(PATH))
        assert (await raw.answer()).status == 421
        assert await raw.rest() == b""


async def test_another_name_in_the_tls_hello_ends_the_tunnel(warm: tuple[Site, bytes]) -> None:
    site, _ = warm
    async with Raw(site.forward_url) as raw:
        with pytest.raises(ssl.SSLError, match=r"UNRECOGNIZED_NAME|unrecognized name"):
            await raw.tunnel(HUB, trusting(site), name="www.tfhub.dev")


async def test_a_client_that_names_nobody_in_its_hello_is_served(warm: tuple[Site, bytes]) -> None:
    site, wanted = warm
    context = trusting(site)
    context.check_hostname = False
    async with Raw(site.forward_url) as raw:
        await raw.tunnel(HUB, context, name=None)
        raw.say(asked(PATH, PLAIN, "Range: bytes=0-9"))
        assert (await raw.answer()).body == wanted[:10]


async def test_a_client_without_the_ca_trusts_nothing_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with Site(tmp_path) as site:
        proxied = urllib.request.build_opener(
            urllib.request.ProxyHandler({"https": site.forward_url})
        )
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            await asyncio.to_thread(proxied.open, "https://tfhub.dev/a/1", timeout=10)
        while not (told := [r.getMessage() for r in caplog.records if "tls." in r.getMessage()]):
            await asyncio.sleep(0.01)
    assert told == [
        "tls.handshake_failed caller=127.0.0.1 error=TLSV1_ALERT_UNKNOWN_CA passed_over=0"
    ]


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
async def test_both_versions_of_tls_that_are_good(warm: tuple[Site, bytes], version: str) -> None:
    site, wanted = warm
    context = trusting(site)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    async with Raw(site.forward_url) as raw:
        await raw.tunnel(HUB, context)
        raw.say(asked(PATH, PLAIN))
        assert (await raw.answer()).body == wanted


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_an_old_version_of_tls_is_refused(warm: tuple[Site, bytes]) -> None:
    site, _ = warm
    context = trusting(site)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with Raw(site.forward_url) as raw:
        with pytest.raises(ssl.SSLError, match=r"PROTOCOL_VERSION|protocol version"):
            await raw.tunnel(HUB, context)


async def test_garbage_in_a_tunnel_leaves_nothing_open(warm: tuple[Site, bytes]) -> None:
    site, wanted = warm
    for garbage in (b"\x00" * 100, b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b""):
        async with Raw(site.forward_url) as raw:
            raw.say(b"CONNECT tfhub.dev:443 HTTP/1.1\r\nHost: tfhub.dev:443\r\n\r\n" + garbage)
            raw.end()
            assert (await raw.rest()).startswith(b"HTTP/1.1 200 Connection established\r\n\r\n")
    async with tunnel(site) as raw:
        raw.say(asked(PATH, PLAIN))
        assert (await raw.answer()).body == wanted


async def test_a_hello_in_the_segment_of_the_connect_is_not_lost(
    warm: tuple[Site, bytes],
) -> None:
    site, wanted = warm
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = trusting(site).wrap_bio(incoming, outgoing, server_hostname="tfhub.dev")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    async with Raw(site.forward_url) as raw:
        raw.say(b"CONNECT tfhub.dev:443 HTTP/1.0\r\n\r\n" + outgoing.read())
        await raw.reader.readuntil(b"\r\n\r\n")

        async def step(call: Callable[[], bytes | None]) -> bytes | None:
            while True:
                try:
                    done = call()
                except ssl.SSLWantReadError:
                    raw.say(outgoing.read())
                    incoming.write(await raw.reader.read(65_536))
                else:
                    raw.say(outgoing.read())
                    return done

        await step(tls.do_handshake)
        tls.write(asked(PATH, PLAIN, "Range: bytes=0-9"))
        got = b""
        while not got.endswith(wanted[:10]):
            got += await step(tls.read) or b""


async def test_a_url_of_a_hub_is_answered_without_a_tunnel(warm: tuple[Site, bytes]) -> None:
    site, wanted = warm
    async with Raw(site.forward_url) as raw:
        raw.say(asked(f"http://tfhub.dev{PATH}", PLAIN))
        assert (await raw.answer()).body == wanted
        raw.say(asked(f"http://tfhub.dev{UNLISTED}", PLAIN))
        assert (await raw.answer()).status == 403
        await raw.tunnel(HUB, trusting(site))  # and a tunnel may follow on the same connection
        raw.say(asked(PATH, PLAIN))
        assert (await raw.answer()).body == wanted


@pytest.mark.parametrize(
    ("request_line", "named", "code"),
    [
        ("CONNECT a.example:443", "a.example:443", "NOT_A_HUB"),
        ("CONNECT tfhub.dev:22", "tfhub.dev:22", "FORBIDDEN_PORT"),
        ("GET http://a.example/x", "a.example", "NOT_A_HUB"),
    ],
)
async def test_whom_somebody_wanted_to_reach_is_on_record(
    warm: tuple[Site, bytes], request_line: str, named: str, code: str
) -> None:
    site, _ = warm
    host = named if request_line.startswith("CONNECT") else "a.example"
    before = len(site.events())
    answer, behind = await say(
        site.forward_url, f"{request_line} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() + b"x" * 9
    )
    assert (answer.status, behind) == (403, b"")
    assert answer.headers["connection"] == "close"
    assert f"hubproxy {code}: " in answer.reason
    (event,) = site.events()[before:]
    assert (event.event, event.handle, event.outcome) == ("tunnel", named, "refused")
    assert (event.status, event.code, event.caller) == (403, code, "127.0.0.1")


async def test_the_forward_port_says_what_it_is(warm: tuple[Site, bytes]) -> None:
    site, _ = warm
    answer, _ = await say(site.forward_url, get("/-/live"))
    assert answer.status == 400
    assert "this port takes proxy requests alone" in answer.reason


async def test_a_request_that_has_been_here_is_a_loop(warm: tuple[Site, bytes]) -> None:
    site, _ = warm
    front = site.daemon.front
    answer, _ = await say(site.url, get(f"/{SPICE}", f"Via: 1.1 a, 1.1 {front.pseudonym}"))
    assert (answer.status, answer.reason[:15]) == (508, "hubproxy LOOP: ")
    async with Raw(site.url) as raw:
        for via in ("1.1 a, 1.0 fred", ", ".join(["1.1 a"] * 16)):
            raw.say(get(f"/{SPICE}", f"Via: {via}", "Range: bytes=0-0"))
            assert (await raw.answer()).status == 206


async def test_a_clients_own_via_goes_nowhere(tmp_path: Path) -> None:
    """A fetch is for everybody: the first one's text must not make it fail."""
    other = "1.1 hubproxy-0123456789abcdef"
    async with Site(tmp_path) as site:
        site.put(SPICE)
        await site.approve(SPICE)
        async with Raw(site.url) as raw:
            much = ", ".join(["1.1 a"] * 1000)
            raw.say(get(f"/{SPICE}", f"Via: {much}, {other}, {other} (x)"))
            assert (await raw.answer()).status == 200
        (asked,) = site.origin.requests
        assert asked.headers["via"] == f"{other}, 1.1 {site.daemon.front.pseudonym}"


async def test_a_revoked_team_is_served_no_more_in_its_open_tunnel(tmp_path: Path) -> None:
    async with Site(tmp_path, {"access.auth": "required"}) as site:
        teams = wiring.team_file(site.config)
        token = new_token()
        teams.add(Team.of_token("nlp", token, created=wiring.now()))
        basic = base64.b64encode(f"nlp:{token}".encode()).decode()
        site.put(SPICE)
        await site.approve(SPICE)
        async with Raw(site.forward_url) as raw:
            header = f"Proxy-Authorization: Basic {basic}"
            raw.say(f"CONNECT {HUB} HTTP/1.1\r\nHost: {HUB}\r\n{header}\r\n\r\n".encode())
            await raw.reader.readuntil(b"\r\n\r\n")
            await raw.encrypt(trusting(site), "tfhub.dev")
            raw.say(asked(PATH, PLAIN))
            assert (await raw.answer()).status == 200
            assert site.events()[-1].caller == "nlp"
            teams.revoke("nlp")
            while True:
                raw.say(asked(PATH, PLAIN))
                answer = await raw.answer()
                if answer.status != 200:
                    break
                await asyncio.sleep(0.1)
            assert (answer.status, answer.reason[:23]) == (403, "hubproxy AUTH_REQUIRED:")
            assert await raw.rest() == b""
        refused = await site.recorded("tunnel")
        assert (refused.handle, refused.caller) == (HUB, "127.0.0.1")
        assert (refused.outcome, refused.status, refused.code) == ("refused", 403, "AUTH_REQUIRED")


async def test_two_proxies_that_point_at_each_other_notice(tmp_path: Path) -> None:
    """Else each would wait for the other one's bytes."""
    async with Site(tmp_path / "one") as one, Site(tmp_path / "two", behind=one) as two:
        one.put(SPICE)
        await one.approve(SPICE)
        await two.approve(SPICE)
        one.behind = two
        await one.restart({"server.listen": one.url.removeprefix("http://")})
        await one.evict(SPICE)
        one.origin.requests.clear()

        answer = await two.get(SPICE)

        assert answer.status == 502
        assert one.origin.requests == []
        metrics = (await two.get("metrics")).body.decode()
        assert 'code="LOOP"' in metrics


class Here:
    """Every host is a port on loopback."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[str] = []

    async def dial(
        self, host: str, port: int, protocol: Callable[[], asyncio.Protocol]
    ) -> asyncio.Protocol:
        self.asked.append(f"{host}:{port}")
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(protocol, "127.0.0.1", self.port))[1]


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    """Says back what it hears, and good-bye when it hears the end."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while heard := await reader.read(65_536):
            writer.write(heard)
            await writer.drain()
        writer.write(b"bye")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def tunnelling(site: Site, dial: Here, *others: str) -> AsyncIterator[str]:
    front = site.daemon.front
    assert site.daemon.contexts is not None
    door = ForwardDoor(
        front,
        allowed=Allowed(frozenset({"tfhub.dev"}), others),
        contexts=site.daemon.contexts,
        tunnels=site.daemon.tunnels,
        dialer=dial,
    )
    async with accepting(front, drain=0.1), listening(front, door, "127.0.0.1:0", "-") as url:
        yield url


async def test_a_listed_host_is_tunnelled_to_untouched_and_on_record(tmp_path: Path) -> None:
    async with Site(tmp_path) as site, echo() as port:
        dial = Here(port)
        async with tunnelling(site, dial, "*.data.example") as url, Raw(url) as raw:
            raw.say(b"CONNECT files.data.example:443 HTTP/1.0\r\n\r\n")
            raw.say(b"early ")
            assert (await raw.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            assert dial.asked == ["files.data.example:443"]
            (event,) = site.events()
            assert (event.event, event.handle) == ("tunnel", "files.data.example:443")
            assert (event.outcome, event.status) == ("served", 200)
            much = bytes(range(256)) * 20_000
            raw.say(much)
            raw.end()
            assert await raw.rest() == b"early " + much + b"bye"
        closed = await site.recorded("tunnel-closed")
        assert closed.id == event.id
        assert closed.bytes == 2 * (6 + len(much)) + 3


async def test_a_far_end_that_speaks_first_is_heard(tmp_path: Path) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello " * 1000)
        await reader.read()
        writer.close()

    async with (
        Site(tmp_path) as site,
        await asyncio.start_server(greet, "127.0.0.1", 0) as server,
        tunnelling(site, Here(server.sockets[0].getsockname()[1]), "*") as url,
        Raw(url) as raw,
    ):
        raw.say(b"CONNECT a.example:443 HTTP/1.0\r\n\r\n")
        await raw.reader.readuntil(b"\r\n\r\n")
        assert await raw.reader.readexactly(6000) == b"hello " * 1000
        raw.end()
        assert await raw.rest() == b""


async def test_a_host_that_hangs_up_at_once_ends_the_tunnel(tmp_path: Path) -> None:
    """With a reset, which comes before the tunnel is on record."""

    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sock = writer.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with (
        Site(tmp_path) as site,
        await asyncio.start_server(reset, "127.0.0.1", 0) as server,
        tunnelling(site, Here(server.sockets[0].getsockname()[1]), "a.example") as url,
    ):
        for _ in range(10):
            async with Raw(url) as raw:
                raw.say(b"CONNECT a.example:443 HTTP/1.0\r\n\r\n")
                assert (await asyncio.wait_for(raw.rest(), 5)).startswith(b"HTTP/1.1 200 ")


async def test_a_client_may_pause_longer_in_a_tunnel_than_in_an_answer(tmp_path: Path) -> None:
    async with (
        Site(tmp_path, {"server.stall_seconds": 1}) as site,
        echo() as port,
        tunnelling(site, Here(port), "a.example") as url,
        Raw(url) as raw,
    ):
        raw.say(b"CONNECT a.example:443 HTTP/1.0\r\n\r\n")
        await raw.reader.readuntil(b"\r\n\r\n")
        (edge,) = site.daemon.front.connections._waiting
        assert isinstance(edge, Edge)
        sock = edge.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) > 900_000


async def test_a_connect_that_fails_as_nobody_foresaw_is_answered_and_on_record(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Here):
        async def dial(
            self, host: str, port: int, protocol: Callable[[], asyncio.Protocol]
        ) -> asyncio.Protocol:
            raise OSError(24, "Too many open files")

    async with Site(tmp_path) as site, tunnelling(site, Broken(9), "a.example") as url:
        answer, _ = await say(url, b"CONNECT a.example:443 HTTP/1.0\r\n\r\n")
        assert answer.status == 500
        assert "Too many open files" not in answer.reason
        assert "Too many open files" in caplog.text
        (event,) = site.events()
        assert (event.event, event.outcome, event.status) == ("tunnel", "failed", 500)


async def test_what_is_not_listed_is_not_dialled(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        dial = Here(9)
        async with tunnelling(site, dial, "store.example") as url:
            for authority in ("a.example:443", "store.example:22", "127.0.0.1:443", "[::1]:443"):
                answer, _ = await say(url, f"CONNECT {authority} HTTP/1.0\r\n\r\n".encode())
                assert answer.status == 403
        assert dial.asked == []


async def test_no_tunnel_is_opened_that_cannot_be_recorded(tmp_path: Path) -> None:
    async with Site(tmp_path) as site, echo() as port, tunnelling(site, Here(port), "*") as url:
        await site.daemon.audit.__aexit__(None, None, None)
        answer, _ = await say(url, b"CONNECT store.example:443 HTTP/1.0\r\n\r\n")
        assert answer.status == 503
        assert "AUDIT_UNAVAILABLE" in answer.reason


async def test_a_silent_connect_is_ended(tmp_path: Path) -> None:
    """Before its TLS hello, and in the middle of it."""
    async with Site(tmp_path, {"server.header_seconds": 0.3}) as site:
        for hello in (b"", b"\x16\x03\x01\x02\x00\x01\x00"):
            async with Raw(site.forward_url) as raw:
                raw.say(b"CONNECT tfhub.dev:443 HTTP/1.0\r\n\r\n" + hello)
                assert (await raw.rest()).startswith(b"HTTP/1.1 200 ")


async def test_a_new_leaf_is_made_at_two_thirds_of_its_life(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        now = wiring.now()
        contexts = Contexts(wiring.authority(site.config), lambda: now)
        first = await contexts.get("tfhub.dev")
        now += timedelta(days=15)
        assert await contexts.get("tfhub.dev") is first
        now += timedelta(days=10)
        assert await contexts.get("tfhub.dev") is not first


async def test_a_hub_that_the_ca_does_not_permit_is_told_with_the_remedy(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It was configured after the CA was made. Once the CA is a new one, it is served."""
    async with Site(tmp_path) as site:
        pass
    with (tmp_path / "hubproxy.toml").open("a") as settings:
        settings.write('[[hub]]\nhost = "hub.example"\nurl = "https://hub.example"\n')
    site.config = load(tmp_path / "hubproxy.toml", {}, site.given)
    async with AsyncExitStack() as stack:
        daemon = await stack.enter_async_context(wiring.open_daemon(site.config))
        assert "ca.not_permitted host=hub.example" in caplog.text
        addresses = await stack.enter_async_context(wiring.open_ports(daemon, site.config))
        connect = b"CONNECT hub.example:443 HTTP/1.0\r\n\r\n"
        answer, _ = await say(addresses.proxy, connect)
        assert answer.status == 500
        assert "hubproxy ca rotate" in answer.reason
        wiring.rotate_authority(site.config, keep_previous=True)
        await daemon.reload(site.config)
        async with Raw(addresses.proxy) as raw:
            await raw.tunnel("hub.example:443", trusting(site))


@pytest.mark.parametrize("door", ["reverse", "tunnel"])
async def test_a_client_that_says_no_more_is_answered_first(
    warm: tuple[Site, bytes], door: str
) -> None:
    """As `nc -N` does; also when more than one request came before its end."""
    site, wanted = warm
    some = f"Range: bytes=0-{3_000_000}"
    async with Raw(site.url if door == "reverse" else site.forward_url) as raw:
        if door == "tunnel":
            await raw.tunnel(HUB, trusting(site))
            raw.say(asked(PATH, PLAIN, some) * 2)
            raw.end_plain()
        else:
            raw.say(get(f"/{SPICE}", PLAIN, some) * 2)
            raw.end()
        for _ in range(2):
            assert (await raw.answer()).body == wanted[:3_000_001]
        assert await raw.rest() == b""
