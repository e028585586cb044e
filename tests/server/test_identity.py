"""Who calls, and what a client is told that has to say so; with the clients that are told."""

import base64
import http.server
import shutil
import subprocess
import threading
import traceback
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from hubproxy.core.access import Team, Teams
from hubproxy.errors import AuthenticationError
from hubproxy.server.identity import Callers, challenge
from hubproxy.server.replies import problem, reason_phrase

TOKEN = "hp_C4n4ry-in-a-coal-mine_0123456789abcdefghijk"
REALM = "ask ada, room 7"
TEAMS = Teams((Team.of_token("nlp", TOKEN, datetime(2026, 1, 31, tzinfo=UTC)),))
BASIC = "Basic " + base64.b64encode(f"nlp:{TOKEN}".encode()).decode()


def callers(*, required: bool, teams: Teams = TEAMS) -> Callers:
    return Callers(lambda: teams, required=required, realm=REALM)


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("header", [BASIC, f"Bearer {TOKEN}"])
def test_a_caller_with_a_token_is_its_team(required: bool, header: str) -> None:
    assert callers(required=required).name(header, "10.0.0.1") == "nlp"


def test_a_caller_without_a_token_is_an_address_where_that_will_do() -> None:
    assert callers(required=False).name(None, "10.0.0.1") == "10.0.0.1"


@pytest.mark.parametrize("teams", [TEAMS, Teams()])
def test_where_a_token_is_required_nobody_passes_without(teams: Teams) -> None:
    with pytest.raises(AuthenticationError, match="there is no token") as caught:
        callers(required=True, teams=teams).name(None, "10.0.0.1")
    assert (caught.value.status, REALM in caught.value.remedy) == (407, True)


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("header", ["", "Basic", f"Bearer {TOKEN}x", BASIC[:-4], "x" * 10_000])
def test_a_wrong_token_never_passes_as_none(required: bool, header: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        callers(required=required).name(header, "10.0.0.1", status=401)
    error = caught.value
    assert error.status == 401
    assert REALM in error.remedy
    told = "".join(traceback.format_exception(error)) + repr(error) + reason_phrase(error)
    body, headers = problem(error)
    told += body.decode() + repr(headers)
    assert TOKEN not in told
    assert BASIC[6:-4] not in told


def test_the_teams_are_asked_for_each_time() -> None:
    now = [Teams()]
    those = Callers(lambda: now[0], required=True, realm=REALM)
    with pytest.raises(AuthenticationError):
        those.name(BASIC, "10.0.0.1")
    now[0] = TEAMS
    assert those.name(BASIC, "10.0.0.1") == "nlp"


def test_the_realm_reaches_who_sees_the_status_line_alone() -> None:
    with pytest.raises(AuthenticationError) as caught:
        callers(required=True).name(None, "10.0.0.1")
    assert reason_phrase(caught.value) == (
        "hubproxy AUTH_REQUIRED: there is no token, and nobody passes here without one - "
        f"{REALM} - then use http://NAME:TOKEN@HOST:PORT"
    )


@pytest.mark.parametrize(
    ("status", "name"), [(407, "Proxy-Authenticate"), (401, "WWW-Authenticate")]
)
def test_a_challenge_names_both_schemes(status: int, name: str) -> None:
    assert challenge(status, REALM) == {
        name: 'Basic realm="ask ada, room 7", charset="UTF-8", Bearer realm="ask ada, room 7"'
    }


def test_a_realm_cannot_end_its_quotes() -> None:
    (value,) = challenge(401, 'a" \\').values()
    assert value.startswith('Basic realm="a\\" \\\\", charset')


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers 407 to a proxy's request and 401 to another, until it has a team's name."""

    def do_GET(self) -> None:
        status, header = (
            (407, "Proxy-Authorization") if self.path.startswith("http") else (401, "Authorization")
        )
        try:
            name = callers(required=True).name(self.headers[header], "?", status=status)
        except AuthenticationError as error:
            self.send_response(error.status)
            for key, value in challenge(error.status, REALM).items():
                self.send_header(key, value)
            body = b"no\n"
        else:
            self.send_response(200)
            body = name.encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr."""


@contextmanager
def serving() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("way", ["server", "proxy"])
def test_urllib_answers_the_challenge(way: str) -> None:
    with serving() as address:
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, f"http://{address}", "nlp", TOKEN)
        via = {"http": f"http://{address}"} if way == "proxy" else {}
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler(via),
            urllib.request.HTTPBasicAuthHandler(passwords),
            urllib.request.ProxyBasicAuthHandler(passwords),
        )
        target = "http://hub.example/x" if way == "proxy" else f"http://{address}/x"
        with opener.open(target, timeout=10) as answer:
            assert answer.read() == b"nlp"


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["--anyauth", "http://nlp:{t}@{a}/x"], id="any"),
        pytest.param(["--basic", "-u", "nlp:{t}", "http://{a}/x"], id="basic"),
        pytest.param(["--oauth2-bearer", "{t}", "http://{a}/x"], id="bearer"),
        pytest.param(["-x", "http://nlp:{t}@{a}", "http://hub.example/x"], id="proxy"),
        pytest.param(
            ["--proxy-anyauth", "-x", "http://nlp:{t}@{a}", "http://hub.example/x"], id="proxy any"
        ),
        pytest.param(
            ["--proxy-header", "Proxy-Authorization: Bearer {t}", "-x", "http://{a}",
             "http://hub.example/x"],
            id="proxy bearer",
        ),
    ],
)  # fmt: skip
def test_curl_answers_the_challenge(words: list[str]) -> None:
    with serving() as address:
        line = [word.format(t=TOKEN, a=address) for word in words]
        done = subprocess.run(["curl", "-s", "-f", *line], capture_output=True, check=False)
        assert (done.returncode, done.stdout) == (0, b"nlp")


@pytest.mark.skipif(not shutil.which("wget"), reason="wget is not installed")
def test_wget_answers_the_challenge() -> None:
    with serving() as address:
        for line in (
            ["--user=nlp", f"--password={TOKEN}", f"http://{address}/x"],
            ["-e", f"http_proxy=http://nlp:{TOKEN}@{address}", "http://hub.example/x"],
        ):
            done = subprocess.run(
                ["wget", "-q", "-O", "-", "--no-config", *line], capture_output=True, check=False
            )
            assert (done.returncode, done.stdout) == (0, b"nlp")
