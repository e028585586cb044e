"""What nobody has listed: fetched, looked into, and held until officers decide. A whole daemon."""

from pathlib import Path

import msgspec
import pytest

from hubproxy import wiring
from hubproxy.core.policy import Policy
from hubproxy.store.quarantine import HeldModules
from hubproxy.trust.contents import Contents
from hubproxy.trust.proposing import set_policy
from tests.inspection.gate.looking import function, graph_of, step
from tests.inspection.wire import meta, saved_model
from tests.models import MODEL, tiny
from tests.site import PYTHON, SPICE, Site

POISON = {
    "saved_model.pb": saved_model(
        meta(
            graph_of(
                functions=(
                    function("outer", "x", step("PartitionedCall", "c", "x", calls="inner")),
                    function("inner", "x", step("WriteFile", "w", "x", "x")),
                )
            )
        )
    )
}
NEVER = {"saved_model.pbtxt": b"meta_graphs {}"}
CURL = {"User-Agent": "curl/8"}


def mode(name: str) -> dict[str, object]:
    return {"trust.mode": name}


def held(site: Site) -> HeldModules:
    return wiring.held_modules(site.config)


@pytest.mark.parametrize("headers", [PYTHON, CURL])
@pytest.mark.parametrize(
    ("name", "files"), [("first-use", POISON), ("quarantine", POISON), ("quarantine", MODEL)]
)
async def test_what_waits_for_officers_is_served_by_no_way(
    tmp_path: Path, name: str, files: dict[str, bytes], headers: dict[str, str]
) -> None:
    async with Site(tmp_path, mode(name)) as site:
        plain = site.put(SPICE, files)
        answers = [
            await site.get(SPICE, headers, query="?tf-hub-format=compressed"),
            await site.get(SPICE, {**headers, "Range": "bytes=0-99"}),
            await site.get(SPICE, headers, method="HEAD"),
            await site.get(SPICE, headers),
        ]
        assert [answer.status for answer in answers] == [403] * 4
        assert not any(plain[:512] in answer.body for answer in answers)
        assert "HP-T02" in answers[0].reason
        assert "is held for review as Q1 since" in answers[0].problem["detail"]
        assert site.fetches(SPICE) == 1
        (waiting,) = held(site).all()
        assert waiting.number == "Q1"
        assert held(site).archive("Q1").read_bytes() == plain
        events = site.events()
        assert [event.code for event in events] == ["HP-T02"] * 4
        assert {event.archive for event in events[1:]} == {waiting.record.archive.digest}


async def test_a_refusal_names_what_was_found(tmp_path: Path) -> None:
    async with Site(tmp_path, mode("first-use")) as site:
        site.put(SPICE, POISON)
        answer = await site.get(SPICE)
        assert "findings: op:WriteFile in function inner" in answer.problem["detail"]
        assert "hubproxy request" in answer.problem["remedy"]
        (waiting,) = held(site).all()
        assert waiting.record.gate is not msgspec.UNSET
        assert waiting.record.gate.verdict == "hold"
        assert waiting.record.findings == ("op:WriteFile in function inner",)
        assert [ask.caller for ask in waiting.asks] == ["127.0.0.1"]


async def test_first_use_pins_what_has_nothing_to_find(tmp_path: Path) -> None:
    async with Site(tmp_path, mode("first-use")) as site:
        plain = site.put(SPICE)
        answer = await site.get(SPICE)
        assert (answer.status, answer.body) == (200, plain)
        assert answer.headers["X-Hubproxy-Trust"] == "unreviewed"
        assert held(site).all() == []


