"""What the officers' policy demands of a proposal, and what else officers do to a list."""

import json
import shutil
import subprocess

import pytest

from tests.cli.desks import Office, begun
from tests.cli.place import SPICE, Place
from tests.models import tiny
from tests.site import SMALL, tar_gz

needs_minisign = pytest.mark.skipif(
    not shutil.which("minisign"), reason="minisign is not installed"
)


async def demand(place: Place, **policy: object) -> None:
    """Begin a list with a policy."""
    await place.begin()
    (place.folder / "policy.json").write_text(json.dumps(policy))
    done = await place.good("trust", "policy", "set", "policy.json")
    assert done.out.startswith("the policy is set (root 1, timestamp 2)")


async def test_row_26_a_module_without_its_card_is_not_proposed(place: Place) -> None:
    await demand(place, card_fields=["datasets", "fairnessAssessments"])

    done = await place.run("trust", "propose", SPICE)

    assert (done.status, done.out) == (3, "")
    assert "HP-T16" in done.errors
    assert "datasets, fairnessAssessments" in done.errors
    assert f"hubproxy trust card edit {SPICE}" in done.errors
    assert place.origin.requests == []
    assert (await place.good("trust", "drafts")).out == ""


@needs_minisign
async def test_a_publishers_signature_is_checked_and_kept(place: Place) -> None:
    archive, other = place.folder / "m.tar.gz", place.folder / "other.tar.gz"
    archive.write_bytes(tar_gz(SMALL))
    other.write_bytes(tar_gz({"saved_model.pb": tiny("another")}))
    key = place.folder / "publisher"
    run("minisign", "-G", "-W", "-p", f"{key}.pub", "-s", str(key))
    for path in (archive, other):
        run("minisign", "-S", "-s", str(key), "-m", str(path))
    await demand(place, evidence=[
        {"pattern": "tfhub.dev/google/**", "kind": "minisign", "identity": "google",
         "key": key.with_suffix(".pub").read_text().splitlines()[1]},
    ])  # fmt: skip

    words = ("trust", "approve", SPICE, "--from", "m.tar.gz")
    without = await place.run(*words)
    wrong = await place.run(*words, "--evidence", "other.tar.gz.minisig")
    assert (without.status, wrong.status) == (3, 3)
    assert "HP-T12" in without.errors
    assert "HP-T12" in wrong.errors
    assert (await place.good("trust", "list")).out == ""

    await place.good(*words, "--evidence", "m.tar.gz.minisig")
    (path,) = (place.data / "trust" / "repo" / "evidence").glob("*/*")
    assert path.read_bytes() == (place.folder / "m.tar.gz.minisig").read_bytes()


@pytest.mark.parametrize("words", [["set"], ["check"]], ids=["set", "check"])
async def test_a_rule_whose_key_cannot_be_read_is_not_signed(
    place: Place, words: list[str]
) -> None:
    await place.begin()
    rule = {"pattern": "tfhub.dev/**", "kind": "minisign", "identity": "x", "key": "no key at all"}
    (place.folder / "policy.json").write_text(json.dumps({"evidence": [rule]}))

    done = await place.run("trust", "policy", *words, "policy.json")

    assert (done.status in (1, 2), done.out) == (True, "")
    assert "the minisign rule for tfhub.dev/** cannot be used" in done.errors
    assert (await place.good("trust", "log")).out.count("\n") == 1


async def test_a_policy_names_what_it_would_refuse(place: Place) -> None:
    await place.begin()
    await place.good("trust", "approve", SPICE)
    (place.folder / "policy.json").write_text('{"card_fields": ["licence"]}')
    told = f"1 of 1 would be refused: {SPICE}/saved_model.json"

    drafted = await place.good("trust", "policy", "set", "policy.json", "--draft")
    assert told in drafted.errors
    assert "HP-T16" in drafted.errors
    shown = (await place.good("trust", "review", drafted.out.partition(":")[0])).out
    assert f"  {told}\n" in shown
    done = await place.good("trust", "policy", "set", "policy.json", "--json")
    assert done.objects[0]["refused"] == [f"{SPICE}/saved_model.json"]


