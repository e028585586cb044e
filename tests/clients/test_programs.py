"""Programs that know nothing of hubproxy, through the proxy that their variables name."""

import asyncio
from pathlib import Path

import pytest

from hubproxy import wiring
from hubproxy.core.access import Team
from tests.clients.programs import Errand, Run, Words, curl, requests, run, undici, urllib_of, wget
from tests.site import SPICE, Site, large

PYTHONS: dict[str, Words] = {
    f"urllib-{version}": urllib_of(version) for version in ("3.7", "3.11", "3.12", "3.13")
}
OTHERS: dict[str, Words] = {
    "requests": requests,
    "curl": curl(),
    "curl-in-http-1.0": curl("-0"),
    "curl-with-a-proxy-of-http-1.0": curl("--proxy1.0", "{proxy}"),
    "curl-that-offers-http-2": curl("--http2"),
    "curl-with-a-header-for-the-proxy": curl("--proxy-header", "X-Job: 7"),
    "wget": wget,
}
UNDICI: dict[str, Words] = {"undici": undici}
_SILENT = "undici"  # tells the status of a refused CONNECT, and not its reason


def each(*tables: dict[str, Words]) -> list[object]:
    return [pytest.param(name, words, id=name) for table in tables for name, words in table.items()]


async def fetched(site: Site, words: Words, url: str, *, token: str = "") -> Run:
    """What a program gets of a URL through the site's forward port."""
    proxy = site.forward_url.replace("http://", f"http://{token}")
    ca, file = site.folder / "ca.pem", site.folder / "got"
    ca.write_bytes(site.ca_pem)
    file.unlink(missing_ok=True)
    return await run(words, Errand(url, proxy, ca, file))


@pytest.mark.parametrize(("name", "words"), each(PYTHONS, OTHERS, UNDICI))
async def test_a_module_comes_whole_cold_and_warm(tmp_path: Path, name: str, words: Words) -> None:
    async with Site(tmp_path) as site:
        wanted = site.put(SPICE, large(2.2))
        await site.approve(SPICE)
        for _ in range(2):
            got = await fetched(site, words, f"https://{SPICE}?tf-hub-format=compressed")
            assert (got.status, got.archive == wanted) == (0, True), got.printed
            await site.settled()
        assert site.fetches(SPICE) == 1


@pytest.mark.parametrize(("name", "words"), each(PYTHONS, OTHERS))
async def test_a_handle_of_plain_http_is_served_as_well(
    tmp_path: Path, name: str, words: Words
) -> None:
    async with Site(tmp_path) as site:
        wanted = site.put(SPICE)
        await site.approve(SPICE)
        got = await fetched(site, words, f"http://{SPICE}?tf-hub-format=compressed")
    assert (got.status, got.archive == wanted) == (0, True), got.printed


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize(("name", "words"), each(PYTHONS, OTHERS, UNDICI))
async def test_a_refused_module_shows_its_reason(
    tmp_path: Path, name: str, words: Words, scheme: str
) -> None:
    if (name, scheme) == ("undici", "http"):
        pytest.skip("undici asks for a tunnel to port 80, which there is not")
    async with Site(tmp_path) as site:
        got = await fetched(site, words, f"{scheme}://{SPICE}")
    assert got.status != 0
    assert "403" in got.printed
    assert f"hubproxy HP-T01: {SPICE} is not on the trust list" in got.printed
    assert not got.body


@pytest.mark.parametrize(("name", "words"), each(PYTHONS, OTHERS, UNDICI))
async def test_a_refused_tunnel_shows_its_reason(tmp_path: Path, name: str, words: Words) -> None:
    async with Site(tmp_path) as site:
        got = await fetched(site, words, "https://other.example/google/spice/2")
    assert got.status != 0
    assert "403" in got.printed or name == "wget"
    assert "hubproxy " in got.printed or name == _SILENT
    assert not got.body


@pytest.mark.parametrize(("name", "words"), each(PYTHONS, OTHERS, UNDICI))
async def test_a_job_without_a_token_is_told_where_to_get_one(
    tmp_path: Path, name: str, words: Words
) -> None:
    async with Site(tmp_path, {"access.auth": "required"}) as site:
        site.put(SPICE)
        await site.approve(SPICE)
        got = await fetched(site, words, f"https://{SPICE}")
    assert got.status != 0
    assert "407" in got.printed or name == "wget"
    assert "hubproxy AUTH_REQUIRED" in got.printed or name == _SILENT
    assert not got.body


TOKEN = "hp_correct-horse-battery-staple"
WITH_A_TOKEN: dict[str, Words] = {
    "curl-with-a-proxy-user": curl("--proxy-user", f"vision:{TOKEN}"),
    "curl-with-a-header-for-the-proxy": curl(
        "--proxy-header", f"Proxy-Authorization: Bearer {TOKEN}"
    ),
}


@pytest.mark.parametrize(
    ("name", "words", "user"),
    [
        *((name, words, f"vision:{TOKEN}@") for name, words in (PYTHONS | OTHERS | UNDICI).items()),
        *((name, words, "") for name, words in WITH_A_TOKEN.items()),
    ],
)
async def test_a_job_with_a_token_is_known_by_its_team(
    tmp_path: Path, name: str, words: Words, user: str
) -> None:
    async with Site(tmp_path, {"access.auth": "required"}) as site:
        team = Team.of_token("vision", TOKEN, wiring.now())
        await asyncio.to_thread(wiring.team_file(site.config).add, team)
        wanted = site.put(SPICE)
        await site.approve(SPICE)
        got = await fetched(site, words, f"https://{SPICE}", token=user)
        assert (got.status, got.archive == wanted) == (0, True), got.printed
        answers = [event for event in site.events() if event.event == "answer"]
        assert [event.caller for event in answers] == ["vision"]
        assert TOKEN not in got.printed
