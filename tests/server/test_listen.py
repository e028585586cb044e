"""Requests that no good client sends, and connections that are no requests."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from hubproxy.errors import ConfigError
from hubproxy.protocols.authority import is_host
from hubproxy.server.app import App
from hubproxy.server.doors import ReverseDoor
from hubproxy.server.frontend import Frontend
from hubproxy.server.handler import Handlers
from hubproxy.server.listen import accepting, listening
from tests.server.raw import Answer, Raw, descriptors, get
from tests.site import SPICE, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECRET = "correct-horse-battery-staple"
PATH = f"/{SPICE}".encode()
HOST = b"Host: proxy.example\r\n"
SMUGGLED = b"GET " + PATH + b" HTTP/1.1\r\nHost: smuggled\r\n\r\n"
CL, TE = b"Content-Length: %d\r\n", b"Transfer-Encoding: chunked\r\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cold(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A site whose `SPICE` is approved and was never fetched: who gets through, fetches."""
    async with Site(tmp_path_factory.mktemp("cold")) as site:
        site.put(SPICE)
        await site.approve(SPICE)
        yield site


def line(first: bytes, *headers: bytes, rest: bytes = b"") -> bytes:
    return first + b"\r\n" + b"".join(headers) + b"\r\n" + rest


def to(path: bytes) -> bytes:
    return line(b"GET " + path + b" HTTP/1.1", HOST)


def named(*hosts: bytes) -> bytes:
    return line(b"GET " + PATH + b" HTTP/1.1", *(b"Host: " + host + b"\r\n" for host in hosts))


def with_headers(*headers: bytes, rest: bytes = b"", method: bytes = b"GET") -> bytes:
    return line(method + b" " + PATH + b" HTTP/1.1", HOST, *headers, rest=rest)


