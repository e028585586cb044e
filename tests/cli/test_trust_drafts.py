"""Drafts that wait for others, and what is never published."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hubproxy.trust.draft import Draft
from tests.cli.desks import Desk, Office, begun, drafted
from tests.cli.place import SPICE, Place

NNLM = "tfhub.dev/google/nnlm-en-dim50/1"
PATTERN = "tfhub.dev/google/*/*/*"


@pytest.fixture
def waiting(place: Place) -> Office:
    """A list that waits for its second signature, as D1."""
    return drafted(place.folder, place.origin)


@pytest.fixture
def office(place: Place) -> Office:
    """A list of three officers, any two of whom sign; its next draft is D2."""
    return begun(place.folder, place.origin)


async def test_a_list_of_several_waits_for_the_second_signature(waiting: Office) -> None:
    ada = waiting.ada
    assert not (ada.data / "trust" / "repo" / "metadata" / "1.root.json").exists()
    listed = (await ada.trust("drafts")).out
    assert listed.startswith("D1  ")
    assert "signed by 1 of 2 (ada), bob or cy must sign" in listed

    copy = waiting.carry("D1")
    signed = await waiting.bob.trust("sign", str(copy), "--key", "bob.pem")
    assert "D1: signed as bob; " in signed.out
    assert "no root is held here: compare " in signed.errors
    merged = await ada.trust("merge", "D1", str(copy))
    assert "publish it where the online key is: hubproxy trust publish D1" in merged.errors
    assert "published D1" in (await ada.trust("publish", "D1")).out

    assert "2 of 2 needed" in (await ada.trust("status")).out
    assert (await ada.trust("drafts")).out == ""
    assert (ada.data / "trust" / "root.json").read_bytes() == (
        ada.data / "trust" / "repo" / "metadata" / "1.root.json"
    ).read_bytes()


async def test_row_9_one_signature_of_two_publishes_nothing(waiting: Office) -> None:
    told = await waiting.ada.refused("publish", "D1")
    assert "bob or cy" in told
    assert not (waiting.ada.data / "trust" / "repo" / "metadata" / "timestamp.json").exists()


async def test_row_9_the_same_key_twice_is_one_signature(waiting: Office) -> None:
    again = await waiting.ada.trust("sign", "D1", "--key", "ada.pem", "--key", "ada.pem")
    assert "signed by 1 of 2 (ada), bob or cy must sign" in again.out
    assert "bob or cy" in await waiting.ada.refused("publish", "D1")


async def test_row_3_a_stranger_signs_nothing(waiting: Office) -> None:
    eve = Desk(waiting.folder / "eve", waiting.ada.origin, name="eve")
    copy = waiting.carry("D1")
    before = {path: path.read_bytes() for path in copy.rglob("*.json")}

    told = await eve.refused("sign", str(copy), "--key", "eve.pem")

    assert "ada, bob, cy" in told
    assert {path: path.read_bytes() for path in copy.rglob("*.json")} == before


async def test_a_draft_is_signed_with_the_right_passphrase_alone(waiting: Office) -> None:
    (waiting.bob.folder / "passphrase").write_text("wrong\n")
    told = await waiting.bob.refused("sign", str(waiting.carry("D1")), "--key", "bob.pem")
    assert "wrong passphrase for bob.pem" in told


@pytest.mark.parametrize(
    "words",
    [
        ["review", "D9"],
        ["review", "nowhere/D1"],
        ["review", "../../etc"],
        ["review", "passphrase"],
        ["sign", "D9", "--key", "ada.pem"],
        ["publish", "D9"],
        ["rebase", "D9"],
        ["abandon", "D9"],
        ["merge", "D1", "D9"],
    ],
    ids=" ".join,
)
async def test_what_is_no_draft_is_named(waiting: Office, words: list[str]) -> None:
    told = await waiting.ada.refused(*words)
    assert "draft" in told


async def test_a_second_officer_approves_on_his_own_machine(office: Office) -> None:
    ada, bob = office.ada, office.bob
    done = await ada.trust("approve", SPICE, "--licence", "Apache-2.0", "--key", "ada.pem")
    assert "D2: targets signed by 1 of 2 (ada), bob or cy must sign" in done.out
    assert (await ada.trust("list")).out == ""

    copy = office.carry("D2")
    told = (await bob.trust("review", str(copy))).out
    assert told.splitlines()[0] == (
        "D2: 1 new: targets signed by 1 of 2 (ada), bob or cy must sign"
    )
    for words in (f"new      {SPICE}  saved_model, listed by targets", "licence    Apache-2.0",
                  "new file   saved_model.pb", "signer     no publisher's signature",
                  "card       none", "NOT verified from a root of yours"):  # fmt: skip
        assert words in told
    bob.signs(copy)
    await ada.trust("merge", "D2", str(copy))
    await ada.trust("publish", "D2")

    assert (await ada.trust("list")).out == f"{SPICE}  saved_model\n"


async def test_with_the_root_in_hand_a_review_says_so(office: Office) -> None:
    shutil.copy(office.ada.data / "trust" / "root.json", office.stick)
    office.bob.variables["HUBPROXY_TRUST_ROOT"] = str(office.stick / "root.json")
    await office.ada.trust("propose", SPICE)
    copy = office.carry("D2")

    shown = (await office.bob.trust("review", str(copy))).out
    signed = await office.bob.trust("sign", str(copy), "--key", "bob.pem")

    assert "verified from the root that this host holds" in shown
    assert "NOT" not in shown
    assert "compare" not in signed.errors


async def test_who_holds_no_root_signs_by_the_fingerprint(office: Office) -> None:
    office.propose()
    copy = str(office.carry("D2"))
    key = office.cy.pem  # cy signed no root: bob did
    shown = (await office.ada.trust("review", "D2", "--json")).objects[0]

    told = await office.cy.refused("sign", copy, "--key", key)
    assert "no root of the list is held here, and this key has signed none" in told
    wrong = await office.cy.run("trust", "sign", copy, "--key", key, "--fingerprint", "ab" * 32)
    assert (wrong.status, wrong.out) == (1, "")
    assert "HP-T09: the first root has the fingerprint" in wrong.errors
    seen = await office.cy.run("trust", "review", copy, "--fingerprint", "ab" * 32)
    assert (seen.status, seen.out) == (1, "")
    (one,) = Draft.load(Path(copy)).missing()
    assert one.signed == ("ada",)

    right = ("--fingerprint", shown["fingerprint"])
    assert (
        "\nverified: its first root has the fingerprint"
        in (await office.cy.trust("review", copy, *right)).out
    )
    signed = await office.cy.trust("sign", copy, "--key", key, *right)
    assert "signed as cy" in signed.out
    assert "compare" not in signed.errors


async def test_a_root_may_be_named(office: Office) -> None:
    office.propose()
    root = shutil.copy(office.ada.data / "trust" / "root.json", office.stick)
    signed = await office.cy.trust(
        "sign", str(office.carry("D2")), "--key", "cy.pem", "--root", str(root)
    )
    assert "signed as cy" in signed.out


async def test_what_is_signed_is_what_was_read(office: Office) -> None:
    office.propose()
    (shown,) = (await office.bob.trust("review", str(office.carry("D2")), "--json")).objects
    shutil.rmtree(office.stick / "D2")
    shutil.copytree(office.propose(NNLM).folder, office.stick / "D2")
    words = ("sign", str(office.stick / "D2"), "--key", "bob.pem")

    told = await office.bob.refused(*words, "--digest", shown["digest"])

    assert "is not what was read" in told
    (one,) = Draft.load(office.stick / "D2").missing()
    assert one.signed == ("ada",)
    signed = await office.bob.trust(*words)
    assert signed.errors.startswith("D3: 1 new: targets signed by 1 of 2 (ada), bob or cy must")
    digest = Draft.load(office.stick / "D2").review().digest
    assert f"; to be signed: {digest}\n" in signed.errors


async def test_a_draft_is_published_through_a_link(office: Office) -> None:
    office.propose()
    office.bob.signs(office.draft("D2"))
    (office.ada.folder / "link").symlink_to(office.draft("D2"))

    done = await office.ada.trust("publish", "link")

    assert done.out.startswith("published D2: ")
    assert (await office.ada.trust("list")).out == f"{SPICE}  saved_model\n"


async def test_a_draft_for_programs(office: Office) -> None:
    ada = office.ada
    made = (await ada.trust("propose", SPICE, "--json")).objects[-1]
    assert (made["draft"], made["proposed"]) == ("D2", [SPICE])
    (one,) = made["requirements"]
    assert (one["role"], one["threshold"], one["signed"], one["met"]) == ("targets", 2, [], False)
    assert one["missing"] == ["ada", "bob", "cy"]

    (listed,) = (await ada.trust("drafts", "--json")).objects
    assert (listed["draft"], listed["requirements"]) == ("D2", made["requirements"])
    (shown,) = (await ada.trust("review", "D2", "--json")).objects
    assert [entry["change"] for entry in shown["entries"]] == ["new"]
    assert shown["entries"][0]["after"]["handle"] == SPICE
    (signed,) = (await ada.trust("sign", "D2", "--key", "ada.pem", "--json")).objects
    assert (signed["signed_by"], signed["requirements"][0]["signed"]) == ("ada", ["ada"])
    copy = office.carry("D2")
    office.bob.signs(copy)
    (merged,) = (await ada.trust("merge", "D2", str(copy), "--json")).objects
    assert merged["requirements"][0]["met"]
    (published,) = (await ada.trust("publish", "D2", "--json")).objects
    assert published == {"draft": "D2", "published": "root 1, timestamp 2"}


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def other_role(copy: Path) -> None:
    """Let the draft's own new targets name another record."""
    (path,) = copy.glob("metadata/*targets.json")
    role = json.loads(path.read_bytes())
    for target in role["signed"]["targets"].values():
        target["length"] += 1
    path.write_text(json.dumps(role))


