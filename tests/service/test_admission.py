"""May this be served? Under the officers' policy, by a whole daemon."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hubproxy.core.policy import EvidenceRule, Policy
from hubproxy.core.record import CardNote, Evidence
from tests import faults
from tests.byhand import ByHand
from tests.site import PYTHON, SPICE, Site, large

PATH = "/google/spice/2"
OTHER = "tfhub.dev/google/nnlm/1"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A site with `SPICE` in its store."""
    async with Site(tmp_path) as site:
        site.put(SPICE)
        await site.approve(SPICE)
        await site.get(SPICE)
        await site.settled()
        yield site


KEY = EvidenceRule(pattern="tfhub.dev/google/**", kind="minisign", identity="google", key="RWQ")
CARD = CardNote(digest=f"sha256:{'0' * 64}", size=1, fields=("task",), unknown=("datasets: ada",))
EVE, GOOGLE = (
    Evidence(
        kind="minisign",
        identity=name,
        digest=f"sha256:{'0' * 64}",
        verified_at="2024-03-01T12:00:00.000Z",
    )
    for name in ("eve", "google")
)


@pytest.mark.parametrize(
    ("policy", "changed", "code", "told"),
    [
        pytest.param(Policy(), {}, "", "", id="nothing-is-demanded"),
        pytest.param(Policy(largest_module=2048), {}, "HP-T16", "allows 2,048", id="too-large"),
        pytest.param(
            Policy(evidence=(KEY,)),
            {},
            "HP-T12",
            "signature missing: google",
            id="row 12: unsigned",
        ),
        pytest.param(
            Policy(evidence=(KEY,)),
            {"evidence": (EVE,)},
            "HP-T12",
            "identity google (minisign) expected, eve (minisign) found",
            id="row 12: signed by somebody else",
        ),
        pytest.param(Policy(evidence=(KEY,)), {"evidence": (GOOGLE,)}, "", "", id="row 12: signed"),
        pytest.param(
            Policy(card_fields=("task",)),
            {},
            "HP-T16",
            "no card that says of it: task",
            id="row 26",
        ),
        pytest.param(
            Policy(card_fields=("task", "datasets")), {"card": CARD}, "", "", id="row 26: a card"
        ),
        pytest.param(
            Policy(overdue="refuse"),
            {"review_by": "2024-01-01"},
            "HP-T16",
            "reviewed again by 2024-01-01",
            id="row 26: review overdue",
        ),
    ],
)
@pytest.mark.parametrize("mode", ["enforce", "first-use"])
async def test_what_officers_signed_is_served_if_it_meets_their_policy(
    tmp_path: Path,
    mode: str,
    policy: Policy,
    changed: dict[str, Any],
    code: str,
    told: str,
) -> None:
    async with Site(tmp_path, {"trust.mode": mode}) as site:
        site.put(SPICE)
        record = await site.approve(SPICE)
        officers = ByHand(site)
        await officers.list_record(msgspec.structs.replace(record, **changed))
        await officers.demand(policy)

        got = await site.get(SPICE)

        assert got.status == (403 if code else 200)
        assert site.events()[-1].code == code
        assert told in site.events()[-1].reason
        assert site.fetches(SPICE) == (0 if code else 1)


async def test_row_26_an_overdue_review_is_told_with_the_answer(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        site.put(SPICE)
        record = await site.approve(SPICE)
        changed = msgspec.structs.replace(record, review_by="2024-01-01")
        await ByHand(site).list_record(changed)

        got = await site.get(SPICE)

        assert (got.status, got.headers["X-Hubproxy-Trust"]) == (200, "overdue")
        assert got.headers["Warning"] == (
            f'199 hubproxy "HP-T16: {SPICE} was to be reviewed again by 2024-01-01"'
        )
        assert (site.events()[-1].code, site.events()[-1].outcome) == ("HP-T16", "served")


async def test_a_policy_holds_from_the_next_refresh_for_what_is_stored(site: Site) -> None:
    officers = ByHand(site)
    assert (await site.get(SPICE)).status == 200
    await officers.demand(Policy(largest_module=100))
    assert (await site.get(SPICE)).problem["code"] == "HP-T16"
    await officers.demand(Policy(largest_module=10**9))
    assert (await site.get(SPICE)).status == 200


async def test_a_policy_that_changes_while_a_client_waits_holds_for_it(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        site.put(SPICE, large())
        await site.approve(SPICE)
        go_on = asyncio.Event()
        site.origin.misbehave(PATH, faults.stalled(6_000_000, until=go_on))
        waiting = asyncio.create_task(site.get(SPICE, {**PYTHON, "Range": "bytes=9000000-"}))
        await site.origin.asked(PATH)
        await ByHand(site).demand(Policy(largest_module=100))
        go_on.set()
        assert (await waiting).problem["code"] == "HP-T16"


async def test_the_officers_mode_goes_before_a_laxer_one_of_the_site(tmp_path: Path) -> None:
    async with Site(tmp_path, {"trust.mode": "first-use"}) as site:
        for handle in (SPICE, OTHER):
            site.put(handle)
        assert (await site.get(SPICE)).headers["X-Hubproxy-Trust"] == "unreviewed"
        await site.settled()
        site.origin.requests.clear()
        await ByHand(site).demand(Policy(mode="enforce"))

        for handle in (SPICE, OTHER):
            assert (await site.get(handle)).problem["code"] == "HP-T01"
        assert site.origin.requests == []


async def test_first_use_keeps_nothing_that_is_larger_than_the_officers_allow(
    tmp_path: Path,
) -> None:
    async with Site(tmp_path, {"trust.mode": "first-use"}) as site:
        for handle in (SPICE, OTHER):
            site.put(handle)
        await site.get(SPICE)
        await site.settled()
        await ByHand(site).demand(Policy(largest_module=100))

        new, pinned = await site.get(OTHER), await site.get(SPICE)

        for got in (new, pinned):
            assert (got.status, got.problem["code"]) == (403, "HP-T16")
        assert len(list((site.folder / "data" / "pins").rglob("@*"))) == 1


async def test_a_team_whose_role_cannot_be_read_does_not_stop_the_others(site: Site) -> None:
    nlp = "tfhub.dev/nlp/bert/1"
    await ByHand(site).team("nlp", "tfhub.dev/nlp/*/*/*")
    for path in (site.folder / "data" / "trust").rglob("*.nlp.json"):
        path.write_bytes(b"{}")
    await site.restart({})

    assert (await site.get(nlp)).status == 503
    assert (await site.get(SPICE)).status == 200


async def test_a_module_in_the_store_is_refused_from_the_first_request_after_a_refresh(
    site: Site,
) -> None:
    record = await site.approve(SPICE)
    assert (await site.get(SPICE)).status == 200
    await site.revoke(record, reason="found to leak addresses")

    got = await site.get(SPICE, {**PYTHON, "If-None-Match": f'"{record.archive.digest}"'})

    assert (got.status, got.problem["code"]) == (410, "HP-T10")
    assert "found to leak addresses" in got.problem["detail"]
    assert site.events()[-1].outcome == "refused"
