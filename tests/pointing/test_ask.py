import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest

from hubproxy.errors import UsageError
from hubproxy.pointing.ask import Credentials, NoDaemonError, Place, ask, place_of, place_of_listen
from tests import site as sites

TOLD: dict[str, Any] = {
    "v": 1,
    "hook": "http://inside:8440",
    "proxy": "http://inside:8441",
    "ca": "PEM",
    "ca_sha256": "ab",
    "hubs": ["tfhub.dev"],
    "auth": "required",
    "time": "2026-11-23T12:00:00Z",
}


class Answer:
    """A server that answers everything with what it is told to."""

    def __init__(self) -> None:
        answer = self
        self.status, self.body = 200, b""
        self.asked: list[tuple[str, str | None]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer.asked.append((self.path, self.headers["Authorization"]))
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def answer() -> Iterator[Answer]:
    with Answer() as answer:
        yield answer


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[sites.Site]:
    async with sites.Site(tmp_path) as site:
        yield site


async def test_a_daemon_tells_how_it_is_reached(daemon: sites.Site) -> None:
    found = await asyncio.to_thread(ask, Place(daemon.url))
    assert (found.hook, found.proxy) == (daemon.url, daemon.forward_url)
    assert (found.ca, found.hubs) == (daemon.ca_pem, ("tfhub.dev",))
    assert not found.auth_required
    assert abs(found.ahead) < timedelta(seconds=5)


def test_an_address_that_a_person_gave_is_the_one_to_use(answer: Answer) -> None:
    answer.body = json.dumps(TOLD).encode()
    assert ask(Place(answer.url, named=True)).hook == answer.url
    assert ask(Place(answer.url)).hook == "http://inside:8440"


def test_a_daemon_whose_clock_is_ahead_is_found_out(answer: Answer) -> None:
    then = datetime.now(UTC) + timedelta(minutes=7)
    answer.body = json.dumps({**TOLD, "time": then.isoformat()}).encode()
    assert abs(ask(Place(answer.url)).ahead - timedelta(minutes=7)) < timedelta(seconds=5)


def test_a_proxy_of_the_environment_is_not_asked(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    answer.body = json.dumps(TOLD).encode()
    assert ask(Place(answer.url)).auth_required


def test_more_than_is_known_is_passed_over(answer: Answer) -> None:
    answer.body = json.dumps({**TOLD, "more": [1]}).encode()
    assert ask(Place(answer.url)).hubs == ("tfhub.dev",)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(b"", "cannot be read", id="empty"),
        pytest.param(b"<html>", "cannot be read", id="html"),
        pytest.param(b"[]", "cannot be read", id="list"),
        pytest.param({**TOLD, "v": 2}, "version 2", id="newer"),
        pytest.param({**TOLD, "time": "2026-11-23T12:00:00"}, "cannot be read", id="no-zone"),
        pytest.param({**TOLD, "hubs": "tfhub.dev"}, "cannot be read", id="hubs"),
        pytest.param({**TOLD, "auth": "maybe"}, "cannot be read", id="auth"),
        pytest.param({"v": 1}, "cannot be read", id="missing"),
    ],
)
def test_what_is_no_such_page_is_refused(answer: Answer, body: object, told: str) -> None:
    answer.body = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(NoDaemonError, match=told):
        ask(Place(answer.url))


@pytest.mark.parametrize("status", [404, 500])
def test_another_server_is_no_daemon(answer: Answer, status: int) -> None:
    answer.status = status
    with pytest.raises(NoDaemonError, match=f"not as a hubproxy does: {status}") as caught:
        ask(Place(answer.url))
    assert "--url" in caught.value.remedy


def test_where_nobody_answers_the_remedy_is_to_start_it_or_name_it() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(NoDaemonError) as caught:
            ask(Place(url))
    assert str(caught.value) == f"no hubproxy answers at {url}: Connection refused"
    assert "`hubproxy serve`" in caught.value.remedy
    assert "--url" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "url", "credentials"),
    [
        pytest.param("http://h:8440", "http://h:8440", None, id="plain"),
        pytest.param(" h:8440/ ", "http://h:8440", None, id="no-scheme"),
        pytest.param("https://h/hubproxy/", "https://h/hubproxy", None, id="path"),
        pytest.param("http://[::1]:8440", "http://[::1]:8440", None, id="ipv6"),
        pytest.param(
            "http://nlp:a%40b@h:8440", "http://h:8440", Credentials("nlp", "a@b"), id="team"
        ),
        pytest.param("http://nlp@h:8440", "http://h:8440", None, id="no-token"),
    ],
)
def test_an_address_is_read_as_users_type_it(
    text: str, url: str, credentials: Credentials | None
) -> None:
    assert place_of(text) == Place(url, credentials, named=True)


@pytest.mark.parametrize(
    "text",
    ["", "http://", "ftp://h:1", "http://h:0", "http://h:x", "http://h:99999", "http://a b", "//"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not the address of a hubproxy"):
        place_of(text)


@pytest.mark.parametrize("text", ["http://nlp:s3cret@h:0", "nlp:s3cret@:8440"])
def test_a_refusal_does_not_repeat_the_token(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        place_of(text)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("127.0.0.1:8440", "http://127.0.0.1:8440"),
        ("0.0.0.0:8440", "http://127.0.0.1:8440"),
        ("[::]:8440", "http://[::1]:8440"),
        ("[fe80::1]:8440", "http://[fe80::1]:8440"),
        ("hubproxy.example:80", "http://hubproxy.example:80"),
    ],
)
def test_the_daemon_of_this_host_is_found_by_its_setting(listen: str, url: str) -> None:
    found = place_of_listen(listen)
    assert (found.url, found.flag) == (url, "")


def test_a_command_finds_a_named_daemon_again() -> None:
    assert place_of("http://h:8440").flag == " --url http://h:8440"
