"""An expired list: what is stored goes on being served for a while, and nothing new comes in."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hubproxy import wiring
from hubproxy.trust.officer import Repository
from tests import faults
from tests.byhand import ByHand
from tests.models import tiny
from tests.site import PYTHON, SPICE, Site, large

PATH = "/google/spice/2"
OTHER = "tfhub.dev/google/nnlm/1"
A_DAY = timedelta(days=1)


class Ahead:
    """The machine's time, and so much more."""

    def __init__(self) -> None:
        self.by = timedelta()

    def __call__(self) -> Any:
        return wiring.now() + self.by


@pytest.fixture
def clock() -> Ahead:
    return Ahead()


@pytest.fixture
async def site(tmp_path: Path, clock: Ahead) -> AsyncIterator[Site]:
    """A site with `SPICE` in its store, and `OTHER` on the list alone."""
    async with Site(tmp_path, daemon_clock=clock) as site:
        site.put(SPICE)
        await site.approve(SPICE)
        await site.get(SPICE)
        await site.settled()
        site.put(OTHER, {"saved_model.pb": tiny("another graph")})
        await site.approve(OTHER)
        yield site


async def test_row_5_in_grace_what_is_stored_is_served_with_a_warning(
    site: Site, clock: Ahead
) -> None:
    clock.by = 8 * A_DAY
    await site.daemon.trust.refresh()

    for method in ("GET", "HEAD"):
        got = await site.get(SPICE, method=method)
        assert got.status == 200
        assert got.headers["X-Hubproxy-Trust"] == "expired"
        assert got.headers["Warning"].startswith('199 hubproxy "HP-T07: trust list expired on ')
    assert site.daemon.trust.error is not None
    assert site.daemon.trust.error.code == "HP-T07"

    for event in site.events()[-2:]:
        assert (event.outcome, event.status, event.code) == ("served", 200, "HP-T07")
        assert "what is stored is served until" in event.reason


async def test_row_5_in_grace_nothing_new_is_fetched(site: Site, clock: Ahead) -> None:
    clock.by = 8 * A_DAY

    for method in ("GET", "HEAD"):
        got = await site.get(OTHER, method=method)
        assert got.status == 503
        assert got.headers["X-Hubproxy-Reason"].startswith("hubproxy HP-T07: trust list expired")
        assert f"nothing new is fetched until it is renewed, such as {OTHER}" in (
            site.events()[-1].reason
        )
    assert site.fetches(OTHER) == 0


async def test_row_5_after_the_grace_nothing_is_served_until_it_is_renewed(
    site: Site, clock: Ahead
) -> None:
    clock.by = 7 * A_DAY + 14 * A_DAY

    got = await site.get(SPICE)
    assert got.status == 503
    assert got.problem["code"] == "HP-T07"
    assert got.problem["detail"].endswith("UTC, grace of 14 days ended")

    Repository(wiring.places(site.config).repository, clock=clock).renew(online=site.online)
    await site.daemon.trust.refresh()
    got = await site.get(SPICE)
    assert got.status == 200
    assert "X-Hubproxy-Trust" not in got.headers
    assert "Warning" not in got.headers
    assert site.events()[-1].code == ""


async def test_row_5_offline_a_daemon_that_starts_in_grace_goes_on_with_what_it_knew(
    site: Site, clock: Ahead
) -> None:
    repository = wiring.places(site.config).repository
    repository.rename(repository.with_name("away"))
    clock.by = 8 * A_DAY
    await site.restart({})

    got = await site.get(SPICE)
    assert (got.status, got.headers["X-Hubproxy-Trust"]) == (200, "expired")
    clock.by = 22 * A_DAY
    assert (await site.get(SPICE)).problem["code"] == "HP-T07"


