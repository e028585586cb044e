"""A gate that knows more than the one before: what it would change, and what it does change."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hubproxy.config import load
from hubproxy.core.record import Record
from hubproxy.errors import DataFolderError, StorageFullError
from hubproxy.inspection.inspected import Inspected
from hubproxy.wiring import rescanning
from tests.service.test_quarantine import NEVER, POISON, held, mode
from tests.site import SPICE, Site

OTHER = "tfhub.dev/google/other/1"


async def knows_nothing(archive: int, record: Record) -> Inspected:
    """A gate of before, which found nothing in anything."""
    return Inspected(gate=0, table=0)


@pytest.fixture
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """A site that has pinned, by that gate, a poisoned module and a clean one."""
    monkeypatch.setattr("hubproxy.wiring.daemon.look_into", knows_nothing)
    async with Site(tmp_path, mode("first-use")) as site:
        for handle, files in ((SPICE, POISON), (OTHER, None)):
            site.put(handle, files) if files else site.put(handle)
            assert (await site.get(handle)).status == 200
        await site.settled()
        yield site


def seen(site: Site) -> list[rescanning.Seen]:
    here = rescanning.everything(site.config)
    found = [rescanning.look_again(one, here.allow) for one in here.modules]
    return [one for one in found if one is not None]


async def test_it_tells_what_would_change_and_changes_nothing(site: Site) -> None:
    before = sorted(path for path in site.folder.rglob("*"))
    told = {one.told.handle: one.told for one in seen(site)}
    assert told.keys() == {SPICE, OTHER}
    assert (told[SPICE].place, told[SPICE].was, told[SPICE].verdict) == ("pinned", "pass", "hold")
    assert told[SPICE].new == ("op:WriteFile in function inner",)
    assert not told[OTHER].changed
    assert sorted(path for path in site.folder.rglob("*")) == before
    assert (await site.get(SPICE)).status == 200


async def test_what_first_use_pinned_is_held_and_served_no_more(site: Site) -> None:
    plain = (await site.get(SPICE)).body
    found = seen(site)
    with pytest.raises(DataFolderError, match="in use by another process"):
        list(rescanning.settle(site.config, found))
    await site.stop()
    done = [(one.told.handle, what) for one, what in rescanning.settle(site.config, found)]
    assert done == [(SPICE, "held as Q1")]
    await site.start()
    site.origin.requests.clear()
    answer = await site.get(SPICE)
    assert (answer.status, answer.problem["code"]) == (403, "HP-T02")
    assert site.origin.requests == []
    assert held(site).archive("Q1").read_bytes() == plain
    (waiting,) = held(site).all()
    assert waiting.record.findings == ("op:WriteFile in function inner",)
    assert not (site.folder / "data/blobs/sha256" / waiting.record.archive_digest.hex[:2]
                / waiting.record.archive_digest.hex).exists()  # fmt: skip
    assert (await site.get(OTHER)).status == 200
    assert [one.told.changed for one in seen(site)] == [False, False]


async def test_what_is_never_accepted_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubproxy.wiring.daemon.look_into", knows_nothing)
    async with Site(tmp_path, mode("first-use")) as site:
        site.put(SPICE, NEVER)
        assert (await site.get(SPICE)).status == 200
        await site.settled()
        found = seen(site)
        await site.stop()
        (one,) = rescanning.settle(site.config, found)
        assert one[1] == "removed; it is never accepted"
        monkeypatch.undo()
        await site.start()
        assert (await site.get(SPICE)).problem["code"] == "HP-T06"
        assert seen(site) == []
        assert held(site).all() == []


@pytest.mark.parametrize("step", ["HeldModules.hold", "RefStore.drop", "BlobStore.remove"])
async def test_an_end_in_the_middle_serves_nothing_and_can_be_done_again(
    site: Site, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    found = seen(site)
    await site.stop()

    def ends(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"hubproxy.store.withdraw.{step}", ends)
        with pytest.raises(KeyboardInterrupt):
            list(rescanning.settle(site.config, found))
    await site.start()
    before = await site.get(SPICE)
    assert before.status == (200 if step == "HeldModules.hold" else 403)
    found = seen(site)
    await site.stop()
    list(rescanning.settle(site.config, found))
    await site.start()
    assert (await site.get(SPICE)).problem["code"] == "HP-T02"
    assert len(held(site).all()) == 1
    assert list((site.folder / "data/tmp").iterdir()) == []


async def test_where_the_quarantine_is_full_all_stays_as_it_was(site: Site) -> None:
    found = seen(site)
    await site.stop()
    config = load(site.folder / "hubproxy.toml", {}, {**site.given, "store.quarantine": "10B"})
    with pytest.raises(StorageFullError):
        list(rescanning.settle(config, found))
    await site.start()
    assert (await site.get(SPICE)).status == 200


async def test_what_is_listed_is_for_officers_to_change(site: Site) -> None:
    await site.approve(SPICE)
    await site.get(SPICE)
    told = {one.told.handle: one.told for one in seen(site)}
    assert (told[SPICE].place, told[SPICE].officers, told[SPICE].withdrawn) == (
        "listed",
        True,
        False,
    )
    assert "the officers' policy does not allow" in told[SPICE].refused
    found = seen(site)
    await site.stop()
    assert list(rescanning.settle(site.config, found)) == []
    await site.start()
    assert (await site.get(SPICE)).status == 200


async def test_what_is_held_has_todays_findings_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubproxy.wiring.daemon.look_into", knows_nothing)
    async with Site(tmp_path, mode("quarantine")) as site:
        site.put(SPICE, POISON)
        assert (await site.get(SPICE)).problem["code"] == "HP-T02"
        found = seen(site)
        assert found[0].told.number == "Q1"
        await site.stop()
        ((_, what),) = rescanning.settle(site.config, found)
        assert what == "noted"
        await site.start()
        assert "op:WriteFile in function inner" in (await site.get(SPICE)).problem["detail"]


async def test_without_a_list_what_is_held_is_looked_into_all_the_same(tmp_path: Path) -> None:
    async with Site(tmp_path, mode("quarantine")) as site:
        site.put(SPICE, POISON)
        await site.get(SPICE)
    (site.folder / "data/trust/root.json").unlink()
    (found,) = seen(site)
    assert (found.told.place, found.told.changed) == ("held", False)
