"""CONNECT leads to the hubs on port 443, and nowhere else: whatever is named, nothing is opened."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from tests.server.ambiguous import FORWARD
from tests.server.ambiguous.asking import Told
from tests.server.ambiguous.destinations import BAD, LEADING_HOME, Bad
from tests.server.raw import Raw
from tests.site import Site
from tests.sockets import watched

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Canary:
    """A server on loopback that is nobody's business; `visits` must stay 0."""

    port: int = 0
    visits: int = 0

    def visited(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        writer.transport.abort()


@dataclass(frozen=True)
class Yard:
    """A site, and a server beside it."""

    site: Site
    canary: Canary

    def fill(self, authority: bytes) -> bytes:
        ports = {
            b"{reverse}": urlsplit(self.site.url).port,
            b"{forward}": urlsplit(self.site.forward_url).port,
            b"{canary}": self.canary.port,
        }
        for name, port in ports.items():
            authority = authority.replace(name, b"%d" % (port or 0))
        return authority


@asynccontextmanager
async def _yard(folder: Path, **settings: object) -> AsyncIterator[Yard]:
    canary = Canary()
    server = await asyncio.start_server(canary.visited, "127.0.0.1", 0)
    canary.port = server.sockets[0].getsockname()[1]
    named = {f"forward.{name}": value for name, value in settings.items()}
    try:
        async with Site(folder, {"server.header_seconds": 1, **named}) as site:
            yield Yard(site, canary)
    finally:
        server.close()
        await server.wait_closed()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def closed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Yard]:
    """Nothing but the hubs, as it is by default."""
    async with _yard(tmp_path_factory.mktemp("closed")) as yard:
        yield yard


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def open_to_all(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Yard]:
    """Every public host."""
    folder = tmp_path_factory.mktemp("open")
    async with _yard(folder, other="tunnel", other_hosts=("*",)) as yard:
        yield yard


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def open_to_some(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Yard]:
    folder = tmp_path_factory.mktemp("some")
    async with _yard(folder, other="tunnel", other_hosts=("allowed.test", "*.below.test")) as yard:
        yield yard


async def connect(site: Site, authority: bytes, *lines: bytes, version: bytes = b"1.1") -> Told:
    """Ask for a tunnel, with a request behind that must not be taken for one of its own."""
    head = [b"CONNECT " + authority + b" HTTP/" + version, *lines, b"", b""]
    async with Raw(site.forward_url) as raw:
        raw.say(b"\r\n".join(head) + FORWARD.next)
        answer = await raw.answer()
        return Told(answer, await raw.rest(), closed=True)


async def _refused(
    yard: Yard, bad: Bad, caplog: pytest.LogCaptureFixture, *, looked_up: bool = False
) -> None:
    """Refused with a reason, on record where it names a host; and nothing was opened for it."""
    caplog.set_level(logging.DEBUG)
    authority = yard.fill(bad.authority)
    before = len(yard.site.events())
    own = urlsplit(yard.site.forward_url).port

    with watched() as seen:
        told = await connect(yard.site, authority, b"Host: " + authority)

    assert told.answer is not None
    assert 400 <= told.answer.status < 500, told.answer
    assert told.answer.headers["content-type"] == "application/problem+json"
    assert told.answer.reason.isascii()
    assert told.answer.reason.isprintable()
    assert told.behind == b""
    opened = [what for what in seen if what != f"socket.connect ('127.0.0.1', {own})"]
    if looked_up:
        opened = [what for what in opened if what.startswith("socket.connect")]
    assert opened == []
    assert yard.canary.visits == 0
    assert yard.site.origin.requests == []
    events = yard.site.events()[before:]
    if bad.audited:
        assert [(event.event, event.outcome) for event in events] == [("tunnel", "refused")]
        assert events[0].status == told.answer.status
    for record in caplog.records:
        assert record.exc_info is None


@pytest.mark.parametrize("bad", [pytest.param(row, id=name) for name, row in BAD.items()])
async def test_by_default_nothing_but_the_hubs_is_opened(
    closed: Yard, bad: Bad, caplog: pytest.LogCaptureFixture
) -> None:
    await _refused(closed, bad, caplog)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(row, id=name)
        for name, row in BAD.items()
        if not name.startswith("name-") or not row.audited
    ],
)
async def test_where_all_may_be_tunnelled_to_only_public_hosts_and_port_443_are_opened(
    open_to_all: Yard, bad: Bad, caplog: pytest.LogCaptureFixture
) -> None:
    await _refused(open_to_all, bad, caplog)


