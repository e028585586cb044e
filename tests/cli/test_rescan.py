"""`hubproxy rescan`: a store that an older gate has filled."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.place import SPICE, Place
from tests.origin import Origin
from tests.service.test_quarantine import POISON, mode
from tests.service.test_rescan import OTHER, knows_nothing
from tests.site import Site


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    """Where a daemon of before has pinned a poisoned module, and a clean one."""
    with monkeypatch.context() as before:
        before.setattr("hubproxy.wiring.daemon.look_into", knows_nothing)
        async with Site(tmp_path, mode("first-use")) as site:
            site.put(SPICE, POISON)
            site.put(OTHER)
            for handle in (SPICE, OTHER):
                await site.get(handle)
            await site.settled()
    async with Origin() as origin:
        yield Place(tmp_path, origin)


async def test_it_lists_what_would_change_and_then_does_it(place: Place) -> None:
    listed = await place.run("rescan")
    assert listed.status == 1
    assert listed.out.splitlines() == [
        f"{SPICE}  pinned  pass -> hold  (gate 0.0 -> gate 2.2)",
        "    + op:WriteFile in function inner",
        "    next: hubproxy rescan --apply holds it for officers",
    ]
    assert listed.errors == "looked into 2 modules: 1 would change\n"
    assert (await place.run("quarantine", "list")).out == ""

    (told,) = (await place.run("rescan", "--json", SPICE)).objects
    assert (told["handle"], told["place"], told["verdict"]) == (SPICE, "pinned", "hold")
    assert (await place.good("rescan", OTHER)).errors == "looked into 1 modules: 0 would change\n"

    done = await place.good("rescan", "--apply")
    assert f"{SPICE}: held as Q1" in done.errors
    assert "op:WriteFile in function inner" in (await place.good("quarantine", "list")).out
    assert (await place.good("rescan")).out == ""


async def test_what_officers_signed_is_told_with_their_command(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        site.put(SPICE, POISON)
        await site.approve(SPICE)
        await site.get(SPICE)
        done = await Place(tmp_path, site.origin).run("rescan", "--apply")
    assert done.status == 1
    assert done.out.splitlines() == [
        f"{SPICE}  listed  pass -> hold  (no gate -> gate 2.2)",
        "    + op:WriteFile in function inner",
        f"    next: hubproxy trust policy allow {SPICE} op:WriteFile --why REASON, or revoke it",
    ]
    assert "1 would change" in done.errors


@pytest.mark.parametrize("words", [("tfhub.dev/google/none/1",), ("a b",)])
async def test_what_is_not_here_is_not_looked_into(place: Place, words: tuple[str, ...]) -> None:
    done = await place.run("rescan", *words)
    assert done.status == 2


async def test_beside_a_daemon_it_looks_and_does_nothing(place: Place) -> None:
    async with place.serving("--mode", "first-use"):
        assert (await place.run("rescan")).status == 1
        done = await place.run("rescan", "--apply")
        assert done.status == 1
        assert "is in use by another process" in done.errors
        assert "Stop that process" in done.errors
    assert (await place.run("rescan")).status == 1


async def test_a_module_that_is_not_here_is_counted(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        site.put(SPICE)
        await site.approve(SPICE)
        done = await Place(tmp_path, site.origin).run("rescan")
    assert done.errors == "looked into 0 modules, 1 are not here: 0 would change\n"
