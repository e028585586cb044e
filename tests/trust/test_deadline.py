"""Whoever sits between a site and its list may drip whatever they like, for ever."""

import itertools
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trustme
from tuf.api.exceptions import DownloadError

from hubproxy.trust import deadline
from hubproxy.trust.fetcher import HttpFetcher

NAME = "metadata/timestamp.json"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
DRIPS = [
    pytest.param(b"HTTP/1.1 200 OK\r\nX-A: ", b"a", id="a header"),
    pytest.param(b"HTTP/1.1 200 ", b"a", id="the status line"),
    pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n", id="interim answers"),
    pytest.param(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"a", id="a chunk's length"
    ),
    pytest.param(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n",
        b"A: b\r\n",
        id="trailers",
    ),
    pytest.param(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b" ", id="a body without end"),
]


class Source:
    """A server of raw answers, one after the other on each connection."""

    def __init__(self, answers: list[Iterable[bytes]], tls: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self._answers, self._tls = iter(answers), tls
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]

    def run(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                self.connections += 1
                self._threads.append(threading.Thread(target=self._serve, args=(client,)))
                self._threads[-1].start()

    def close(self) -> None:
        self._over.set()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in self._threads:
            thread.join()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(20)
        with suppress(OSError):
            if self._tls is not None:
                client = self._tls.wrap_socket(client, server_side=True)
            for answer in self._answers:
                if not client.recv(65536):
                    break
                for piece in answer:
                    client.sendall(piece)
                    if self._over.wait(0.01):
                        break
        client.close()


@contextmanager
def serving(*answers: Iterable[bytes], tls: ssl.SSLContext | None = None) -> Iterator[Source]:
    source = Source(list(answers), tls)
    thread = threading.Thread(target=source.run)
    thread.start()
    try:
        yield source
    finally:
        source.close()
        thread.join()


@pytest.fixture(autouse=True)
def directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")


def dripped(first: bytes, more: bytes) -> Iterable[bytes]:
    return itertools.chain([first], itertools.repeat(more))


def ends(fetcher: HttpFetcher, why: str = "took too long") -> None:
    """See that reading ends soon, and as it should."""
    errors: list[str] = []

    def read() -> None:
        try:
            fetcher.download_bytes(NAME, 2**30)
        except DownloadError as error:
            errors.append(str(error))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive(), "it is held by the drip"
    assert [why in error for error in errors] == [True], errors


@pytest.mark.parametrize(("first", "more"), DRIPS)
def test_row_5_whatever_drips_ends_at_the_deadline(first: bytes, more: bytes) -> None:
    with serving(dripped(first, more)) as source:
        ends(HttpFetcher(f"http://127.0.0.1:{source.port}", total=0.3))


@pytest.mark.parametrize(("first", "more"), DRIPS[:3])
def test_row_5_a_drip_on_a_connection_that_was_good_ends_too(first: bytes, more: bytes) -> None:
    with serving([WHOLE], dripped(first, more)) as source:
        fetcher = HttpFetcher(f"http://127.0.0.1:{source.port}", total=0.5)
        assert fetcher.download_bytes(NAME, 2) == b"{}"
        ends(fetcher)
        assert source.connections == 1


@pytest.mark.parametrize(("first", "more"), DRIPS[:5])
def test_row_5_a_drip_through_tls_ends_too(
    first: bytes, more: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    with serving([WHOLE], dripped(first, more), tls=tls) as source:
        fetcher = HttpFetcher(f"https://localhost:{source.port}", total=1.0)
        assert fetcher.download_bytes(NAME, 2) == b"{}"
        ends(fetcher)


def test_row_5_a_proxy_that_drips_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(dripped(b"HTTP/1.1 200 OK\r\nX-A: ", b"a")) as source:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{source.port}")
        ends(HttpFetcher("https://list.test", total=0.3))


def test_no_answer_is_waited_for_once() -> None:
    with serving(iter(lambda: b"", None)) as source:
        ends(HttpFetcher(f"http://127.0.0.1:{source.port}", idle=1, total=30), "no answer")
        assert source.connections == 1


def test_a_connection_that_lay_idle_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving([WHOLE], [WHOLE], [WHOLE]) as source:
        fetcher = HttpFetcher(f"http://127.0.0.1:{source.port}")
        for _ in range(2):
            assert fetcher.download_bytes(NAME, 2) == b"{}"
        assert source.connections == 1
        monkeypatch.setattr(deadline, "_LONGEST_IDLE", 0.0)
        assert fetcher.download_bytes(NAME, 2) == b"{}"
        assert source.connections == 2


def test_what_connects_too_late_is_shut_at_once() -> None:
    end = deadline.Deadline(0.0)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        while not end.over:
            time.sleep(0)
        end.hold(ours)
        assert ours.recv(1) == b""