def other_change(copy: Path) -> None:
    text = (copy / "draft.json").read_text()
    (copy / "draft.json").write_text(text.replace("spice", "spite"))


def link(copy: Path) -> None:
    (record,) = copy.glob("records/*/*.json")
    record.unlink()
    record.symlink_to("/etc/passwd")


def unsigned(copy: Path) -> None:
    """Take ada's signature away, and put garbage in its place."""
    (path,) = copy.glob("metadata/*targets.json")
    role = json.loads(path.read_bytes())
    for one in role["signatures"]:
        one["sig"] = "00" * 64
    path.write_text(json.dumps(role))


@pytest.mark.parametrize(
    "alter",
    [
        pytest.param(lambda copy: flip(next(copy.glob("records/*/*.json"))), id="record"),
        pytest.param(other_role, id="role"),
        pytest.param(other_change, id="changes"),
        pytest.param(link, id="link"),
        pytest.param(lambda copy: flip(next(copy.glob("base/*root.json"))), id="base"),
        pytest.param(lambda copy: (copy / "draft.json").write_text("{}"), id="empty"),
        pytest.param(lambda copy: (copy / "draft.json").write_text("nonsense"), id="nonsense"),
    ],
)
async def test_a_draft_that_was_altered_on_the_stick_is_not_signed(
    office: Office, alter: Callable[[Path], object]
) -> None:
    office.propose()
    copy = office.carry("D2")
    alter(copy)

    done = await office.bob.run("trust", "sign", str(copy), "--key", "bob.pem")

    assert (done.status in (1, 2), done.out) == (True, ""), done.out
    assert "Traceback" not in done.errors
    (one,) = Draft.load(office.draft("D2")).missing()
    assert one.signed == ("ada",)


