"""`hubproxy team`, as a cluster admin types it."""

import base64
import hashlib
import os
import re
import tomllib
from pathlib import Path

import pytest

from hubproxy.core.access import Teams
from tests.cli.place import Place

EXAMPLE = Path(__file__).parents[2] / "config" / "teams.toml"


def teams_of(place: Place) -> Path:
    return place.folder / "teams.toml"


async def test_a_token_is_printed_once_and_kept_nowhere(place: Place) -> None:
    done = await place.good("team", "add", "nlp")

    token = done.out.removesuffix("\n")
    assert re.fullmatch(r"hp_[A-Za-z0-9_-]{43}", token)
    text = teams_of(place).read_text()
    assert token not in text + done.errors
    header = "Basic " + base64.b64encode(f"nlp:{token}".encode()).decode()
    assert Teams.parse(text).identify(header) == "nlp"
    assert "HTTPS_PROXY=http://nlp:TOKEN@HOST:8441\n" in done.errors
    assert "HUBPROXY_URL=http://nlp:TOKEN@HOST:8440\n" in done.errors

    again = await place.good("team", "add", "vision")
    assert again.out != done.out
    assert [team["name"] for team in tomllib.loads(teams_of(place).read_text())["team"]] == [
        "nlp",
        "vision",
    ]


async def test_the_address_that_jobs_use_is_told_where_it_is_set(place: Place) -> None:
    place.variables["HUBPROXY_FORWARD_URL"] = "http://proxy.example:9999/"
    done = await place.good("team", "add", "nlp")
    assert "HTTPS_PROXY=http://nlp:TOKEN@proxy.example:9999\n" in done.errors


async def test_teams_for_programs(place: Place) -> None:
    (added,) = (await place.good("team", "add", "nlp", "--json")).objects
    assert set(added) == {"team", "token", "created"}
    begins = hashlib.sha256(added["token"].encode()).hexdigest()[:8]

    (listed,) = (await place.good("team", "list", "--json")).objects
    assert listed == {"team": "nlp", "created": added["created"], "hash": begins}
    assert (await place.good("team", "list")).out == f"nlp  {added['created']}  {begins}\n"

    assert (await place.good("team", "revoke", "nlp", "--json")).objects == [{"revoked": "nlp"}]
    assert (await place.good("team", "list", "--json")).out == ""


async def test_no_teams_are_no_error(place: Place) -> None:
    done = await place.good("team", "list")
    assert (done.out, done.errors) == (
        "",
        f"there is no team in {teams_of(place)}: `hubproxy team add NAME` adds one\n",
    )


@pytest.mark.parametrize(
    ("words", "told", "remedy"),
    [
        pytest.param(["add", "nlp"], "there is a team 'nlp' already", "revoke nlp", id="twice"),
        pytest.param(["add", "10.0.0.1"], "team '10.0.0.1': the audit", "add NAME", id="address"),
        pytest.param(["add", "a b"], "team 'a b': a name is", "add NAME", id="space"),
        pytest.param(["add", ""], "team '': a name is", "add NAME", id="empty"),
        pytest.param(["revoke", "vision"], "there is no team 'vision'", "team list", id="none"),
        pytest.param(["add"], "Missing argument 'NAME'", "", id="no name"),
    ],
)
async def test_what_makes_no_sense_is_status_2_and_changes_nothing(
    place: Place, words: list[str], told: str, remedy: str
) -> None:
    await place.good("team", "add", "nlp")
    before = teams_of(place).read_bytes()
    done = await place.run("team", *words)
    assert (done.status, done.out) == (2, "")
    assert told in done.errors
    assert remedy in done.errors
    assert teams_of(place).read_bytes() == before


@pytest.mark.parametrize("words", [["add", "b"], ["revoke", "b"], ["list"]], ids=" ".join)
async def test_a_file_that_is_not_good_is_named_and_left_alone(
    place: Place, words: list[str]
) -> None:
    teams_of(place).write_text('[[team]]\nname = "nlp"\ntoken_sha256 = "hp_secret"\n')
    done = await place.run("team", *words)
    assert (done.status, done.out) == (1, "")
    assert f"hubproxy: CONFIG: {teams_of(place)}: team 'nlp': " in done.errors
    assert "hp_secret" not in done.errors
    assert "hp_secret" in teams_of(place).read_text()


async def test_a_file_that_cannot_be_written_is_told_with_a_remedy(place: Place) -> None:
    # A folder that no one writes to, root neither.
    place.variables["HUBPROXY_ACCESS_TEAMS"] = "/proc/teams.toml"
    done = await place.run("team", "add", "nlp")
    assert (done.status, done.out) == (1, "")
    assert "hubproxy: CONFIG: the teams cannot be written: /proc/teams.toml: " in done.errors
    assert "  Run `hubproxy team` as root or as the file's owner" in done.errors


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
async def test_a_file_that_may_not_be_read_is_told_with_a_remedy(place: Place) -> None:
    await place.good("team", "add", "nlp")
    teams_of(place).chmod(0)
    done = await place.run("team", "list")
    assert (done.status, done.out) == (1, "")
    assert "teams.toml: Permission denied" in done.errors


async def test_the_example_can_be_begun_with(place: Place) -> None:
    teams_of(place).write_bytes(EXAMPLE.read_bytes())
    await place.good("team", "add", "nlp")
    text = teams_of(place).read_text()
    assert text.startswith(EXAMPLE.read_text())
    assert [team.name for team in Teams.parse(text).teams] == ["nlp"]
