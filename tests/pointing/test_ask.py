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

from hubproxy.pointing.ask import CaMismatchError, NoDaemonError, ask
from hubproxy.pointing.place import Place
from tests import site as sites
from tests.pointing.sites import root

CA, SHA256 = root("tfhub.dev")
TOLD: dict[str, Any] = {
    "v": 1,
    "hook": "http://inside:8440",
    "proxy": "http://inside:8441",
    "ca": CA.decode(),
    "ca_sha256": SHA256,
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
        pytest.param({**TOLD, "hubs": []}, "cannot be read", id="no-hubs"),
        pytest.param({**TOLD, "hubs": ["a b"]}, "cannot be read", id="hub-with-space"),
        pytest.param({**TOLD, "hubs": ["a\r\nX: y"]}, "cannot be read", id="hub-with-lines"),
        pytest.param({**TOLD, "hubs": ["*"]}, "cannot be read", id="hub-all"),
        pytest.param({**TOLD, "auth": "maybe"}, "cannot be read", id="auth"),
        pytest.param({**TOLD, "proxy": "h:8441"}, "cannot be read", id="proxy-no-url"),
        pytest.param({**TOLD, "proxy": "http://h:1\n"}, "cannot be read", id="proxy-line-break"),
        pytest.param({**TOLD, "proxy": "http://$(id):1"}, "cannot be read", id="proxy-shell"),
        pytest.param({**TOLD, "hook": "file:///etc"}, "cannot be read", id="hook-scheme"),
        pytest.param({**TOLD, "ca": "junk"}, "cannot be read", id="ca-junk"),
        pytest.param({**TOLD, "ca_sha256": "../../x"}, "another fingerprint", id="ca-path"),
        pytest.param({**TOLD, "ca_sha256": "ab" * 32}, "another fingerprint", id="ca-other"),
        pytest.param({**TOLD, "ca": ""}, "another fingerprint", id="ca-none"),
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


def test_a_ca_that_is_not_the_one_named_is_not_trusted(answer: Answer) -> None:
    answer.body = json.dumps(TOLD).encode()
    assert ask(Place(answer.url, ca_sha256=SHA256)).ca == CA
    with pytest.raises(CaMismatchError, match=f"sha256 {SHA256}, not abab") as caught:
        ask(Place(answer.url, ca_sha256="ab" * 32))
    assert "hubproxy ca show" in caught.value.remedy


def test_cas_before_it_are_trusted_only_where_none_is_named(answer: Answer) -> None:
    """After a rotation there are two; who stands in between could add one of their own."""
    both = CA + root("other.example")[0]
    answer.body = json.dumps({**TOLD, "ca": both.decode()}).encode()
    assert ask(Place(answer.url)).ca == both
    assert ask(Place(answer.url, ca_sha256=SHA256)).ca == CA


def test_a_daemon_without_a_forward_port_has_no_ca_to_name(answer: Answer) -> None:
    answer.body = json.dumps({**TOLD, "proxy": "", "ca": "", "ca_sha256": ""}).encode()
    assert ask(Place(answer.url, ca_sha256=SHA256)).ca == b""


WIDE, WIDE_SHA256 = root("tfhub.dev", "example.com")


@pytest.mark.allow_hosts(["127.0.0.1", "0.0.0.0"])
def test_a_ca_for_more_than_the_hubs_is_taken_from_the_network_only_by_its_fingerprint(
    answer: Answer,
) -> None:
    """What a job is made to trust comes by plain HTTP. This host itself is believed."""
    answer.body = json.dumps({**TOLD, "ca": WIDE.decode(), "ca_sha256": WIDE_SHA256}).encode()
    elsewhere = answer.url.replace("127.0.0.1", "0.0.0.0")
    with pytest.raises(CaMismatchError, match=r"is not confined to tfhub\.dev") as caught:
        ask(Place(elsewhere))
    assert "--ca-sha256" in caught.value.remedy
    assert ask(Place(elsewhere, ca_sha256=WIDE_SHA256)).fingerprint == WIDE_SHA256
    assert ask(Place(answer.url)).fingerprint == WIDE_SHA256
    answer.body = json.dumps(TOLD).encode()
    assert ask(Place(elsewhere)).fingerprint == SHA256
