"""Teams, their file's text, and the credentials that name them."""

import base64
import hashlib
import json
import traceback
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.core.access import LONGEST_HEADER, Team, Teams, leading_comments
from hubproxy.errors import AuthenticationError

WHEN = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
TOKEN = "hp_C4n4ry-in-a-coal-mine_0123456789abcdefghijk"
OTHER = "hp_another"
HEX = hashlib.sha256(TOKEN.encode()).hexdigest()
TEAMS = Teams((Team.of_token("nlp", TOKEN, WHEN), Team.of_token("Vision.2", OTHER, WHEN)))
ROW = f'[[team]]\nname = "nlp"\ntoken_sha256 = "{HEX}"\ncreated = 2026-01-31T12:00:00Z\n'


def basic(text: str | bytes) -> str:
    raw = text.encode() if isinstance(text, str) else text
    return "Basic " + base64.b64encode(raw).decode()


def names() -> st.SearchStrategy[str]:
    return st.from_regex(r"[A-Za-z][A-Za-z0-9._-]{0,63}", fullmatch=True).filter(
        lambda name: name.lower() != "unknown"
    )


@st.composite
def lists(draw: st.DrawFn) -> Teams:
    chosen = draw(st.lists(names(), unique_by=str.lower, max_size=5))
    times = st.integers(-(10**10), 10**11).map(lambda at: WHEN + timedelta(seconds=at))
    return Teams(tuple(Team.of_token(name, f"of {name}", draw(times)) for name in chosen))


@given(lists())
def test_teams_parse_to_what_was_rendered(teams: Teams) -> None:
    assert Teams.parse(teams.render()) == teams
    assert Teams.parse(teams.render("# mine\n")) == teams


@given(lists(), names())
def test_a_team_that_comes_and_goes_leaves_the_others(teams: Teams, name: str) -> None:
    if teams.find(name) is None:
        more = teams.with_team(Team.of_token(name, "new", WHEN))
        assert more.identify("Bearer new") == name
        assert more.without(name) == teams


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("a" * 65, id="too long"),
        pytest.param("a b", id="space"),
        pytest.param("a\n", id="newline"),
        pytest.param("a\x00", id="NUL"),
        pytest.param("a:b", id="colon"),
        pytest.param("a/b", id="slash"),
        pytest.param("a@b", id="at"),
        pytest.param('a"b', id="quote"),
        pytest.param("équipe", id="not ASCII"),
        pytest.param("\u0661", id="a digit, but not ASCII"),
        pytest.param("-a", id="an option"),
        pytest.param("..", id="dots"),
        pytest.param("10.0.0.1", id="IPv4"),
        pytest.param("10.0.0.1.", id="IPv4, dot behind"),
        pytest.param("010.000.000.001", id="IPv4 in octal"),
        pytest.param("0x7f.1", id="IPv4 in hex"),
        pytest.param("2130706433", id="IPv4 as a number"),
        pytest.param("::1", id="IPv6"),
        pytest.param("fe80::1", id="IPv6 link"),
        pytest.param("unknown", id="the word for no address"),
        pytest.param("Unknown", id="the same with a capital"),
    ],
)
def test_a_name_that_the_audit_log_could_misread_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^team '"):
        Team.of_token(name, TOKEN, WHEN)


@pytest.mark.parametrize("name", ["a", "7x", "nlp.2024", "0xg", "10.0.0.1-lab", "a" * 64, "beef"])
def test_other_names_are_good(name: str) -> None:
    assert Team.of_token(name, TOKEN, WHEN).name == name


