"""How the bytes of one body reach one client's socket: as they are, or as TLS records.

A wire takes bytes as a socket that does not block does: it says how many it has got rid of,
and whoever called comes back with the rest. The sealed one keeps to that although records
cannot be taken back: it holds what it has sealed until the socket has all of it, counts
nothing before, and expects to be called again with the same bytes (as SSL_write does).
"""

import os
import socket
import struct
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Protocol

RECORD = 16 * 1024
"""The most that one TLS record holds (RFC 8446, 5.1)."""

SLICE = 2 * RECORD
BATCH = 4 * SLICE
"""The most that is sealed at once.

A stalled client may hold as much, and so may the session's own buffer, which keeps the size it
once had: with both, 1,000 such clients must not take more than 64 MiB. Larger slices gain little.
"""

_SO_MEMINFO = 55  # asm-generic/socket.h; Linux 4.12
_MEMINFO = struct.Struct("6I")  # linux/sock_diag.h, up to SK_MEMINFO_WMEM_QUEUED


class Sealer(Protocol):
    """One client's TLS session, as far as a body needs it.

    It is used from a sender's thread. Whoever owns the session must not read, write or flush it
    meanwhile without a lock, as an `ssl.SSLObject` has none, and must let nothing overtake records.
    """

    def seal(self, data: bytes | memoryview) -> bytes:
        """Make TLS records of all of `data`, with whatever else the session has to send before.

        `data` is good only until it returns.

        Raises:
            ConnectionError: the session is over.
        """
        ...


class Wire(ABC):
    """The way to one client.

    Args:
        source: descriptor of the file. The wire has a duplicate of its own, so that whoever
            closes theirs does not give its number to another file under the thread's hands.
        sink: the client's socket; likewise.

    """

    def __init__(self, source: int, sink: int) -> None:
        self._source = os.dup(source)
        try:
            self._socket = socket.socket(fileno=os.dup(sink))
        except OSError:
            os.close(self._source)
            raise

    def fileno(self) -> int:
        return self._socket.fileno()

    def cork(self) -> None:
        """Let only whole segments leave, until the wire is closed."""
        self._set_cork(1)

    def close(self) -> None:
        self._set_cork(0)
        self._socket.close()
        os.close(self._source)

    @abstractmethod
    def send(self, data: bytes, flags: int) -> int:
        """Send the beginning of `data`.

        Returns:
            How many bytes of it the socket has taken; 0 when it took something, but of what is
            sealed not yet all.

        Raises:
            BlockingIOError: the socket took nothing.
            OSError: the client has gone.
        """

    @abstractmethod
    def send_file(self, offset: int, count: int) -> int:
        """Send the beginning of `count` bytes of the file, at least 1.

        Returns:
            As `send` does. Fewer than `count`: the socket is full.

        Raises:
            BlockingIOError: the socket took nothing.
            OSError: the client has gone, or the disk reported an error.
        """

    def _set_cork(self, on: int) -> None:
        with suppress(OSError):  # the client may have gone; then its next turn tells
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, on)


class PlainWire(Wire):
    """Bytes as they are; those of the file go by `sendfile`, and never through Python."""

    def send(self, data: bytes, flags: int) -> int:
        return self._socket.send(data, flags)

    def send_file(self, offset: int, count: int) -> int:
        sent = os.sendfile(self._socket.fileno(), self._source, offset, count)
        if sent == 0:
            raise _shorter()
        return sent


class SealedWire(Wire):
    """Bytes as TLS records.

    Args:
        source: descriptor of the file.
        sink: the client's socket.
        sealer: the client's TLS session.
        buffer: of `SLICE` bytes, for what is read from the file. It may be that of many wires, all
            used by one thread, since it holds nothing between two calls. The file is read and
            not mapped, as a failing disk would then end the whole process by SIGBUS.

    """

    def __init__(self, source: int, sink: int, sealer: Sealer, buffer: memoryview) -> None:
        super().__init__(source, sink)
        self._sealer, self._buffer = sealer, buffer
        self._sealed: list[memoryview] = []  # what the socket has not taken yet
        self._covers = 0  # the bytes that it was made of

    def send(self, data: bytes, flags: int) -> int:
        if not self._covers:
            self._seal(memoryview(data)[:SLICE])
        return self._flush(flags)

    def send_file(self, offset: int, count: int) -> int:
        done = 0
        try:
            while done < count:
                if not self._covers:
                    self._seal(self._read(offset + done, count - done))
                sent = self._flush(0)
                done += sent
                if not sent:
                    break
        except OSError:
            if not done:
                raise  # otherwise the next call meets it again
        return done

    def _read(self, offset: int, count: int) -> memoryview:
        """As much as there is room for: what is sealed and does not fit takes memory."""
        room = max(self._room() // 2, RECORD)
        got = os.preadv(self._source, [self._buffer[: min(count, room)]], offset)
        if got == 0:
            raise _shorter()
        return self._buffer[:got]

    def _room(self) -> int:
        """Bytes that the socket has room for, its own book-keeping included."""
        told = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        _, _, allocated, size, _, queued = _MEMINFO.unpack(told)
        return int(size - max(allocated, queued))  # of Unix sockets, of TCP

    def _seal(self, data: memoryview) -> None:
        seal = self._sealer.seal
        self._sealed = [
            memoryview(seal(data[at : at + SLICE])) for at in range(0, len(data), SLICE)
        ]
        self._covers = len(data)

    def _flush(self, flags: int) -> int:
        """Send what is sealed.

        Returns:
            What it was made of, when all has been sent; 0 when something has.
        """
        sent = self._socket.sendmsg(self._sealed, (), flags)
        for number, sealed in enumerate(self._sealed):
            if sent < len(sealed):
                self._sealed = [sealed[sent:], *self._sealed[number + 1 :]]
                return 0
            sent -= len(sealed)
        self._sealed = []
        covered, self._covers = self._covers, 0
        return covered


def _shorter() -> OSError:
    return OSError("the stored file is shorter than it was")