REFUSED: dict[str, bytes] = {
    # Host
    "no-host": line(b"GET " + PATH + b" HTTP/1.1"),
    "two-hosts": named(b"a", b"b"),
    "the-same-host-twice": named(b"a", b"a"),
    "host-empty": named(b""),
    "host-with-a-space": named(b"a b"),
    "host-list": named(b"a,b"),
    "host-with-a-user": named(b"u@a"),
    "host-with-a-path": named(b"a/b"),
    "host-two-ports": named(b"a:1:2"),
    "host-three-parts": named(b"a:b:c"),
    "host-port-too-large": named(b"a:65536"),
    "host-port-no-number": named(b"a:http"),
    "host-open-bracket": named(b"[::1"),
    "host-no-address": named(b"[:::::]"),
    "host-zone": named(b"[fe80::1%25eth0]"),
    "host-escape": named(b"a%2eb"),
    "host-two-dots": named(b"a..b"),
    "host-query": named(b"a?b"),
    "host-not-ascii": named("é.example".encode()),
    "host-nul": named(b"a\x00b"),
    "host-long": named(b"a" * 300),
    "host-bad-in-http-1.0": line(b"GET " + PATH + b" HTTP/1.0", b"Host: a b\r\n"),
    "host-folded": named(b"a\r\n b"),
    "host-space-before-colon": line(b"GET " + PATH + b" HTTP/1.1", b"Host : a\r\n"),
    # Target
    "absolute-form": to(b"http://tfhub.dev/google/spice/2"),
    "absolute-form-https": to(b"https://proxy.example" + PATH),
    "no-slash": to(SPICE.encode()),
    "asterisk": to(b"*"),
    "parent": to(b"/tfhub.dev/../etc/passwd"),
    "parent-escaped": to(b"/tfhub.dev/%2e%2e/etc/passwd"),
    "parent-escaped-twice": to(b"/tfhub.dev/%252e%252e/etc"),
    "slash-escaped": to(b"/tfhub.dev/google%2fspice/2"),
    "backslash": to(b"/tfhub.dev\\google\\spice\\2"),
    "backslash-escaped": to(b"/tfhub.dev/google%5cspice/2"),
    "nul-escaped": to(b"/tfhub.dev/google/spice%00/2"),
    "overlong-utf8": to(b"/tfhub.dev/google/%c0%ae%c0%ae/2"),
    "not-utf8": to(b"/tfhub.dev/google/\xff\xfe/2"),
    "not-utf8-in-our-own-pages": to(b"/-/\xff\xfe"),
    "unicode": to("/tfhub.dev/google/spiće/2".encode()),
    "empty-segment": to(b"/tfhub.dev//google/spice/2"),
    "dot-segment": to(b"/tfhub.dev/./google/spice/2"),
    "two-slashes": to(b"//tfhub.dev/google/spice/2"),
    "fragment": to(PATH + b"#frag"),
    "semicolon": to(b"/tfhub.dev/google/spice;v=1/2"),
    "broken-escape": to(b"/tfhub.dev/google/spice/2?x=%zz"),
    "too-many-parameters": to(PATH + b"?" + b"&".join(b"a=1" for _ in range(40))),
    "a-file-of-ours": to(b"/-/client/../../pyproject.toml"),
    "a-hub-with-a-port": to(b"/tfhub.dev:443/google/spice/2"),
    "a-hub-with-a-user": to(b"/u@tfhub.dev/google/spice/2"),
    "the-metadata-service": to(b"/169.254.169.254/latest/meta-data/1"),
    "40-kB": to(b"/tfhub.dev/" + b"a" * 40_000),
    "5-kB": to(b"/tfhub.dev/" + b"a" * 5_000),
    "space-in-it": to(b"/tfhub.dev/google/spice /2"),
    # Method and version
    "connect": line(b"CONNECT tfhub.dev:443 HTTP/1.1", b"Host: tfhub.dev:443\r\n"),
    "connect-by-an-old-client": line(b"CONNECT tfhub.dev:443 HTTP/1.0"),
    "trace": with_headers(method=b"TRACE"),
    "options": with_headers(method=b"OPTIONS"),
    "options-of-everything": line(b"OPTIONS * HTTP/1.1", HOST),
    "post": with_headers(CL % 5, rest=b"hello", method=b"POST"),
    "post-without-a-body": with_headers(CL % 0, method=b"POST"),
    "post-whose-body-never-comes": with_headers(CL % 10**9, method=b"POST"),
    "put": with_headers(CL % 5, rest=b"hello", method=b"PUT"),
    "put-in-chunks": with_headers(TE, rest=b"5\r\nhello\r\n0\r\n\r\n", method=b"PUT"),
    "delete": with_headers(method=b"DELETE"),
    "patch": with_headers(method=b"PATCH"),
    "propfind": with_headers(method=b"PROPFIND"),
    "made-up-method": with_headers(method=b"STEAL"),
    "small-letters": with_headers(method=b"get"),
    "http-0.9": line(b"GET " + PATH),
    "http-0.9-said": line(b"GET " + PATH + b" HTTP/0.9", HOST),
    "http-2-said": line(b"GET " + PATH + b" HTTP/2.0", HOST),
    "http-3.7": line(b"GET " + PATH + b" HTTP/3.7", HOST),
    "http-2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    # Framing
    "get-with-a-body": with_headers(CL % 5, rest=b"hello"),
    "get-with-chunks": with_headers(TE, rest=b"5\r\nhello\r\n0\r\n\r\n"),
    "length-and-chunks": with_headers(CL % 4, TE, rest=b"0\r\n\r\n" + SMUGGLED),
    "two-lengths": with_headers(CL % 0, CL % len(SMUGGLED), rest=SMUGGLED),
    "length-list": with_headers(b"Content-Length: 0, 5\r\n", rest=b"hello"),
    "length-signed": with_headers(b"Content-Length: +5\r\n", rest=b"hello"),
    "length-hex": with_headers(b"Content-Length: 0x5\r\n", rest=b"hello"),
    "length-absurd": with_headers(b"Content-Length: " + b"9" * 30 + b"\r\n"),
    "chunked-twice": with_headers(TE, TE, rest=b"0\r\n\r\n" + SMUGGLED),
    "chunked-not-last": with_headers(b"Transfer-Encoding: chunked, identity\r\n"),
    "chunked-misspelt": with_headers(b"Transfer-Encoding: xchunked\r\n", rest=SMUGGLED),
    "chunk-of-no-size": with_headers(TE, rest=b"zz\r\nhello\r\n0\r\n\r\n"),
    "chunk-extension-of-70-kB": with_headers(
        TE, rest=b"0;" + b"a" * 70_000 + b"\r\n\r\n" + SMUGGLED
    ),
    "obs-fold": with_headers(b"X-A: b\r\n c\r\n"),
    "bare-line-feeds": b"GET " + PATH + b" HTTP/1.1\nHost: a\n\n",
    "bare-carriage-return": with_headers(b"X-A: b\rX-C: d\r\n"),
    "nul-in-a-header": with_headers(b"X-A: b\x00c\r\n"),
    "space-in-a-name": with_headers(b"X A: b\r\n"),
    "header-without-a-colon": with_headers(b"X-A\r\n"),
    "header-without-a-name": with_headers(b": b\r\n"),
    "2000-headers": with_headers(*(b"X-%d: b\r\n" % number for number in range(2000))),
    "header-of-200-kB": with_headers(b"X-A: " + b"b" * 200_000 + b"\r\n"),
    "expects-the-impossible": with_headers(b"Expect: 200-ok\r\n"),
    # Nothing like HTTP
    "garbage": bytes(range(256)),
    "nuls": b"\x00" * 1000,
    "tls-client-hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 505,
    "ssh": b"SSH-2.0-OpenSSH_9.6\r\n",
    "a-line-without-end": b"GET /" + b"a" * 100_000,
}