def test_the_time_is_kept_to_the_second_in_utc() -> None:
    here = datetime(2026, 1, 31, 14, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert Team("nlp", HEX, here).created == WHEN
    assert Team("nlp", HEX, here).created.tzinfo is UTC


def test_what_was_rendered_holds_no_token() -> None:
    assert TOKEN not in TEAMS.render() + repr(TEAMS)
    assert TEAMS.render("").startswith("\n" + ROW)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("team", "Expected '=' after a key", id="not TOML"),
        pytest.param("a = " + "[" * 100_000, "nested too deep", id="nested"),
        pytest.param("x = 1", "no setting 'x'", id="unknown key"),
        pytest.param("[[teams]]\n", "no setting 'teams'", id="unknown table"),
        pytest.param('[team]\nname = "nlp"\n', "two pairs of brackets", id="one table"),
        pytest.param("team = [1]", "team 1 of the file: Expected `object`", id="no table"),
        pytest.param(ROW + "[[team]]\n", "team 2 of the file: .*`name`", id="empty table"),
        pytest.param(ROW.replace('"nlp"', "7"), "team 1 of the file: .*`str`", id="number"),
        pytest.param(ROW + "group = 1\n", "team 'nlp': .*`group`", id="unknown key of a team"),
        pytest.param(ROW.replace("nlp", "a b"), "team 'a b': a name is 1 to 64", id="bad name"),
        pytest.param(ROW.replace("nlp", "9.9.9.9"), "team '9.9.9.9': the audit", id="address"),
        pytest.param(ROW.replace(HEX, HEX[1:]), "team 'nlp': token_sha256 must", id="short hash"),
        pytest.param(ROW.replace(HEX, HEX.upper()), "team 'nlp': token_sha256", id="capitals"),
        pytest.param(ROW.replace(HEX, TOKEN), "team 'nlp': token_sha256 must", id="the token"),
        pytest.param(
            ROW.replace(HEX, hashlib.sha256().hexdigest()), "of an empty token", id="nothing"
        ),
        pytest.param(ROW.replace("12:00:00Z", "12:00:00"), "team 'nlp': .*zone", id="no zone"),
        pytest.param(ROW.replace("T12:00:00Z", ""), "team 'nlp': .*`datetime`", id="date"),
        pytest.param(
            ROW.replace("2026-01-31T12:00:00Z", "0001-01-01T00:00:00+01:00"),
            "team 'nlp': created is no time in UTC",
            id="before all time",
        ),
        pytest.param(ROW + ROW, "team 'nlp': there are two", id="two of a name"),
        pytest.param(
            ROW + ROW.replace("nlp", "NLP").replace(HEX, "1" * 64), "there are two", id="case"
        ),
        pytest.param(
            ROW + ROW.replace("nlp", "b"), "team 'b': it has the token of team 'nlp'", id="token"
        ),
    ],
)
def test_a_file_that_is_no_list_of_teams_names_the_one_that_is_wrong(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        Teams.parse(text)
    assert TOKEN not in str(caught.value)
    assert HEX not in str(caught.value)


def test_a_name_is_given_once_and_taken_back_as_it_stands() -> None:
    with pytest.raises(ValueError, match=r"^there is a team 'nlp' already$"):
        TEAMS.with_team(Team.of_token("NLP", "new", WHEN))
    with pytest.raises(ValueError, match=r"^there is no team 'NLP'$"):
        TEAMS.without("NLP")
    found = TEAMS.find("vision.2")
    assert found is not None
    assert found.name == "Vision.2"


@pytest.mark.parametrize(
    ("text", "head"),
    [
        pytest.param("", "", id="empty"),
        pytest.param(ROW, "", id="no comment"),
        pytest.param(f"# a\n\n# b\n\n{ROW}# c\n", "# a\n\n# b\n", id="some"),
        pytest.param("# a", "# a\n", id="alone"),
        pytest.param("# a\r\n" + ROW, "# a\n", id="of another system"),
        pytest.param("# é\n" + ROW, "# é\n", id="not ASCII"),
    ],
)
def test_comments_on_top_are_found(text: str, head: str) -> None:
    assert leading_comments(text) == head


def test_who_says_nothing_is_nobody() -> None:
    assert TEAMS.identify(None) is None


@pytest.mark.parametrize(
    ("header", "name"),
    [
        pytest.param(basic(f"nlp:{TOKEN}"), "nlp", id="Basic"),
        pytest.param(f"Bearer {TOKEN}", "nlp", id="Bearer"),
        pytest.param(f"Bearer {OTHER}", "Vision.2", id="another's"),
        pytest.param(basic(f"Vision.2:{OTHER}"), "Vision.2", id="another's Basic"),
        pytest.param(basic(f"nlp:{TOKEN}").replace("Basic", "bAsIc"), "nlp", id="case"),
        pytest.param(f"BEARER {TOKEN}", "nlp", id="BEARER"),
        pytest.param(basic(f"nlp:{TOKEN}").replace(" ", "   "), "nlp", id="spaces"),
        pytest.param(f" \tBearer {TOKEN}\t ", "nlp", id="space around"),
    ],
)
def test_a_token_names_its_team(header: str, name: str) -> None:
    assert TEAMS.identify(header) == name


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_token_outside_ascii_may_come_in_either_encoding(encoding: str) -> None:
    teams = Teams((Team.of_token("nlp", "clé:été", WHEN),))
    assert teams.identify(basic("nlp:clé:été".encode(encoding))) == "nlp"


@given(names(), st.text(st.characters(codec="utf-8"), min_size=1, max_size=50))
def test_any_token_names_its_team_as_utf_8(name: str, token: str) -> None:
    teams = Teams((Team.of_token(name, token, WHEN),))
    assert teams.identify(basic(f"{name}:{token}")) == name


WRONG = [
    pytest.param("", id="empty"),
    pytest.param(" ", id="space"),
    pytest.param("Basic", id="Basic without value"),
    pytest.param("Basic ", id="Basic and a space"),
    pytest.param("Bearer", id="Bearer without value"),
    pytest.param(TOKEN, id="the token alone"),
    pytest.param(f"nlp:{TOKEN}", id="not encoded"),
    pytest.param(f"Basic nlp:{TOKEN}", id="not base64"),
    pytest.param(basic(f"nlp:{TOKEN}").replace(" ", "\t"), id="tab"),
    pytest.param(basic(f"nlp:{TOKEN}").replace(" ", "\xa0"), id="a space that is none"),
    pytest.param(basic(f"nlp:{TOKEN}").replace(" ", ""), id="no space"),
    pytest.param(basic(f"nlp:{TOKEN}").rstrip("="), id="no padding"),
    pytest.param(basic(f"nlp:{TOKEN}") + "=", id="padding too much"),
    pytest.param(basic(f"nlp:{TOKEN}") + " x", id="trailing junk"),
    pytest.param(basic(f"nlp:{TOKEN}") + ", Bearer " + OTHER, id="two credentials"),
    pytest.param(basic(f"nlp:{TOKEN}") + "\x00", id="NUL behind"),
    pytest.param(basic(f"nlp:{TOKEN}") + "\r\nX: y", id="another header"),
    pytest.param(basic(f"nlp:{TOKEN}") + "\n", id="newline"),
    pytest.param(basic("nlp" + TOKEN), id="no colon"),
    pytest.param(basic(""), id="nothing encoded"),
    pytest.param(basic(":"), id="a colon"),
    pytest.param(basic("nlp:"), id="empty token"),
    pytest.param(basic(f":{TOKEN}"), id="empty user"),
    pytest.param(basic(f"Vision.2:{TOKEN}"), id="another team's token"),
    pytest.param(basic(f"NLP:{TOKEN}"), id="user in capitals"),
    pytest.param(basic(f"nlp :{TOKEN}"), id="user and a space"),
    pytest.param(basic(f"nlp\x00:{TOKEN}"), id="NUL in the user"),
    pytest.param(basic(f"nlp:{TOKEN}\x00"), id="NUL in the token"),
    pytest.param(basic(f"nlp:{TOKEN}:"), id="two colons"),
    pytest.param(basic(f"nlp::{TOKEN}"), id="two colons together"),
    pytest.param(basic(f"nlp:{TOKEN}\n"), id="newline in the token"),
    pytest.param(basic(f"nlp:{TOKEN[:-1]}"), id="a letter less"),
    pytest.param(basic(f"nlp:{TOKEN.lower()}"), id="small letters"),
    pytest.param(basic(f"nlp:{HEX}"), id="the hash"),
    pytest.param(basic(f"{'u' * 150}:{TOKEN}"), id="150 characters of user"),
    pytest.param(basic(f"ünïcödé:{TOKEN}"), id="unicode user"),
    pytest.param(basic(b"\xff\xfe:" + TOKEN.encode()), id="not UTF-8"),
    pytest.param(basic(f"nlp:{TOKEN}".encode("utf-16")), id="UTF-16"),
    pytest.param(basic(f"{TOKEN}:nlp"), id="turned round"),
    pytest.param(f"Bearer {OTHER}x", id="unknown token"),
    pytest.param(f"Bearer {HEX}", id="Bearer of the hash"),
    pytest.param(f"Bearer nlp:{TOKEN}", id="Bearer with a name"),
    pytest.param(f'Bearer "{TOKEN}"', id="Bearer in quotes"),
    pytest.param(f"Bearer {TOKEN} {TOKEN}", id="Bearer twice"),
    pytest.param("Bearer =", id="Bearer of padding"),
    pytest.param(f"Bearer {TOKEN}é", id="Bearer outside ASCII"),
    pytest.param(f"Bearer {TOKEN}\udcff", id="a byte that was no text"),
    pytest.param(f"Token {TOKEN}", id="another scheme"),
    pytest.param(f'Digest username="nlp", response="{TOKEN}"', id="Digest"),
    pytest.param(f"Negotiate {TOKEN}", id="Negotiate"),
    pytest.param("Basic " + "A" * 100_000, id="100 kB"),
    pytest.param("Bearer " + " " * 100_000 + TOKEN, id="100 kB of spaces"),
    pytest.param(f"Bearer {TOKEN}" + " " * LONGEST_HEADER, id="too long by what is no token"),
]


@pytest.mark.parametrize("header", WRONG)
def test_a_wrong_credential_is_never_nobody(header: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        TEAMS.identify(header)

    assert (caught.value.code, caught.value.status) == ("AUTH_REQUIRED", 407)
    assert "`hubproxy team add NAME`" in caught.value.remedy
    told = "".join(traceback.format_exception(caught.value)) + caught.value.remedy
    told += repr(caught.value) + json.dumps(repr(caught.value.args))
    assert caught.value.__context__ is None  # a UnicodeDecodeError holds what it could not read
    for secret in (TOKEN, TOKEN.lower(), OTHER, HEX, "nlp"):
        assert secret not in told.replace("hubproxy team", "")


@pytest.mark.parametrize(
    ("header", "told"),
    [
        pytest.param("Basic", "the credentials do not parse", id="no value"),
        pytest.param(basic("nlp" + TOKEN), "the Basic credentials do not parse", id="no colon"),
        pytest.param("Basic ====", "the Basic credentials do not parse", id="no base64"),
        pytest.param(f"Token {TOKEN}", "only Basic and Bearer credentials are", id="scheme"),
        pytest.param(basic(f"b:{TOKEN}"), "the token is not a team's, or not that", id="user"),
        pytest.param("Bearer x", "the token is not a team's, or not that team's", id="token"),
        pytest.param("x" * 5000, "the credentials are too long", id="long"),
    ],
)
def test_a_refusal_says_what_kind_of_wrong_it_is(header: str, told: str) -> None:
    with pytest.raises(AuthenticationError, match=f"^{told}"):
        TEAMS.identify(header)


@pytest.mark.parametrize("header", WRONG)
def test_without_teams_every_credential_is_wrong(header: str) -> None:
    with pytest.raises(AuthenticationError):
        Teams().identify(header)


@given(st.text(max_size=200) | st.binary(max_size=100).map(basic))
def test_whatever_comes_is_a_refusal(header: str) -> None:
    with pytest.raises(AuthenticationError):
        TEAMS.identify(header)


def test_the_longest_header_is_read() -> None:
    header = f"Bearer {TOKEN}"
    assert TEAMS.identify(header.ljust(LONGEST_HEADER)) == "nlp"
    with pytest.raises(AuthenticationError, match="too long"):
        TEAMS.identify(header.ljust(LONGEST_HEADER + 1))


def test_an_answer_may_be_told_as_the_servers_own() -> None:
    error = AuthenticationError("no", remedy="Ask Ada.", status=401)
    assert (error.status, error.remedy, AuthenticationError.status) == (401, "Ask Ada.", 407)