async def test_a_draft_does_not_drive_the_terminal_that_lists_it(office: Office) -> None:
    office.propose()
    path = office.draft("D2") / "draft.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"\x1b[2J\x1b]0;owned\x07": 1}))

    done = await office.ada.run("trust", "drafts")

    assert done.status == 1
    assert r"\x1b[2J\x1b]0;owned\x07" in done.errors
    assert "\x1b" not in done.out + done.errors


async def test_a_forged_signature_counts_for_nothing(office: Office) -> None:
    office.propose()
    copy = office.carry("D2")
    unsigned(copy)

    signed = await office.bob.run("trust", "sign", str(copy), "--key", "bob.pem")

    if signed.status == 0:
        assert "signed by 1 of 2 (bob)" in signed.out
    assert "must sign" in (await office.ada.run("trust", "drafts")).out


async def test_another_draft_is_not_merged(office: Office) -> None:
    office.propose()
    copy = office.carry("D2")
    office.bob.signs(copy)
    office.propose()
    told = await office.ada.refused("merge", "D3", str(copy))
    assert "is not a copy of D3, but of another draft: D2" in told
    assert "D3  targets lists" in (await office.ada.trust("drafts")).out


async def test_a_stale_draft_is_rebased_and_signed_anew(office: Office) -> None:
    ada = office.ada
    office.propose()
    office.propose(NNLM)
    copy = office.carry("D2")
    office.bob.signs(copy)
    office.finish("D3")

    await ada.trust("merge", "D2", str(copy))
    told = await ada.refused("publish", "D2")
    assert "built on targets 1, but targets 2 is in force" in told
    assert "`hubproxy trust rebase`" in told

    rebased = (await ada.trust("rebase", "D2")).out
    assert "signed by 0 of 2" in rebased
    assert "ada" in rebased.partition("dropped the signatures of ")[2]
    await ada.trust("sign", "D2", "--key", "ada.pem")
    office.finish("D2", office.cy)
    assert (await ada.trust("list")).out == f"{NNLM}  saved_model\n{SPICE}  saved_model\n"


