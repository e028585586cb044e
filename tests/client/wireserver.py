"""A stand-in for the daemon, to the client hook's eye: a small web server that speaks its wire.

with WireServer() as server:
    server.put("/tfhub.dev/google/spice/2", module(ARCHIVE))
    ...
    assert server.requests[0].path == "/tfhub.dev/google/spice/2?tf-hub-format=compressed"
"""

import base64
import contextlib
import hashlib
import http.server
import json
import threading
from dataclasses import dataclass, field
from email.message import Message
from typing import Literal, Self

Framing = Literal["length", "chunked"]


@dataclass(frozen=True)
class Answer:
    """One answer.

    Args:
        framing: how the end of the body is told.
        sent: bytes of the body that are really sent before the connection is closed without
            its end; None sends all of it, and the end.
    """

    body: bytes
    status: int = 200
    reason: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    framing: Framing = "length"
    sent: int | None = None


@dataclass(frozen=True)
class Asked:
    path: str
    headers: Message
    method: str = "GET"


def repr_digest(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def module(
    body: bytes,
    *,
    digest: str | None = "right",
    framing: Framing = "length",
    sent: int | None = None,
) -> Answer:
    """A module's archive. `digest` is the Repr-Digest header to send instead; None sends none."""
    value = repr_digest(body) if digest == "right" else digest
    headers = () if value is None else (("Repr-Digest", value),)
    return Answer(body, headers=headers, framing=framing, sent=sent)


def refusal(status: int, **members: object) -> Answer:
    """A refusal as a problem document (RFC 9457)."""
    return Answer(
        json.dumps({"status": status, **members}).encode(),
        status=status,
        headers=(("Content-Type", "application/problem+json"),),
    )


@dataclass
class WireServer:
    """The server, on a port that the system picks. Unknown paths are 404."""

    answers: dict[str, tuple[Answer, ...]] = field(default_factory=dict)
    requests: list[Asked] = field(default_factory=list)

    def put(self, path: str, *answers: Answer) -> None:
        """Let `path` give these answers in turn, and then the last of them for ever."""
        self.answers[path] = answers

    def answer(self, path: str) -> Answer:
        first, *later = self.answers.get(path, (Answer(b"", status=404),))
        if later:
            self.answers[path] = tuple(later)
        return first

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def stop(self) -> None:
        """Answer no more; the port then refuses connections."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(http.server.ThreadingHTTPServer):
    owner: WireServer


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        owner = self.server.owner
        owner.requests.append(Asked(self.path, self.headers, self.command))
        answer = owner.answer(self.path.partition("?")[0])
        self.close_connection = True
        self.send_response(answer.status, answer.reason)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.framing == "length":
            self.send_header("Content-Length", str(len(answer.body)))
        else:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        # A client may have heard enough.
        with contextlib.suppress(ConnectionError):
            self._send(answer)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _send(self, answer: Answer) -> None:
        if self.command == "HEAD":
            return
        body = answer.body if answer.sent is None else answer.body[: answer.sent]
        if answer.framing == "length":
            self.wfile.write(body)
            return
        for start in range(0, len(body), 4096):
            piece = body[start : start + 4096]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if answer.sent is None:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr."""
