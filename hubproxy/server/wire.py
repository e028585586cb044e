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
"""The most that one TLS record holds (RFC 8446, 5.1).

It is also the most that a session is given at once: its outgoing buffer keeps the size that it
once had, for as long as the connection lasts.
"""

BATCH = 8 * RECORD
"""The most that is read and sent at once. Twice or four times as much no longer stays in the cache
of a core; half of it costs a tenth more CPU."""

_KEPT = 2 * 1024 * 1024
"""Bytes of records that may wait in one thread before it seals them one by one.

A socket can refuse what it had room for, when the system runs short of memory for all of TCP.
With this, 1,000 clients that stall cost 64 MiB at most, their sessions included.
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


class Workspace:
    """What the sealed wires of one thread share.

    The file is read into `buffer`, which holds nothing between two turns. It is not mapped, as a
    failing disk would then end the whole process by SIGBUS.
    """

    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(BATCH))
        self.kept = 0
        """Bytes of records that sockets have not taken yet, over all wires."""


class SealedWire(Wire):
    """Bytes as TLS records.

    Args:
        source: descriptor of the file.
        sink: the client's socket.
        sealer: the client's TLS session.
        workspace: of the one thread that uses this wire.

    """

    def __init__(self, source: int, sink: int, sealer: Sealer, workspace: Workspace) -> None:
        super().__init__(source, sink)
        self._sealer, self._workspace = sealer, workspace
        self._records: list[bytes] = []  # what the socket has not taken yet
        self._kept = 0  # the bytes of them
        self._covers = 0  # the bytes that they were made of

    def close(self) -> None:
        self._workspace.kept -= self._kept
        super().close()

    def send(self, data: bytes, flags: int) -> int:
        if not self._covers:
            self._seal(memoryview(data)[: self._most()])
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
        place = self._workspace.buffer[: min(count, self._most())]
        got = os.preadv(self._source, [place], offset)
        if got == 0:
            raise _shorter()
        return place[:got]

    def _most(self) -> int:
        """Bytes to seal at once: what does not fit into the socket is kept in memory."""
        if self._workspace.kept > _KEPT:
            return RECORD
        told = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        _, _, allocated, size, _, queued = _MEMINFO.unpack(told)
        room = size - max(allocated, queued)  # the former of Unix sockets, the latter of TCP
        # Half of it, as the socket's own book-keeping takes room too.
        return int(min(max(room // 2, RECORD), BATCH))

    def _seal(self, data: memoryview) -> None:
        seal, starts = self._sealer.seal, range(0, len(data), RECORD)
        self._records = [seal(data[at : at + RECORD]) for at in starts]
        self._covers = len(data)
        self._keep(sum(map(len, self._records)))

    def _keep(self, count: int) -> None:
        self._workspace.kept += count
        self._kept += count

    def _flush(self, flags: int) -> int:
        """Send what is sealed.

        Returns:
            What it was made of, when all has been sent; 0 when something has.
        """
        sent = self._socket.sendmsg(self._records, (), flags)
        self._keep(-sent)
        for number, record in enumerate(self._records):
            if sent < len(record):
                self._records = [record[sent:], *self._records[number + 1 :]]
                return 0
            sent -= len(record)
        self._records = []
        covered, self._covers = self._covers, 0
        return covered


def _shorter() -> OSError:
    return OSError("the stored file is shorter than it was")
