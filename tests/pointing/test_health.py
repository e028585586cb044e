from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hubproxy import wiring
from hubproxy.pointing.finding import Finding
from hubproxy.pointing.health import check_ca, check_clock, check_ready, check_trust
from hubproxy.pointing.place import Place
from tests.pointing.sites import NOW, root, site
from tests.site import Site

YEAR = timedelta(days=365)


@pytest.mark.parametrize(
    ("ahead", "state"),
    [
        pytest.param(timedelta(seconds=20), "ok", id="ok"),
        pytest.param(timedelta(seconds=-90), "warn", id="behind"),
        pytest.param(timedelta(minutes=6), "FAIL", id="ahead"),
        pytest.param(timedelta(days=-2), "FAIL", id="days"),
    ],
)
def test_clocks_are_compared(ahead: timedelta, state: str) -> None:
    found = check_clock(site(ahead=ahead), datetime(2026, 11, 23, 12, tzinfo=UTC))
    assert found.state == state
    assert ("timedatectl" in found.fix) == (state != "ok")
    if ahead == timedelta(days=-2):
        assert found.text.endswith("2026-11-21")


def ca(now: datetime = NOW, **changed: Any) -> Finding:
    (found,) = check_ca(site(**changed), now)
    return found


def test_a_ca_that_is_narrow_and_fresh_is_good() -> None:
    found = ca()
    assert found.state == "ok"
    assert "permits tfhub.dev, until" in found.text


@pytest.mark.parametrize(
    ("changed", "now", "state", "told", "fix"),
    [
        pytest.param({"ca": b""}, NOW, "FAIL", "gives no CA", "ca show", id="none"),
        pytest.param(
            {"hubs": ("tfhub.dev", "new.example")},
            NOW,
            "FAIL",
            "does not permit new.example",
            "ca rotate",
            id="a-hub-that-came-later",
        ),
        pytest.param({}, NOW + 6 * YEAR, "FAIL", "expired on", "ca rotate", id="expired"),
        pytest.param(
            {}, NOW + 5 * YEAR - timedelta(days=20), "warn", "expires soon", "ca rotate", id="soon"
        ),
        pytest.param({}, NOW - YEAR, "FAIL", "not valid before", "timedatectl", id="not-yet"),
    ],
)
def test_a_ca_that_is_not_is_told(
    changed: dict[str, Any], now: datetime, state: str, told: str, fix: str
) -> None:
    found = ca(now, **changed)
    assert found.state == state
    assert told in found.text
    assert fix in found.fix


def test_a_ca_for_every_host_is_warned_of() -> None:
    trustme = pytest.importorskip("trustme")
    found = ca(ca=trustme.CA().cert_pem.bytes())
    assert found.state == "warn"
    assert "every host" in found.text


def test_what_comes_after_the_ca_in_force_does_not_count() -> None:
    """After a rotation, those before it are there as well."""
    found = ca(ca=site().ca + root("old.example")[0])
    assert "permits tfhub.dev, " in found.text


async def test_a_daemon_is_ready_or_says_why_not(tmp_path: Path) -> None:
    import asyncio

    async with Site(tmp_path / "good") as good:
        found = await asyncio.to_thread(check_ready, Place(good.url))
        trust = await asyncio.to_thread(lambda: list(check_trust(Place(good.url), wiring.now())))
    assert (found.state, found.text) == ("ok", "root 1, timestamp 1")
    assert [one.state for one in trust] == ["ok"]

    def long_ago() -> datetime:
        return wiring.now() - timedelta(days=30)

    async with Site(tmp_path / "old", clock=long_ago) as old:
        found = await asyncio.to_thread(check_ready, Place(old.url))
    assert found.state == "FAIL"
    assert "HP-T07" in found.text
    assert found.fix.startswith("hubproxy trust renew")


async def test_a_list_that_is_soon_to_expire_is_warned_of(tmp_path: Path) -> None:
    import asyncio

    async with Site(tmp_path, clock=lambda: wiring.now() - timedelta(days=5.5)) as site:
        place = Place(site.url)

        async def check(days: float) -> Finding:
            at = wiring.now() + timedelta(days=days)
            (found,) = await asyncio.to_thread(lambda: list(check_trust(place, at)))
            return found

        soon, graced, expired = await check(0), await check(3), await check(17)
    assert (soon.state, graced.state, expired.state) == ("warn", "warn", "FAIL")
    assert "what is stored is served until" in graced.text
    assert soon.fix.startswith("hubproxy trust renew")


async def test_a_daemon_in_the_grace_of_its_list_is_ready_with_a_warning(tmp_path: Path) -> None:
    import asyncio

    ahead = timedelta()
    async with Site(tmp_path, daemon_clock=lambda: wiring.now() + ahead) as site:
        found = []
        for days in (0, 8, 22, -1):
            ahead = timedelta(days=days)
            found.append(await asyncio.to_thread(check_ready, Place(site.url)))
            await site.get("tfhub.dev/google/any/1")  # its event has the time
    assert [one.state for one in found] == ["ok", "warn", "FAIL", "FAIL"]
    assert "degraded: HP-T07: trust list expired" in found[1].text
    assert "grace of 14 days ended" in found[2].text
    assert [one.fix.partition(" ")[0] for one in found] == [
        "",
        "hubproxy",
        "hubproxy",
        "timedatectl",
    ]