async def test_row_5_in_grace_a_damaged_module_is_not_fetched_anew(
    site: Site, clock: Ahead
) -> None:
    await site.stop()
    (blob,) = (
        path
        for path in (site.folder / "data" / "blobs").rglob("*")
        if path.is_file() and path.stat().st_size >= 2048 and b"a graph" in path.read_bytes()
    )
    blob.write_bytes(blob.read_bytes().replace(b"a graph", b"A graph"))
    clock.by = 6 * A_DAY
    await site.start()
    clock.by = 8 * A_DAY

    got = await site.get(SPICE)
    assert (got.status, got.problem["code"]) == (503, "HP-T07")
    assert site.fetches(SPICE) == 0


async def test_row_5_a_revoked_module_stays_refused_in_grace(site: Site, clock: Ahead) -> None:
    assert (await site.get(SPICE)).status == 200
    await site.revoke(await site.approve(SPICE), reason="found to leak addresses")

    now = await site.get(SPICE)
    clock.by = 8 * A_DAY
    later = await site.get(SPICE)

    for got in (now, later):
        assert (got.status, got.problem["code"]) == (410, "HP-T10")
        assert "found to leak addresses" in got.problem["detail"]


async def test_row_5_what_first_use_has_pinned_and_stored_has_the_grace_and_nothing_is_pinned(
    tmp_path: Path, clock: Ahead
) -> None:
    async with Site(tmp_path, {"trust.mode": "first-use"}, daemon_clock=clock) as site:
        site.put(SPICE)
        await site.get(SPICE)
        await site.settled()
        site.put(OTHER)
        clock.by = 8 * A_DAY

        pinned, new = await site.get(SPICE), await site.get(OTHER)

        assert pinned.headers["X-Hubproxy-Trust"] == "unreviewed, expired"
        assert (new.status, new.problem["code"]) == (503, "HP-T07")
        assert site.fetches(OTHER) == 0


async def test_a_list_that_is_renewed_while_a_client_waits_changes_nothing_for_it(
    tmp_path: Path,
) -> None:
    async with Site(tmp_path) as site:
        wanted = site.put(SPICE, large())
        await site.approve(SPICE)
        go_on = asyncio.Event()
        site.origin.misbehave(PATH, faults.stalled(6_000_000, until=go_on))
        waiting = asyncio.create_task(site.get(SPICE, {**PYTHON, "Range": "bytes=9000000-"}))
        await site.origin.asked(PATH)
        later = Repository(
            wiring.places(site.config).repository,
            clock=lambda: wiring.now() + timedelta(hours=1),
        )
        later.renew(online=site.online)
        await site.daemon.trust.refresh()
        go_on.set()
        assert (await waiting).body == wanted[9000000:]


async def test_row_24_an_expired_list_makes_no_request_for_what_nobody_listed(
    site: Site, clock: Ahead
) -> None:
    unlisted = "tfhub.dev/google/unlisted/1"
    site.put(unlisted)
    for ahead, status in ((0, 403), (8, 403), (22, 503)):
        clock.by = ahead * A_DAY
        assert (await site.get(unlisted)).status == status
    assert site.origin.requests == []


async def test_row_5_a_team_whose_role_expired_does_not_stop_the_others(
    site: Site, clock: Ahead
) -> None:
    nlp = "tfhub.dev/nlp/bert/1"
    site.put(nlp)
    record = msgspec.structs.replace(await site.approve(SPICE), handle=nlp)
    await ByHand(site).team("nlp", "tfhub.dev/nlp/*/*/*", record, days=2)
    site.put(nlp)
    assert (await site.get(nlp)).status == 200
    await site.settled()

    clock.by = 3 * A_DAY
    graced, other = await site.get(nlp), await site.get(SPICE)
    clock.by = 16 * A_DAY
    ended = await site.get(nlp)

    assert (graced.status, graced.headers["X-Hubproxy-Trust"]) == (200, "expired")
    assert "trust list of team nlp expired" in graced.headers["Warning"]
    assert "X-Hubproxy-Trust" not in other.headers
    assert (ended.status, ended.problem["code"]) == (503, "HP-T07")
    assert "trust list of team nlp expired" in ended.problem["detail"]
