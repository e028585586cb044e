import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from hubproxy.server.metrics import Metrics
from tests import faults
from tests.server.raw import Raw, get
from tests.site import SPICE, Site, large

Sample = tuple[str, tuple[tuple[str, str], ...]]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with Site(tmp_path) as site:
        yield site


def parse(text: bytes) -> dict[Sample, float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


async def scrape(site: Site) -> dict[Sample, float]:
    got = await site.get("metrics")
    assert got.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return parse(got.body)


def answers(found: dict[Sample, float]) -> dict[tuple[str, str, str], float]:
    """(hub, outcome, code) -> how many."""
    return {
        (dict(labels)["hub"], dict(labels)["outcome"], dict(labels)["code"]): value
        for (name, labels), value in found.items()
        if name == "hubproxy_requests_total"
    }


TFHUB = (("hub", "tfhub.dev"),)


async def test_what_happened_is_counted(site: Site) -> None:
    wanted = site.put(SPICE)
    await site.approve(SPICE)
    tag = (await site.get(SPICE)).headers["ETag"]
    await site.settled()
    await site.get(SPICE)
    await site.get(SPICE, {"If-None-Match": tag, "User-Agent": "Python-urllib/3"})
    await site.get(SPICE, {"Range": "bytes=99999999-"})
    await site.get("tfhub.dev/google/nnlm/1")
    await site.get("example.org/google/nnlm/1")
    await site.get("tfhub.dev/goo!gle/1")

    found = await scrape(site)

    assert answers(found) == {
        ("tfhub.dev", "served", ""): 2,
        ("tfhub.dev", "not-modified", ""): 1,
        ("tfhub.dev", "refused", "RANGE_NOT_SATISFIABLE"): 1,
        ("tfhub.dev", "refused", "HP-T01"): 1,
        ("tfhub.dev", "refused", "BAD_REQUEST"): 1,
        ("other", "refused", "UNKNOWN_HUB"): 1,
    }
    assert found["hubproxy_sent_bytes_total", TFHUB] == 2 * len(wanted)
    assert found["hubproxy_cache_total", (*TFHUB, ("result", "hit"))] == 1
    assert found["hubproxy_cache_total", (*TFHUB, ("result", "miss"))] == 1
    assert found["hubproxy_upstream_first_byte_seconds_count", TFHUB] >= 0
    assert found["hubproxy_store_bytes", ()] == len(wanted)
    expires = site.daemon.trust.expires
    assert expires is not None
    assert found["hubproxy_trust_expires_timestamp_seconds", ()] == expires.timestamp()
    assert found["hubproxy_trust_refresh_failed", ()] == 0
    assert found["hubproxy_audit_failed", ()] == 0


async def test_upstreams_answers_and_what_is_in_flight_are_measured(site: Site) -> None:
    site.put(SPICE, large(1.2))
    await site.approve(SPICE)
    go_on = asyncio.Event()
    site.origin.misbehave("/google/spice/2", faults.stalled(5_000_000, until=go_on))
    assert (await scrape(site))["hubproxy_fetches_in_flight", ()] == 0

    asked = asyncio.create_task(site.get(SPICE))
    await site.origin.asked("/google/spice/2")
    during = await scrape(site)
    go_on.set()
    await asked
    await site.settled()
    after = await scrape(site)

    assert during["hubproxy_fetches_in_flight", ()] == 1
    assert after["hubproxy_fetches_in_flight", ()] == 0
    assert after["hubproxy_upstream_first_byte_seconds_count", TFHUB] == 1
    assert after["hubproxy_upstream_first_byte_seconds_sum", TFHUB] > 0


async def test_bytes_of_a_broken_answer_count_too(site: Site) -> None:
    wanted = site.put(SPICE, large(2.2))
    await site.approve(SPICE)
    await site.get(SPICE)
    await site.settled()
    async with Raw(site.url, buffer=4096) as raw:
        raw.say(get(f"/{SPICE}", "User-Agent: Python-urllib/3.11"))
        await raw.reader.readuntil(b"\r\n\r\n")
    event = await site.recorded("aborted")

    while True:  # the counter follows the record
        found = await scrape(site)
        if found["hubproxy_sent_bytes_total", TFHUB] > len(wanted):
            break

    assert found["hubproxy_sent_bytes_total", TFHUB] == len(wanted) + event.bytes
    assert found["hubproxy_aborted_total", (("code", "CLIENT_GONE"), *TFHUB)] == 1


async def test_clients_cannot_make_up_labels(site: Site) -> None:
    before = {key for key, _ in (await scrape(site)).items() if "requests" not in key[0]}
    for number in range(20):
        await site.get(f"hub{number}.example/a/1")
        await site.get(f"x{number}")
    async with Raw(site.url) as raw:
        raw.say(b"G\x00ET /tfhub.dev/%s HTTP/1.1\r\n\r\n" % (b"y" * 50))
        assert (await raw.answer()).status == 400

    found = await scrape(site)

    assert {key for key, _ in found.items() if "requests" not in key[0]} == before
    assert {hub for hub, _, _ in answers(found)} == {"other"}


def test_gauges_are_read_when_somebody_looks() -> None:
    level = [1.0]
    metrics = Metrics(["tfhub.dev"], lambda: [("hubproxy_level", "How high", level[0])])
    assert parse(metrics.text())["hubproxy_level", ()] == 1
    level[0] = 2
    assert parse(metrics.text())["hubproxy_level", ()] == 2
