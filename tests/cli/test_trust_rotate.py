"""Other keys, other people, other numbers of them; and teams."""

import pytest

from tests.cli.desks import Desk, Office, begun
from tests.cli.place import SPICE, Place, fetch
from tests.models import tiny

PATTERN = "tfhub.dev/google/*/*/*"


@pytest.fixture
def office(place: Place) -> Office:
    """A list of three officers, any two of whom sign; its next draft is D2."""
    return begun(place.folder, place.origin)


@pytest.fixture
async def mia(office: Office) -> Desk:
    """The one member of the team `nlp`; the next draft is D3."""
    mia = Desk(office.folder / "mia", office.ada.origin, name="mia")
    done = await office.ada.trust(
        "delegate", "nlp", "--path", PATTERN, "--member", f"mia={mia.pub}", "--key", "ada.pem"
    )
    assert "nlp signed by 0 of 1, mia must sign" in done.out
    office.finish("D2", office.bob, mia)
    return mia


async def test_one_officer_becomes_three_of_whom_two_sign(place: Place) -> None:
    await place.begin()
    for name in ("bob", "cy"):
        other = Desk(place.folder / name, place.origin, name=name)
        done = await place.good("trust", "rotate", "officer", name, "--new", other.pub)
        assert done.out.startswith(f"officer {name} has a new key (root ")
    done = await place.good("trust", "threshold", "2")
    assert done.out.startswith("D4: ")
    assert "signed by 1 of 2 (ada), bob or cy must sign" in done.out


async def test_row_8_a_stolen_key_signs_nothing_after_its_rotation(office: Office) -> None:
    ada, cy = office.ada, office.cy
    cy.make_key("cy2")
    await ada.trust(
        "rotate", "officer", "cy", "--new", str(cy.folder / "cy2.pub"), "--key", "ada.pem"
    )
    office.finish("D2")
    assert "root       version 2" in (await ada.trust("status")).out

    await ada.trust("approve", SPICE, "--key", "ada.pem")
    copy = office.carry("D3")
    told = await cy.refused("sign", str(copy), "--key", "cy.pem")
    assert "ada, bob, cy" in told
    told = await cy.refused("sign", str(copy), "--key", "cy2.pem")
    assert "no root of the list is held here, and this key has signed none" in told
    root = str(ada.data / "trust" / "root.json")
    await cy.trust("sign", str(copy), "--key", "cy2.pem", "--root", root)
    await ada.trust("merge", "D3", str(copy))
    await ada.trust("publish", "D3")
    assert (await ada.trust("list")).out == f"{SPICE}  saved_model\n"


async def test_an_officer_leaves(office: Office) -> None:
    await office.ada.trust("rotate", "officer", "cy", "--leave", "--key", "ada.pem")
    office.finish("D2")
    (root, *_) = (await office.ada.trust("status", "--json")).objects
    assert root["keys"] == ["ada", "bob"]

    told = await office.ada.refused("rotate", "officer", "bob", "--leave", "--key", "ada.pem")
    assert "would need 2 signatures and have 1 keys" in told
    told = await office.ada.refused("rotate", "officer", "eve", "--leave", "--key", "ada.pem")
    assert "there is no officer 'eve'" in told


async def test_the_online_keys_are_rotated_and_the_old_ones_removed(place: Place) -> None:
    await place.begin()
    folder = place.data / "trust" / "keys"
    before = {path.read_bytes() for path in folder.glob("online*.pem")}
    assert len(before) == 2  # one for snapshot, one for timestamp

    done = await place.good("trust", "rotate", "online")

    assert done.out.startswith("new online keys sign snapshot and timestamp (root 2, ")
    assert done.errors.count("removed ") == 2
    after = {path.read_bytes() for path in folder.glob("online*.pem")}
    assert len(after) == 2
    assert not before & after

    done = await place.good("trust", "rotate", "online", "--role", "timestamp")

    assert done.out.startswith("new online keys sign timestamp (root 3, ")
    assert len(after & {path.read_bytes() for path in folder.glob("online*.pem")}) == 1
    await place.good("trust", "renew")
    await place.good("trust", "approve", SPICE)
    assert (await place.good("trust", "list")).out == f"{SPICE}  saved_model\n"


async def test_an_online_key_that_waits_for_signatures_is_kept(office: Office) -> None:
    ada = office.ada
    await ada.trust("rotate", "online", "--key", "ada.pem")
    assert len(list((ada.data / "trust" / "keys").glob("online*.pem"))) == 3
    await ada.trust("renew")
    office.bob.signs(office.draft("D2"))
    await ada.trust("publish", "D2")
    assert len(list((ada.data / "trust" / "keys").glob("online*.pem"))) == 2
    await ada.trust("renew")