@pytest.mark.parametrize("name", ["first-use", "quarantine"])
async def test_what_is_never_accepted_is_not_even_held(tmp_path: Path, name: str) -> None:
    async with Site(tmp_path, mode(name)) as site:
        site.put(SPICE, NEVER)
        for _ in range(2):
            answer = await site.get(SPICE)
            assert answer.status == 403
            assert answer.problem["code"] == "HP-T06"
            assert "saved_model:pbtxt in saved_model.pbtxt" in answer.problem["detail"]
        assert site.fetches(SPICE) == 1
        assert held(site).all() == []
        assert list((tmp_path / "data" / "tmp").iterdir()) == []


async def test_in_enforce_what_is_held_already_is_told_and_nothing_is_fetched(
    tmp_path: Path,
) -> None:
    async with Site(tmp_path, mode("quarantine")) as site:
        site.put(SPICE)
        await site.get(SPICE)
        await site.restart(mode("enforce"))
        site.origin.requests.clear()
        assert (await site.get(SPICE)).problem["code"] == "HP-T02"
        assert (await site.get("tfhub.dev/google/other/1")).problem["code"] == "HP-T01"
        assert site.origin.requests == []


async def test_officers_may_demand_quarantine_of_every_site(tmp_path: Path) -> None:
    async with Site(tmp_path, mode("first-use")) as site:
        contents = Contents(site.list.published)
        site.list.change(
            [set_policy(Policy(mode="quarantine"), contents)],
            contents,
            signers=[site.officer],
            online=[site.online],
        )
        await site.daemon.trust.refresh()
        site.put(SPICE)
        assert (await site.get(SPICE)).problem["code"] == "HP-T02"


async def test_many_who_ask_at_once_hold_one_module(tmp_path: Path) -> None:
    async with Site(tmp_path, mode("quarantine")) as site:
        site.put(SPICE)
        answers = await site.many(SPICE, 20)
        assert {answer.problem["code"] for answer in answers} == {"HP-T02"}
        assert site.fetches(SPICE) == 1
        assert len(held(site).all()) == 1


async def test_other_bytes_upstream_change_nothing_of_what_is_held(tmp_path: Path) -> None:
    async with Site(tmp_path, mode("quarantine")) as site:
        first = site.put(SPICE)
        await site.get(SPICE)
        site.put(SPICE, {"saved_model.pb": tiny("other bytes")})
        await site.restart({})
        assert (await site.get(SPICE)).problem["code"] == "HP-T02"
        assert held(site).archive("Q1").read_bytes() == first


async def test_what_officers_list_is_served_and_waits_no_longer(tmp_path: Path) -> None:
    async with Site(tmp_path, mode("quarantine")) as site:
        plain = site.put(SPICE)
        await site.get(SPICE)
        await site.approve(SPICE)
        answer = await site.get(SPICE)
        assert (answer.status, answer.body) == (200, plain)
        assert held(site).all() == []


async def test_a_number_is_never_given_twice(tmp_path: Path) -> None:
    async with Site(tmp_path, mode("quarantine")) as site:
        for number in range(1, 4):
            handle = f"tfhub.dev/google/spice/{number}"
            site.put(handle)
            await site.get(handle)
            held(site).drop(f"Q{number}")
            await site.restart({})
        site.put(SPICE)
        assert "Q4" in (await site.get(SPICE)).problem["detail"]


async def test_what_a_command_drops_is_fetched_again(tmp_path: Path) -> None:
    async with Site(tmp_path, mode("quarantine")) as site:
        site.put(SPICE)
        await site.get(SPICE)
        held(site).drop("Q1")
        assert "Q2" in (await site.get(SPICE)).problem["detail"]


async def test_a_full_quarantine_says_who_can_empty_it(tmp_path: Path) -> None:
    async with Site(tmp_path, {**mode("quarantine"), "store.quarantine": "1KiB"}) as site:
        site.put(SPICE)
        answer = await site.get(SPICE)
        assert (answer.status, answer.problem["code"]) == (507, "STORAGE_FULL")
        assert "hubproxy quarantine list" in answer.problem["remedy"]
        assert list((tmp_path / "data" / "tmp").iterdir()) == []