async def test_a_report_says_what_is_known_before_anybody_signs(place: Place) -> None:
    await place.begin()
    done = await place.good("trust", "propose", SPICE, "--review-by", "2999-01-01")
    rows = [line.split(maxsplit=1) for line in done.out.splitlines()]
    for row in (["card", "none"], ["review", "again by 2999-01-01"]):
        assert row in rows
    assert "ops" in [row[0] for row in rows]
    assert "  proposed " in done.out
    assert "nobody" not in done.out

    await place.good("trust", "approve", SPICE)
    await place.good("trust", "revoke", SPICE, "--reason", "it leaks")
    again = await place.good("trust", "propose", SPICE)
    assert "it was revoked " in again.out
    assert " by ada: it leaks\n" in again.out


def run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(["--review-by", "soon"], "'soon' is not a day", id="no-day"),
        pytest.param(["--review-by", "2001-01-01"], "must be not one that is past", id="past"),
        pytest.param(["--role", "nlp"], "there is no team 'nlp'", id="no-team"),
        pytest.param(["--role", "../nlp"], "there is no team '../nlp'", id="path"),
    ],
)
async def test_a_proposal_that_makes_no_sense_is_refused(
    place: Place, words: list[str], told: str
) -> None:
    await place.begin()
    done = await place.run("trust", "propose", SPICE, *words)
    assert done.status == 2, done
    assert told in done.errors
    assert (await place.good("trust", "drafts")).out == ""


async def test_a_change_may_only_be_drafted(place: Place) -> None:
    await place.begin()
    await place.good("trust", "approve", SPICE, "--review-by", "2999-01-01")
    done = await place.good("trust", "revoke", SPICE, "--reason", "x", "--draft", "--note", "why?")
    name = done.out.partition(":")[0]
    assert "targets signed by 0 of 1, ada must sign" in done.out

    shown = (await place.good("trust", "review", name)).out
    assert shown.startswith(f"{name}: 1 revoked: targets signed by 0 of 1, ada must sign\n")
    assert "note: why?\n" in shown
    assert "  reason     x\n" in shown
    assert "  again by   2999-01-01\n" in shown
    await place.good("trust", "sign", name)
    await place.good("trust", "publish", name)
    listed = (await place.good("trust", "log", "-n", "1")).out
    assert f"{name}: targets revokes {SPICE} (saved_model): x  [targets 3: ada]" in listed


async def test_an_entry_is_removed(place: Place) -> None:
    await place.begin()
    await place.good("trust", "approve", SPICE)
    done = await place.good("trust", "remove", f"{SPICE}/saved_model.json")
    assert done.out == f"removed {SPICE}/saved_model.json (root 1, timestamp 3)\n"
    assert (await place.good("trust", "list")).out == ""
    done = await place.run("trust", "remove", f"{SPICE}/saved_model.json")
    assert done.status == 2


async def test_officers_renew_together(place: Place) -> None:
    office: Office = begun(place.folder, place.origin)
    ada = office.ada
    done = await ada.trust("renew", "--role", "targets", "--role", "root", "--key", "ada.pem")
    assert done.out.startswith("D2: ")
    assert "signed by 1 of 2 (ada), bob or cy must sign" in done.out
    shown = (await ada.trust("review", "D2")).out
    assert shown.startswith("D2: a longer life for root, targets: ")
    office.finish("D2")
    assert (await ada.trust("renew")).out == "renewed (root 2, timestamp 3)\n"
    assert "there is no team 'nlp'" in await ada.refused("renew", "--role", "nlp")


async def test_a_proposal_that_is_signed_waits_to_be_published(place: Place) -> None:
    await place.begin()
    key = str(place.data / "trust" / "keys" / "officer.pem")

    done = await place.good("trust", "propose", SPICE, "--key", key, "--json")

    name = done.objects[-1]["draft"]
    assert f"publish it: hubproxy trust publish {name}" in done.errors
    assert (await place.good("trust", "list")).out == ""
    await place.good("trust", "publish", name)
    assert (await place.good("trust", "list")).out == f"{SPICE}  saved_model\n"