async def test_a_team_approves_and_revokes_on_its_own(office: Office, mia: Desk) -> None:
    ada = office.ada
    key = ("--key", str(mia.folder / "mia.pem"))
    done = await ada.trust("approve", SPICE, *key)
    assert "signed by mia, and published" in done.out
    (shown,) = (await ada.trust("show", SPICE, "--json")).objects
    assert shown["reviewers"] == ["mia"]

    async with ada.serving() as (url, _):
        assert (await fetch(f"{url}/{SPICE}"))[0] == 200
        done = await ada.trust("revoke", SPICE, "--reason", "it leaks", "--role", "nlp", *key)
        assert done.out.startswith(f"revoked {SPICE} (")
        while (found := await fetch(f"{url}/{SPICE}"))[0] == 200:
            pass
        assert found[0] == 410
        assert "by mia: it leaks" in found[1]


async def test_row_8_a_team_lists_nothing_outside_its_patterns(
    office: Office, mia: Desk, place: Place
) -> None:
    other = "tfhub.dev/deepmind/biggan/1"
    place.put(other, {"saved_model.pb": tiny("images")})
    key = ("--key", str(mia.folder / "mia.pem"))
    told = await office.ada.run("trust", "approve", other, *key)
    assert told.status == 2
    assert "mia" not in (await office.ada.trust("list")).out
    told = await office.ada.run("trust", "approve", other, "--role", "nlp", *key)
    assert told.status == 2
    assert (await office.ada.trust("list")).out == ""


async def test_row_8_a_teams_stolen_key_is_rotated_by_the_officers(
    office: Office, mia: Desk
) -> None:
    ada = office.ada
    mia.make_key("mia2")
    new = str(mia.folder / "mia2.pub")
    await ada.trust("rotate", "team", "nlp", "--new", f"mia={new}", "--key", "ada.pem")
    root = str(ada.data / "trust" / "root.json")
    draft = str(ada.data / "drafts" / "D3")
    await mia.trust("sign", draft, "--key", "mia2.pem", "--root", root)
    office.finish("D3")

    told = await ada.run("trust", "approve", SPICE, "--key", str(mia.folder / "mia.pem"))
    assert told.status == 2
    assert "not one of: mia" in told.errors
    await ada.trust("approve", SPICE, "--key", str(mia.folder / "mia2.pem"))


async def test_a_team_that_is_trusted_no_longer_lists_nothing(office: Office, mia: Desk) -> None:
    ada = office.ada
    await ada.trust("approve", SPICE, "--key", str(mia.folder / "mia.pem"))
    await ada.trust("undelegate", "nlp", "--key", "ada.pem")
    assert (await ada.trust("list")).out == f"{SPICE}  saved_model\n"
    office.finish("D4")
    assert (await ada.trust("list")).out == ""
    told = await ada.refused("undelegate", "nlp", "--key", "ada.pem")
    assert "there is no team 'nlp'" in told


async def test_officers_revoke_what_a_team_lists_by_its_digest(office: Office, mia: Desk) -> None:
    ada = office.ada
    await ada.trust("approve", SPICE, "--key", str(mia.folder / "mia.pem"))
    (shown,) = (await ada.trust("show", SPICE, "--json")).objects
    await ada.trust(
        "revoke", shown["archive"]["digest"], "--reason", "poisoned", "--key", "ada.pem"
    )
    office.finish("D4")
    (shown,) = (await ada.trust("show", SPICE, "--json")).objects
    assert (shown["status"], shown["reason"]) == ("revoked", "poisoned")


async def test_the_policy_is_signed_like_the_list(office: Office) -> None:
    ada = office.ada
    (ada.folder / "policy.json").write_text('{"grace_days": 3, "card_fields": ["licence"]}')
    await ada.trust("policy", "set", "policy.json", "--key", "ada.pem")
    shown = (await ada.trust("review", "D2")).out
    assert shown.splitlines()[0].startswith("D2: the policy: targets signed by 1 of 2 (ada)")
    assert "  grace_days      14 -> 3" in shown
    office.finish("D2")

    (ada.folder / "policy.json").write_text('{"grace": 3}')
    assert "grace" in await ada.refused("policy", "set", "policy.json", "--key", "ada.pem")
    assert "cannot read none.json" in await ada.refused("policy", "set", "none.json")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(["officer", "cy"], "either a new key, or leave", id="nothing"),
        pytest.param(["officer", "cy", "--leave", "--new", "x.pub"], "either a new key", id="both"),
        pytest.param(["officer", "../cy", "--leave"], "is no name for a key's holder", id="path"),
        pytest.param(["team", "nlp"], "nothing is to be rotated", id="team-nothing"),
        pytest.param(["team", "../nlp", "--leave", "mia"], "is no name for a team", id="team-path"),
        pytest.param(["team", "nlp", "--new", "mia.pub"], "names no key", id="no-name"),
    ],
)
async def test_a_rotation_that_makes_no_sense_is_refused(
    place: Place, words: list[str], told: str
) -> None:
    await place.begin()
    done = await place.run("trust", "rotate", *words)
    assert (done.status, done.out) == (2, "")
    assert told in done.errors


async def test_lint_names_what_is_wrong(place: Place) -> None:
    await place.begin()
    done = await place.run("trust", "lint", "--json")
    assert done.status in (0, 1)
    for finding in done.objects:
        assert set(finding) == {"level", "what", "remedy"}