async def ask(url: str, request: bytes) -> tuple[Answer | None, bytes]:
    """The first answer if there is one, and what came behind it until the server closed."""
    async with Raw(url) as raw:
        raw.say(request)
        raw.say(b"")
        try:
            answer = await raw.answer(bodiless=request.startswith(b"HEAD"))
        except (EOFError, ConnectionError, asyncio.IncompleteReadError):
            return None, b""
        raw.end()
        return answer, await raw.rest()


@pytest.mark.parametrize("name", REFUSED)
async def test_a_hostile_request_is_refused(
    cold: Site, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    secret = b"Authorization: Bearer " + SECRET.encode() + b"\r\n"
    request = REFUSED[name]
    if b" HTTP/1.1\r\n" in request:
        request = request.replace(b" HTTP/1.1\r\n", b" HTTP/1.1\r\n" + secret, 1)
    caplog.set_level(logging.DEBUG)

    answer, behind = await ask(cold.url, request)

    if answer is not None:
        assert 400 <= answer.status < 500 or answer.status == 505
        assert answer.headers["content-type"] == "application/problem+json"
        assert SECRET.encode() not in answer.body
        assert SECRET not in answer.reason
        assert answer.reason.isascii()
    assert b"HTTP/1.1 200" not in behind
    assert b"saved_model.pb" not in behind
    assert cold.fetches(SPICE) == 0
    told = [record for record in caplog.records if not record.name.startswith("asyncio")]
    assert len(told) <= 1
    for record in told:
        assert record.exc_info is None
        assert len(record.getMessage()) < 300
        assert SECRET not in record.getMessage()


@pytest.mark.parametrize("target", [b"http://tfhub.dev/google/spice/2", b"http://a/-/live"])
async def test_a_proxy_request_is_told_what_to_ask_instead(cold: Site, target: bytes) -> None:
    answer, _ = await ask(cold.url, to(target))
    assert answer is not None
    assert answer.status == 400
    assert "this port takes no proxy requests" in answer.reason


async def test_the_module_would_have_been_served(tmp_path: Path) -> None:
    """So that the table above shows something."""
    async with Site(tmp_path) as site:
        wanted = site.put(SPICE)
        await site.approve(SPICE)
        async with Raw(site.url) as raw:
            raw.say(get(f"/{SPICE}?format=tar"))
            assert (await raw.answer()).body == wanted


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings", id="http-2"),
        pytest.param("Upgrade: websocket\r\nConnection: Upgrade", id="websocket"),
        pytest.param("Connection: Authorization, X-Forwarded-For", id="hop-by-hop"),
        pytest.param("TE: trailers", id="trailers"),
        pytest.param("Expect: 100-continue", id="expect"),
        pytest.param("Content-Length: 0", id="an-empty-body"),
    ],
)
async def test_what_a_server_may_ignore_is_ignored(cold: Site, header: str) -> None:
    async with Raw(cold.url) as raw:
        raw.say(get("/-/live", header))
        answer = await raw.answer()
        assert (answer.status, answer.body) == (200, b"live\n")


@pytest.mark.parametrize(
    "host",
    [
        "a",
        "a.example",
        "a.example.",
        "a_b",
        "127.0.0.1:8440",
        "[::1]",
        "[::1]:80",
        "a:0",
        "a:65535",
    ],
)
async def test_hosts_that_clients_send(host: str) -> None:
    assert is_host(host)


async def test_nothing_behind_a_refused_request_is_answered(cold: Site) -> None:
    for bad in (to(b"/tfhub.dev/%2e%2e/1"), with_headers(method=b"DELETE"), b"\x00\r\n\r\n"):
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

    told = [record.getMessage() for record in caplog.records if record.name == "hubproxy"]
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


async def test_a_client_that_reads_none_of_many_small_answers_is_ended(tmp_path: Path) -> None:
    async with Site(tmp_path, {"server.stall_seconds": 0.3}) as site:
        await site.session.close()
        before = descriptors()
        async with Raw(site.url, buffer=4096) as raw:
            for _ in range(20):
                raw.say(get("/metrics") * 100)
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