@pytest.mark.parametrize("bad", [pytest.param(row, id=name) for name, row in LEADING_HOME.items()])
async def test_a_name_that_leads_to_loopback_is_refused_once_it_is_resolved(
    open_to_all: Yard, bad: Bad, caplog: pytest.LogCaptureFixture
) -> None:
    await _refused(open_to_all, bad, caplog, looked_up=True)


@pytest.mark.parametrize(
    "authority",
    [
        "other.example:443",
        "below.test:443",
        "xbelow.test:443",
        "a.below.test.other.example:443",
        "a.allowed.test:443",
        "allowed.test.other.example:443",
        "8.8.8.8:443",
        "[2606:4700:4700::1111]:443",
        "allowed.test:22",
        "a.below.test:8443",
    ],
)
async def test_where_some_may_be_tunnelled_to_no_others_are_looked_up(
    open_to_some: Yard, authority: str, caplog: pytest.LogCaptureFixture
) -> None:
    await _refused(open_to_some, Bad(authority.encode(), audited=True), caplog)


@pytest.mark.parametrize(
    ("authority", "lines", "version"),
    [
        pytest.param(b"tfhub.dev:443", [b"Host: tfhub.dev:443"], b"1.1", id="plain"),
        pytest.param(b"TFHub.DEV:443", [b"Host: TFHub.DEV:443"], b"1.1", id="mixed-case"),
        pytest.param(b"tfhub.dev:443", [b"Host: TFHUB.dev:443"], b"1.1", id="case-differs"),
        pytest.param(b"tfhub.dev.:443", [b"Host: tfhub.dev.:443"], b"1.1", id="a-dot-behind"),
        pytest.param(b"tfhub.dev:443", [b"Host: tfhub.dev"], b"1.1", id="host-without-a-port"),
        pytest.param(b"tfhub.dev:443", [], b"1.0", id="an-old-python"),
        pytest.param(b"tfhub.dev:443", [], b"1.1", id="no-host"),
        pytest.param(b"tfhub.dev:443", [b"Host: tfhub.dev:443"], b"1.0", id="an-old-curl"),
    ],
)
async def test_a_hub_in_any_good_spelling_is_reached(
    closed: Yard, authority: bytes, lines: list[bytes], version: bytes
) -> None:
    async with Raw(closed.site.forward_url) as raw:
        raw.say(b"\r\n".join([b"CONNECT " + authority + b" HTTP/" + version, *lines, b"", b""]))
        head = await raw.reader.readuntil(b"\r\n\r\n")
    assert head.split(b" ")[1] == b"200"
    # RFC 9110 section 9.3.6: an answer to CONNECT that says 2xx has neither.
    assert b"content-length" not in head.lower()
    assert b"transfer-encoding" not in head.lower()


@pytest.mark.parametrize(
    ("lines", "version"),
    [
        pytest.param([b"Host: other.example:443"], b"1.1", id="another-host"),
        pytest.param([b"Host: other.example:443"], b"1.0", id="another-host-of-an-old-client"),
        pytest.param([b"Host: tfhub.dev:22"], b"1.1", id="another-port"),
        pytest.param([b"Host: tfhub.dev:443"] * 2, b"1.1", id="two-hosts"),
        pytest.param([b"Host: tfhub.dev:443", b"Content-Length: 5"], b"1.1", id="a-body"),
        pytest.param([b"Host: tfhub.dev:443", b"Transfer-Encoding: chunked"], b"1.1", id="chunks"),
        pytest.param([b"Host: tfhub.dev:443", b"X-A: b\r\n c"], b"1.1", id="folded"),
        pytest.param([b"Host: tfhub.dev:443", b"X-A : b"], b"1.1", id="space-before-a-colon"),
        pytest.param([b"Host: tfhub.dev:443"], b"2.0", id="http-2"),
        pytest.param([b"Host: tfhub.dev:443"], b"0.9", id="http-0.9"),
    ],
)
async def test_a_bad_request_for_a_good_tunnel_is_refused(
    closed: Yard, lines: list[bytes], version: bytes
) -> None:
    told = await connect(closed.site, b"tfhub.dev:443", *lines, version=version)
    assert told.answer is not None
    assert told.answer.status in (400, 421, 505)
    assert told.behind == b""


async def test_the_hook_sees_what_is_opened(closed: Yard) -> None:
    """So that the tables above show something."""
    with watched() as seen:
        _, writer = await asyncio.open_connection("localhost", closed.canary.port)
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
    assert "socket.getaddrinfo localhost" in seen
    assert f"socket.connect ('127.0.0.1', {closed.canary.port})" in seen
    while not closed.canary.visits:
        await asyncio.sleep(0)
    closed.canary.visits = 0
