"""What `sink.c` does, for machines where it cannot be built: same arguments, same lines."""

import contextlib
import getopt
import selectors
import socket
import ssl
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic_ns

_PIECE = 256 * 1024


@dataclass
class _Answer:
    """What has come of one answer."""

    begun: int
    first: int = 0
    body: int = 0
    status: int = 0
    length: int | None = None
    chunked: bool = False
    pending: bytearray = field(default_factory=bytearray)
    left: int = 0
    whole: bool = False

    def take(self, piece: bytes) -> None:
        if not self.status:
            self.pending += piece
            head, found, rest = self.pending.partition(b"\r\n\r\n")
            if not found:
                return
            first, *lines = head.decode("latin-1").lower().split("\r\n")
            self.status = int(first.split(" ")[1])
            fields = dict(line.split(": ", 1) for line in lines)
            self.chunked = fields.get("transfer-encoding") == "chunked"
            self.length = int(fields["content-length"]) if "content-length" in fields else None
            self.whole = self.length == 0
            self.pending, piece = bytearray(), bytes(rest)
        if piece:
            self.first = self.first or monotonic_ns()
            if self.chunked:
                self._chunks(piece)
            else:
                self.body += len(piece)
                self.whole = self.body == self.length

    def _chunks(self, piece: bytes) -> None:
        """Count chunks; `left` is what is to come of the open one with its CR LF."""
        at = 0
        while at < len(piece) and not self.whole:
            if self.left:
                part = min(self.left, len(piece) - at)
                self.body += max(0, min(part, self.left - 2))
                self.left, at = self.left - part, at + part
                continue
            self.pending.append(piece[at])
            at += 1
            if self.pending.endswith(b"\r\n"):
                size = int(self.pending, 16)
                self.pending.clear()
                self.left, self.whole = size + 2, not size


def _connect(port: int, authority: str, host: str) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port))
    if authority:
        sock.sendall(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += sock.recv(1) or sys.exit(5)
        if head.split(b" ")[1] != b"200":
            sys.exit(5)
    if not host:
        return sock
    # The context reads SSL_CERT_FILE, and each one has sessions of its own: none is resumed.
    return ssl.create_default_context().wrap_socket(sock, server_hostname=host)


def _pieces(sock: socket.socket) -> Iterator[bytes]:
    """What has come; an empty piece is the end."""
    yield sock.recv(_PIECE)
    while isinstance(sock, ssl.SSLSocket) and sock.pending():
        yield sock.recv(_PIECE)


def main(*words: str) -> None:
    found, (port, target, connections, requests, *headers) = getopt.getopt(list(words), "s:c:")
    options = dict(found)
    host, authority = options.get("-s", ""), options.get("-c", "")
    first = (f"GET {target} HTTP/1.1", f"Host: {host or '127.0.0.1'}", "Connection: close")
    asked = "\r\n".join((*first, *headers, "", "")).encode()
    if target == "-":
        _greet(int(port), authority, host, int(connections) * int(requests))
        return
    left = [int(requests)] * int(connections)
    ready = selectors.DefaultSelector()

    def ask(number: int) -> None:
        answer = _Answer(monotonic_ns())
        sock = _connect(int(port), authority, host)
        sock.sendall(asked)
        ready.register(sock, selectors.EVENT_READ, (number, answer))

    for number in range(len(left)):
        ask(number)
    while ready.get_map():
        for key, _ in ready.select():
            sock, (number, answer) = key.fileobj, key.data
            assert isinstance(sock, socket.socket)
            for piece in _pieces(sock):
                answer.take(piece)
            if piece and not answer.whole:
                continue
            ready.unregister(sock)
            sock.close()
            _tell(answer)
            left[number] -= 1
            if left[number] != 0 if requests == "0" else left[number] > 0:
                ask(number)


def _greet(port: int, authority: str, host: str, times: int) -> None:
    """Handshakes alone."""
    for _ in range(times):
        answer = _Answer(monotonic_ns(), status=200, whole=True)
        sock = _connect(port, authority, host)
        assert isinstance(sock, ssl.SSLSocket)
        _tell(answer)
        with contextlib.suppress(OSError):  # many servers close without a word of their own
            sock.unwrap()
        sock.close()


def _tell(answer: _Answer) -> None:
    first = answer.first - answer.begun if answer.first else 0
    whole = answer.whole or (not answer.chunked and answer.length is None)
    last = monotonic_ns() - answer.begun
    sys.stdout.write(f"{answer.status} {first} {last} {answer.body} {int(whole)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
