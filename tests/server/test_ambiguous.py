"""Requests that no good client sends, at every door: none of them gets anything through."""

import logging
import ssl
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.server.ambiguous import (
    ACCEPTED,
    DOORS,
    HIDDEN,
    LAST,
    RANGES,
    REFUSED,
    SECRET,
    TUNNEL,
    WANTED,
    Door,
    Ranged,
    Row,
    Table,
)
from tests.server.ambiguous.asking import ask, opened, trusting
from tests.server.raw import Raw
from tests.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")
_SETTINGS = {"server.header_seconds": 1}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cold(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A site that was never asked for its two modules: whatever gets through, fetches."""
    async with Site(tmp_path_factory.mktemp("cold"), _SETTINGS) as site:
        for handle in (WANTED, HIDDEN):
            site.put(handle)
            await site.approve(handle)
        yield site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stocked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Site, bytes]]:
    """A site that has them in store, and what somebody gets of the first who is not Python."""
    async with Site(tmp_path_factory.mktemp("stocked"), _SETTINGS) as site:
        for handle in (WANTED, HIDDEN):
            site.put(handle)
            await site.approve(handle)
            body = (await site.get(handle, {"User-Agent": ""})).body
            await site.settled()
        body = (await site.get(WANTED, {"User-Agent": ""})).body
        yield site, body


def at_doors(table: Table) -> list[object]:
    return [
        pytest.param(DOORS[door], row, id=f"{door}-{name}")
        for name, row in table.items()
        for door in row.doors
    ]


@pytest.mark.parametrize(("door", "row"), at_doors(REFUSED))
async def test_a_hostile_request_is_refused_and_is_the_last(
    cold: Site, door: Door, row: Row, caplog: pytest.LogCaptureFixture
) -> None:
    request = door.fill(row.template)
    caplog.set_level(logging.DEBUG)

    told = await ask(cold, door, request, bodiless=request.startswith(b"HEAD"))

    if told.answer is not None:
        assert 400 <= told.answer.status < 500 or told.answer.status == 505
        assert told.answer.headers["content-type"] == "application/problem+json"
        if told.answer.version == "HTTP/1.1":
            assert told.answer.headers["connection"] == "close"
        assert SECRET not in told.answer.body
        assert SECRET.decode() not in told.answer.reason
        assert told.answer.reason.isprintable()
        assert told.answer.reason.isascii()
    assert told.behind == b""
    assert told.closed
    asked, cold.origin.requests[:] = [*cold.origin.requests], []
    assert asked == []
    _told_little(caplog)


def _told_little(caplog: pytest.LogCaptureFixture) -> None:
    """At most one line, and nothing in it that was sent."""
    lines = [
        record
        for record in caplog.records
        if (not record.name.startswith("asyncio") or record.levelno > logging.INFO)
        # The teams' file is read again as time passes, whoever asks.
        and "access.teams_loaded" not in record.getMessage()
    ]
    assert len(lines) <= 1, [record.getMessage()[:300] for record in lines]
    for record in lines:
        assert record.exc_info is None
        assert len(record.getMessage()) < 300
        assert SECRET.decode() not in record.getMessage()


@pytest.mark.parametrize(("door", "row"), at_doors(ACCEPTED))
async def test_what_is_odd_and_in_order_is_served(
    stocked: tuple[Site, bytes], door: Door, row: Row
) -> None:
    site, wanted = stocked
    async with opened(site, door) as raw:
        raw.say(door.fill(row.template))
        answer = await raw.answer()
    assert (answer.status, answer.reason) == (200, "OK")
    assert answer.body == wanted


@pytest.mark.parametrize("door", [pytest.param(door, id=name) for name, door in DOORS.items()])
async def test_what_the_hostile_requests_hide_would_be_served(
    stocked: tuple[Site, bytes], door: Door
) -> None:
    """So that the tables show something: two good requests in one go get two answers."""
    site, wanted = stocked
    async with opened(site, door) as raw:
        raw.say(door.fill(ACCEPTED["plain"].template + b"{next}"))
        assert (await raw.answer()).body == wanted
        hidden = await raw.answer()
    assert hidden.status == 200
    assert hidden.headers["x-hubproxy-handle"] == HIDDEN


@pytest.mark.parametrize(("door", "row"), at_doors(LAST))
async def test_nothing_is_answered_behind_what_the_client_called_its_last(
    stocked: tuple[Site, bytes], door: Door, row: Row
) -> None:
    site, wanted = stocked
    told = await ask(site, door, door.fill(row.template))
    assert told.answer is not None
    assert (told.answer.status, told.answer.body) == (200, wanted)
    assert (told.behind, told.closed) == (b"", True)


@pytest.mark.parametrize("door", [pytest.param(door, id=name) for name, door in DOORS.items()])
@pytest.mark.parametrize("asked", [pytest.param(row, id=name) for name, row in RANGES.items()])
async def test_a_range_is_one_range_or_none(
    stocked: tuple[Site, bytes], door: Door, asked: Ranged
) -> None:
    site, wanted = stocked
    request = b"\r\n".join((b"GET {target} HTTP/1.1", b"Host: {host}", *asked.lines, b"", b""))
    async with opened(site, door) as raw:
        raw.say(door.fill(request))
        answer = await raw.answer()
    assert answer.status == asked.status
    if asked.status != 416:
        size = asked.size or len(wanted)
        assert len(answer.body) == size
        assert answer.body in wanted


@pytest.mark.parametrize(
    ("to", "name", "host", "statuses"),
    [
        pytest.param("tfhub.dev:443", "tfhub.dev", "tfhub.dev", (200,), id="all-agree"),
        pytest.param("TFHub.dev:443", "tfhub.dev", "tfhub.DEV", (200,), id="but-for-case"),
        pytest.param("tfhub.dev:443", "TFHUB.dev", "tfhub.dev", (200,), id="but-for-case-in-tls"),
        pytest.param("tfhub.dev:443", "other.example", "tfhub.dev", (), id="another-name-in-tls"),
        pytest.param("tfhub.dev:443", "other.example", "other.example", (), id="the-same-twice"),
        pytest.param("tfhub.dev:443", "models.tfhub.dev", "tfhub.dev", (), id="a-name-below"),
        pytest.param("tfhub.dev:443", "tfhub.dev", "other.example", (400, 421), id="another-host"),
        pytest.param("tfhub.dev:443", None, "tfhub.dev", (200,), id="no-name-in-tls"),
        pytest.param("tfhub.dev:443", None, "other.example", (400, 421), id="no-name-another-host"),
        pytest.param("other.example:443", "tfhub.dev", "tfhub.dev", (), id="another-target"),
    ],
)
async def test_connect_and_tls_and_host_must_name_one_hub(
    stocked: tuple[Site, bytes], to: str, name: str | None, host: str, statuses: tuple[int, ...]
) -> None:
    site, _ = stocked
    async with Raw(site.forward_url) as raw:
        tls = trusting(site)
        tls.check_hostname = False  # the client would be the first to refuse
        try:
            await raw.tunnel(to, tls, name=name)
        except (ssl.SSLError, ConnectionError):
            assert statuses == ()
            return
        raw.say(b"GET /google/spice/2 HTTP/1.1\r\nHost: %b\r\n\r\n" % host.encode())
        assert (await raw.answer()).status in statuses


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=name)
        for name, row in {**REFUSED, "foreign-plain-http": ACCEPTED["plain"]}.items()
        if name.startswith("foreign-")
    ],
)
async def test_a_tunnel_without_tls_in_it_is_closed(
    cold: Site, row: Row, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with Raw(cold.forward_url) as raw:
        raw.say(b"CONNECT tfhub.dev:443 HTTP/1.1\r\nHost: tfhub.dev:443\r\n\r\n")
        assert b" 200 " in await raw.reader.readuntil(b"\r\n\r\n")
        raw.say(TUNNEL.fill(row.template))
        assert b"HTTP/1." not in await raw.rest()
    assert cold.origin.requests == []
    _told_little(caplog)
