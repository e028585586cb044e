"""One body on its way to one client: what to send next, and how far one may go."""

import asyncio
import select
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic

from hubproxy.server.wire import Wire
from hubproxy.service.growth import Growth

Piece = bytes | tuple[int, int]
"""Literal bytes, or (offset, length) of the file."""

TURN = 2 * 1024 * 1024
PARKED = 0  # epoll always reports a hang-up


@dataclass(slots=True)
class Tally:
    """Bytes of a body that the client's socket has taken, without framing.

    Of a body in TLS, bytes count when the socket has taken all that was sealed together with them.
    At an early end it may so have taken up to `wire.BATCH` bytes more.
    """

    sent: int = 0


class Job:
    """One body on its way to one client.

    Args:
        wire: the way to the client; the job closes it.
        pieces: what to send, in order.
        growth: how far the file may be read; None when all of it may.
        chunked: frame the body for `Transfer-Encoding: chunked` (RFC 9112, 7.1), without the
            last chunk: the caller ends the body, or does not.

    """

    def __init__(
        self,
        wire: Wire,
        pieces: Iterator[Piece],
        *,
        growth: Growth | None,
        chunked: bool,
        done: asyncio.Future[None],
    ) -> None:
        self._wire, self._pieces = wire, pieces
        if growth is None:
            # As nginx's tcp_nopush: whole segments until the end. Without it a single client's
            # transfer costs 1.5 times the CPU. A growing body must not wait for whole ones.
            wire.cork()
        self._growth, self._chunked = growth, chunked
        self.done = done
        self.sent = 0
        self.progress = monotonic()
        self.parked = False
        self.given_up = False
        self._literal = b""
        self._owed = 0  # bytes of the body that count once the literal is sent
        self._offset = self._length = 0
        self._framed = 0  # bytes of the range that the open chunk still covers

    def fileno(self) -> int:
        return self._wire.fileno()

    def close(self) -> None:
        self._wire.close()

    def turn(self) -> int | None:
        """Send for one turn.

        Returns:
            The epoll events to wait for; 0 to wait for the file to grow; -1 when there is
            more to do at once; None when all is sent.

        Raises:
            OSError: the client has gone, or the disk reported an error.
            HubproxyError: the rest of the file will not come.
        """
        if self.given_up:
            raise ConnectionAbortedError("the answer was given up")
        if self.parked:
            self.parked, self.progress = False, monotonic()
        left = TURN
        while left > 0:
            if self._literal:
                if not self._send():
                    return select.EPOLLOUT
            elif self._length:
                allowed = self._allowed()
                if not allowed:
                    self.parked = True
                    return PARKED
                if self._chunked and not self._framed:
                    self._framed = allowed
                    self._literal = b"%x\r\n" % allowed
                    continue
                wanted = min(allowed, left)
                count = self._wire.send_file(self._offset, wanted)
                self._advance(count)
                left -= count
                if count < wanted:
                    return select.EPOLLOUT  # the socket is full: asking again would only say so
            elif not self._next():
                return None
        return -1

    def _allowed(self) -> int:
        """Bytes of the current range that may be sent now."""
        if self._framed:
            return self._framed
        if self._growth is None:
            return self._length
        allowed = min(self._length, self._growth.verified - self._offset)
        if allowed <= 0 and self._growth.error is not None:
            raise self._growth.error
        return max(allowed, 0)

    def _advance(self, count: int) -> None:
        self._offset += count
        self._length -= count
        self.sent += count
        self.progress = monotonic()
        if self._framed:
            self._framed -= count
            if not self._framed:
                self._literal = b"\r\n"

    def _send(self) -> bool:
        """Send the literal; whether it has gone."""
        # MSG_MORE: a frame's head leaves together with what follows it.
        flags = socket.MSG_MORE if self._length else 0
        count = self._wire.send(self._literal, flags)
        self._literal = self._literal[count:]
        self.progress = monotonic()
        if self._literal:
            return False
        self.sent += self._owed
        self._owed = 0
        return True

    def _next(self) -> bool:
        piece = next(self._pieces, None)
        if piece is None:
            return False
        if isinstance(piece, bytes):
            self._owed = len(piece)
            self._literal = b"%x\r\n%b\r\n" % (len(piece), piece) if self._chunked else piece
        else:
            self._offset, self._length = piece
        return True