async def test_an_abandoned_draft_is_gone(office: Office) -> None:
    office.propose()
    assert (await office.ada.trust("abandon", "D2")).out == "abandoned D2\n"
    assert (await office.ada.trust("drafts")).out == ""
    assert "draft" in await office.ada.refused("review", "D2")


@pytest.mark.parametrize(
    ("name", "path", "told"),
    [
        pytest.param("../root", PATTERN, "is no name for a team", id="path"),
        pytest.param("/etc/nlp", PATTERN, "is no name for a team", id="absolute"),
        pytest.param("nlp/../targets", PATTERN, "is no name for a team", id="parent"),
        pytest.param("targets", PATTERN, "is one of the list's own roles", id="targets"),
        pytest.param("timestamp", PATTERN, "is one of the list's own roles", id="timestamp"),
        pytest.param("nlp", "tfhub.dev/google/*", "has 3 segments", id="depth"),
        pytest.param("nlp", "tfhub.dev/../*/*/*", "no module's path has", id="dots"),
        pytest.param("nlp", "tfhub.dev/**/*/*", "write one pattern per depth", id="stars"),
    ],
)
async def test_a_team_has_a_plain_name_and_patterns_that_match(
    office: Office, name: str, path: str, told: str
) -> None:
    refused = await office.ada.refused(
        "delegate", name, "--path", path, "--member", f"bob={office.bob.pub}", "--key", "ada.pem"
    )
    assert told in refused
    assert (await office.ada.trust("drafts")).out == ""


async def test_the_log_has_each_publication_and_who_signed_it(office: Office) -> None:
    office.propose()
    office.finish("D2")

    (begun, approved) = (await office.ada.trust("log", "--json")).objects
    assert begun["event"] == approved["event"] == "trust"
    assert "targets 2: ada, bob" in approved["caller"]
    assert SPICE in approved["reason"]
    assert approved["trust"].startswith("root 1, timestamp 2")
    last = (await office.ada.trust("log", "-n", "1")).out
    assert SPICE in last
    assert "ada, bob" in last


async def test_where_the_log_cannot_be_written_nothing_is_published(office: Office) -> None:
    office.propose()
    copy = office.carry("D2")
    office.bob.signs(copy)
    await office.ada.trust("merge", "D2", str(copy))
    shutil.rmtree(office.ada.data / "trust" / "log")
    (office.ada.data / "trust" / "log").write_text("in the way")

    done = await office.ada.run("trust", "publish", "D2")

    assert done.status == 1
    assert "the officers' log cannot be written" in done.errors
    assert (await office.ada.trust("list")).out == ""
    assert (await office.ada.trust("drafts")).out.startswith("D2")


async def test_status_says_who_has_not_signed(office: Office) -> None:
    told = (await office.ada.trust("status")).out.splitlines()
    assert "signed by ada, bob (2 of 2 needed; also cy)" in told[0]
    root = (await office.ada.trust("status", "--json")).objects[0]
    assert (root["signed"], root["missing"]) == (["ada", "bob"], ["cy"])
