"""`hubproxy quarantine`, and what officers allow: a poisoned module from its first request on."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from hubproxy.core.quarantine import Ask
from hubproxy.store.quarantine import HeldModules
from tests.cli.desks import Desk, Office, begun
from tests.cli.place import SPICE, Place, fetch
from tests.origin import Origin
from tests.service.test_quarantine import POISON
from tests.site import SMALL, plain_tar, tar_gz

LINE = "op:WriteFile in function inner"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """A list of ada, bob and cy, any two of whom sign."""
    async with Origin() as origin:
        yield begun(tmp_path, origin)


@pytest.mark.parametrize("mode", ["quarantine", "first-use"])
async def test_a_poisoned_module_is_held_until_two_named_officers_release_it(
    office: Office, mode: str
) -> None:
    office.ada.put(SPICE, POISON)
    async with office.ada.serving("--mode", mode) as (url, _):
        status, reason, body = await fetch(f"{url}/{SPICE}")
        assert status == 403
        assert "HP-T02" in reason
        assert LINE.encode() in body

        (row,) = (await office.ada.good("quarantine", "list", "--json")).objects
        assert (row["number"], row["handle"], row["verdict"]) == ("Q1", SPICE, "hold")
        shown = (await office.ada.good("quarantine", "show", "Q1")).out
        assert "op:WriteFile" in shown
        assert "writes files on the machine that loads the module" in shown
        assert "wanted by 127.0.0.1" in shown

        done = await office.ada.good(
            "quarantine", "release", "Q1", "--why", "a test", "--key", office.ada.pem
        )
        assert "nothing is fetched" in done.errors
        assert "targets signed by 1 of 2 (ada), bob or cy must sign" in done.out
        status, reason, _ = await fetch(f"{url}/{SPICE}")
        assert status == 403
        assert "Q1 (draft D2)" in reason
        assert (await office.ada.run("trust", "publish", "D2")).status == 2
        assert (await fetch(f"{url}/{SPICE}"))[0] == 403

        office.bob.signs(office.draft("D2"))
        await office.ada.trust("publish", "D2")
        await office.ada.good("reload")
        assert await fetch(f"{url}/{SPICE}") == (200, "OK", plain_tar(tar_gz(POISON)))
        assert (await office.ada.good("quarantine", "list")).out == ""
    assert "a test" in (await office.ada.trust("policy", "show")).out
    record = (await office.ada.trust("show", SPICE)).out
    assert LINE in record


async def test_what_nobody_allows_is_not_proposed(office: Office) -> None:
    office.ada.put(SPICE, POISON)
    done = await office.ada.run("trust", "propose", SPICE)
    assert done.status == 3
    assert f"HP-T06: {SPICE} has {LINE}" in done.errors
    assert f"hubproxy trust policy allow {SPICE} op:WriteFile --why REASON" in done.errors
    assert list(office.ada.data.glob("drafts/D*")) == []


async def test_what_is_never_accepted_is_not_proposed_either(place: Place) -> None:
    await place.begin()
    place.put(SPICE, {**SMALL, "saved_model.pbtxt": b"x"})
    done = await place.run("trust", "approve", SPICE)
    assert done.status == 3
    assert f"{SPICE} is never accepted: saved_model:pbtxt" in done.errors


async def test_officers_allow_a_finding_and_take_that_back(place: Place) -> None:
    await place.begin()
    place.put(SPICE, POISON)
    allow = ("trust", "policy", "allow", f"https://{SPICE}", "op:WriteFile", "--why", "a test")
    await place.good(*allow)
    await place.good("trust", "approve", SPICE)
    async with place.serving() as (url, _):
        assert (await fetch(f"{url}/{SPICE}"))[0] == 200
        await place.good("trust", "policy", "disallow", SPICE)
        await place.good("reload")
        status, reason, _ = await fetch(f"{url}/{SPICE}")
        assert status == 403
        assert "HP-T06" in reason
    done = await place.run("trust", "policy", "disallow", SPICE)
    assert done.status == 2
    assert f"does not allow anything for {SPICE}" in done.errors


@pytest.mark.parametrize(
    ("words", "why"),
    [
        pytest.param([SPICE, "WriteFile", "--why", "x"], "not the name of a finding", id="no name"),
        pytest.param([SPICE, "op:WriteFile", "--why", " "], "gives no reason", id="no reason"),
        pytest.param(
            [SPICE, "op:WriteFile", "--why", "x", "--review-by", "soon"], "not a day", id="no day"
        ),
        pytest.param(
            [SPICE, "op:WriteFile", "--why", "x", "--review-by", "2020-01-01"],
            "has ended already",
            id="over",
        ),
        pytest.param(["a b", "op:WriteFile", "--why", "x"], "not a handle", id="no handle"),
    ],
)
async def test_an_allowance_that_makes_no_sense_is_refused(
    place: Place, words: list[str], why: str
) -> None:
    await place.begin()
    done = await place.run("trust", "policy", "allow", *words)
    assert done.status == 2
    assert why in done.errors


async def hold(place: Place, files: dict[str, bytes] = POISON) -> HeldModules:
    """Let a daemon hold a module, and end it."""
    place.put(SPICE, files)
    async with place.serving("--mode", "quarantine") as (url, _):
        await fetch(f"{url}/{SPICE}")
    return HeldModules(place.data / "quarantine")


async def test_a_team_alone_releases_nothing_in_which_something_was_found(office: Office) -> None:
    mia = Desk(office.folder / "mia", office.ada.origin, name="mia")
    await office.ada.trust(
        *("delegate", "nlp", "--path", "tfhub.dev/google/*/*/*"),
        *("--member", f"mia={mia.pub}", "--key", office.ada.pem),
    )
    office.finish("D2", office.bob, mia)
    await hold(office.ada)
    done = await office.ada.good("quarantine", "release", "Q1", "--why", "x", "--key", mia.pem)
    assert "targets signed by 0 of 2" in done.out
    refused = await office.ada.run("trust", "publish", "D3")
    assert refused.status == 2
    async with office.ada.serving("--mode", "quarantine") as (url, _):
        assert (await fetch(f"{url}/{SPICE}"))[0] == 403
        office.finish("D3", office.ada, office.bob)
        await office.ada.good("reload")
        assert (await fetch(f"{url}/{SPICE}"))[0] == 200


async def test_one_officer_releases_what_has_nothing_to_allow(place: Place) -> None:
    await place.begin()
    await hold(place, SMALL)
    done = await place.good("quarantine", "release", "Q1", "--why", "looked at")
    assert "signed by ada, and published" in done.out
    assert "allow" not in (await place.good("trust", "log")).out


async def test_a_proposal_begins_with_what_is_held(place: Place) -> None:
    await place.begin()
    here = await hold(place, SMALL)
    place.origin.requests.clear()
    done = await place.good("trust", "propose", SPICE)
    assert "held as Q1; nothing is fetched" in done.errors
    assert place.origin.requests == []
    assert here.get("Q1").draft == "D2"
    assert f"{place.origin.url}" in done.out


async def test_a_draft_and_who_asks_are_noted_apart(place: Place) -> None:
    await place.begin()
    here = await hold(place)
    before = here.get("Q1")
    here.drafted("Q1", "D2")
    here.asked(before, Ask(caller="vision", time="2026-03-02T00:00:00.000Z", why="slides"))
    held = here.get("Q1")
    assert (held.draft, [ask.caller for ask in held.asks][-1]) == ("D2", "vision")
    here.drafted("Q1", "D3")
    assert here.get("Q1") == msgspec.structs.replace(held, draft="D3")
    here.drop("Q1")
    here.drafted("Q1", "D4")
    assert not (place.data / "quarantine" / "Q1").exists()


async def test_a_draft_is_not_noted_with_another_module_of_the_same_handle(
    office: Office, tmp_path: Path
) -> None:
    await hold(office.ada)
    shutil.move(office.ada.data / "quarantine" / "Q1", tmp_path / "carried")
    here = await hold(office.ada, SMALL)
    words = ("quarantine", "release", str(tmp_path / "carried"), "--why", "x", "--key")
    assert "signed by 1 of 2" in (await office.ada.good(*words, office.ada.pem)).out
    assert [(held.number, held.draft) for held in here.all()] == [("Q2", "")]


async def test_a_note_of_a_draft_that_is_damaged_is_none(place: Place) -> None:
    await place.begin()
    here = await hold(place)
    (place.data / "quarantine" / "Q1" / "draft").write_bytes(b"\xff\x1b[2J")
    assert here.get("Q1").draft == ""


async def test_a_held_archive_that_was_changed_is_not_released(place: Place) -> None:
    await place.begin()
    here = await hold(place)
    here.archive("Q1").write_bytes(plain_tar(tar_gz(SMALL)))
    done = await place.run("quarantine", "release", "Q1", "--why", "x")
    assert done.status == 2
    assert "the archive of Q1 is sha256:" in done.errors
    assert list(place.data.glob("drafts/D*")) == []


async def test_findings_that_were_left_out_on_the_way_are_found_again(place: Place) -> None:
    await place.begin()
    here = await hold(place)
    here.update(msgspec.structs.replace(here.get("Q1"), findings=()))
    done = await place.run("quarantine", "release", "Q1", "--why", "x")
    assert done.status == 3
    assert f"has {LINE}" in done.errors


async def test_what_another_host_holds_is_released_from_its_folder(
    place: Place, tmp_path: Path
) -> None:
    await place.begin()
    await hold(place)
    shutil.move(place.data / "quarantine" / "Q1", tmp_path / "stick")
    await place.good("quarantine", "release", "stick", "--why", "a test")
    assert SPICE in (await place.good("trust", "list")).out


async def test_what_is_dropped_is_gone_and_on_record(place: Place) -> None:
    await place.begin()
    here = await hold(place)
    await place.good("quarantine", "drop", "Q1", "--why", "writes files")
    assert here.all() == []
    assert list((place.data / "quarantine").glob("*Q1*")) == []
    log = "".join(path.read_text() for path in (place.data / "trust" / "log").iterdir())
    assert f"dropped Q1, {SPICE}: writes files" in log


@pytest.mark.parametrize(
    "words",
    [
        ["show", "Q7"],
        ["drop", "Q7", "--why", "x"],
        ["release", "Q7", "--why", "x"],
        ["release", "nowhere", "--why", "x"],
        ["show", "../Q1"],
    ],
)
async def test_a_number_that_is_not_held_is_said(place: Place, words: list[str]) -> None:
    await place.begin()
    done = await place.run("quarantine", *words)
    assert (done.status, done.out) == (2, "")
    assert "hubproxy quarantine list" in done.errors


async def test_an_empty_quarantine_says_so(place: Place) -> None:
    done = await place.good("quarantine", "list")
    assert (done.out, done.errors) == ("", "nothing is held, and nothing is asked for\n")
