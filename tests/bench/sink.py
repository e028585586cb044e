"""What `sink.c` does, for machines without a C compiler: same arguments, same lines."""

import selectors
import socket
import sys
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


def main(port: str, target: str, connections: str, requests: str, *headers: str) -> None:
    lines = (f"GET {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers, "", "")
    asked, left = "\r\n".join(lines).encode(), [int(requests)] * int(connections)
    ready = selectors.DefaultSelector()

    def ask(number: int) -> None:
        answer = _Answer(monotonic_ns())
        sock = socket.create_connection(("127.0.0.1", int(port)))
        sock.sendall(asked)
        ready.register(sock, selectors.EVENT_READ, (number, answer))

    for number in range(len(left)):
        ask(number)
    while ready.get_map():
        for key, _ in ready.select():
            sock, (number, answer) = key.fileobj, key.data
            assert isinstance(sock, socket.socket)
            piece = sock.recv(_PIECE)
            answer.take(piece)
            if piece and not answer.whole:
                continue
            first = answer.first - answer.begun if answer.first else 0
            whole = answer.whole or (not answer.chunked and answer.length is None)
            last = monotonic_ns() - answer.begun
            sys.stdout.write(f"{answer.status} {first} {last} {answer.body} {int(whole)}\n")
            sys.stdout.flush()
            ready.unregister(sock)
            sock.close()
            left[number] -= 1
            if left[number] != 0 if requests == "0" else left[number] > 0:
                ask(number)


if __name__ == "__main__":
    main(*sys.argv[1:])
