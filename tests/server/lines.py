"""Both ends of one connection: ours, as the senders get it, and a client's that blocks."""

import fcntl
import socket
import ssl
import termios
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import trustme

HOST = "tfhub.dev"
_SIOCOUTQNSD = 0x894B  # what TCP has not sent yet: linux/sockios.h


class Session:
    """Our side of a TLS session."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        self.made = 0
        """Bytes of records so far, without the handshake."""

    def shake_hands(self, sock: socket.socket) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                sock.sendall(self._out.read())
                self._in.write(sock.recv(1 << 14))
            else:
                sock.sendall(self._out.read())
                return

    def seal(self, data: bytes | memoryview) -> bytes:
        self._tls.write(data)
        records = self._out.read()
        self.made += len(records)
        return records


@dataclass(frozen=True)
class Line:
    """A connection; without a sealer its bytes go as they are."""

    server: socket.socket
    client: socket.socket
    sealer: Session | None = None

    def everything(self) -> bytes:
        """What the client gets until our end is closed."""
        pieces = []
        while piece := self.client.recv(1 << 16):
            pieces.append(piece)
        return b"".join(pieces)

    def exactly(self, size: int) -> bytes:
        """The next bytes that the client gets."""
        pieces = []
        while size and (piece := self.client.recv(min(size, 1 << 16))):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def on_the_way(self) -> int:
        """Bytes that our socket took and the client has not read."""
        numbers = [(self.client, termios.FIONREAD)]
        # Of a pair of Unix sockets the kernel counts what it has on the reader's side alone.
        if self.server.family != socket.AF_UNIX:
            numbers.append((self.server, _SIOCOUTQNSD))
        return sum(
            int.from_bytes(fcntl.ioctl(end.fileno(), what, b"\0\0\0\0"), "little")
            for end, what in numbers
        )


@contextmanager
def plain(ends: tuple[socket.socket, socket.socket] | None = None) -> Iterator[Line]:
    server, client = ends or socket.socketpair()
    with server, client:
        server.setblocking(False)
        yield Line(server, client)


@contextmanager
def sealed(
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    ends: tuple[socket.socket, socket.socket] | None = None,
) -> Iterator[Line]:
    """With TLS of just this version, after the handshake."""
    server, client = ends or socket.socketpair()
    ours, theirs = _contexts(version)
    session = Session(ours)
    with server, client, ThreadPoolExecutor(1) as pool:
        shaking = pool.submit(session.shake_hands, server)
        with theirs.wrap_socket(client, server_hostname=HOST) as wrapped:
            shaking.result()
            server.setblocking(False)
            yield Line(server, wrapped, session)


@contextmanager
def loopback() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as asyncio does
    with server, client:
        yield server, client


@cache
def _contexts(version: ssl.TLSVersion) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    authority = trustme.CA()
    ours, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert(HOST).configure_cert(ours)
    authority.configure_trust(theirs)
    ours.num_tickets = 0  # nothing of ours follows the handshake but what is sealed
    theirs.minimum_version = theirs.maximum_version = version
    return ours, theirs
