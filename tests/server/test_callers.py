"""Who must say who they are, at each door, and under which name it goes on record."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from hubproxy import wiring
from hubproxy.core.access import Team, Teams
from tests.server.raw import Raw, get
from tests.server.test_forward import asked, say, trusting
from tests.site import SPICE, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

BEARER = "Bearer s3cret"
URL = f"http://{SPICE}"
CONNECT = b"CONNECT tfhub.dev:443 HTTP/1.1\r\nHost: tfhub.dev:443\r\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def closed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A site where nobody passes without a token."""
    folder = tmp_path_factory.mktemp("closed")
    settings = {"access.auth": "required", "access.realm": "ask ada"}
    async with Site(folder, settings) as site:
        teams = Teams((Team.of_token("nlp", "s3cret", wiring.now()),))
        (folder / "teams.toml").write_text(teams.render())
        site.put(SPICE)
        await site.approve(SPICE)
        yield site


@pytest.mark.parametrize("token", [None, "Bearer wr0ng", "Bearer"])
async def test_the_reverse_port_asks_for_a_token(closed: Site, token: str | None) -> None:
    headers = [f"Authorization: {token}"] if token else []
    answer, behind = await say(closed.url, get(f"/{SPICE}", *headers) + get("/-/live"))
    assert (answer.status, behind) == (401, b"")
    assert answer.headers["www-authenticate"].startswith('Basic realm="ask ada"')
    assert closed.fetches(SPICE) == 0


@pytest.mark.parametrize("token", [None, "Bearer wr0ng", "Bearer"])
@pytest.mark.parametrize("way", ["connect", "url"])
async def test_the_forward_port_asks_for_a_token(closed: Site, way: str, token: str | None) -> None:
    before = len(closed.events())
    header = f"Proxy-Authorization: {token}\r\n".encode() if token else b""
    url = f"GET {URL} HTTP/1.1\r\nHost: tfhub.dev\r\n".encode()
    answer, behind = await say(
        closed.forward_url, (CONNECT if way == "connect" else url) + header + b"\r\n"
    )
    assert (answer.status, behind) == (407, b"")
    assert answer.headers["proxy-authenticate"].startswith('Basic realm="ask ada"')
    (event,) = closed.events()[before:]
    assert (event.caller, event.code, event.status) == ("127.0.0.1", "AUTH_REQUIRED", 407)
    assert closed.fetches(SPICE) == 0


async def test_the_other_ports_header_is_no_token(closed: Site) -> None:
    answer, _ = await say(closed.url, get(f"/{SPICE}", f"Proxy-Authorization: {BEARER}"))
    assert answer.status == 401
    answer, _ = await say(closed.forward_url, asked(URL, f"Authorization: {BEARER}"))
    assert answer.status == 407


@pytest.mark.parametrize("path", ["/-/live", "/-/ready", "/-/env.json", "/"])
async def test_the_proxys_own_pages_are_for_everybody(closed: Site, path: str) -> None:
    async with Raw(closed.url) as raw:
        raw.say(get(path))
        assert (await raw.answer()).status == 200
        raw.say(get(f"/{SPICE}"))
        assert (await raw.answer()).status == 401


async def test_a_team_goes_on_record_by_its_name(closed: Site) -> None:
    before = len(closed.events())
    async with Raw(closed.url) as raw:
        raw.say(get(f"/{SPICE}", f"Authorization: {BEARER}", method="HEAD"))
        assert (await raw.answer(bodiless=True)).status == 200
    async with Raw(closed.forward_url) as raw:
        raw.say(asked(URL, f"Proxy-Authorization: {BEARER}", method="HEAD"))
        assert (await raw.answer(bodiless=True)).status == 200
    answer, _ = await say(
        closed.forward_url,
        b"CONNECT a.example:443 HTTP/1.0\r\nProxy-Authorization: " + BEARER.encode() + b"\r\n\r\n",
    )
    assert answer.status == 403
    assert [event.caller for event in closed.events()[before:]] == ["nlp"] * 3


async def test_a_tunnel_is_its_teams_whatever_is_said_inside(closed: Site) -> None:
    before = len(closed.events())
    async with Raw(closed.forward_url) as raw:
        await raw.tunnel(
            "tfhub.dev:443", trusting(closed), headers=f"Proxy-Authorization: {BEARER}\r\n"
        )
        path = "/" + SPICE.partition("/")[2]
        raw.say(asked(path, "Authorization: Bearer other", method="HEAD"))
        assert (await raw.answer(bodiless=True)).status == 200
    assert [event.caller for event in closed.events()[before:]] == ["nlp"]


async def test_who_has_not_said_it_again_is_not_the_one_before(closed: Site) -> None:
    """On one connection, as from a proxy in between."""
    before = len(closed.events())
    async with Raw(closed.forward_url) as raw:
        raw.say(asked(URL, f"Proxy-Authorization: {BEARER}", method="HEAD"))
        await raw.answer(bodiless=True)
        raw.say(asked(URL, f"Proxy-Authorization: {BEARER}x", method="HEAD"))
        assert (await raw.answer(bodiless=True)).status == 407
    assert [event.caller for event in closed.events()[before:]] == ["nlp", "127.0.0.1"]
