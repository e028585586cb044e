"""The first reader of every connection, in front of aiohttp.

It reads one request's head at a time, strictly and against the clock, asks the door where the
request is for, and hands on a head that can be read in one way only. Until that is answered the
next one waits. A CONNECT becomes a connection inside the connection, with an edge of its own.
"""

import asyncio
import socket
from collections.abc import Coroutine
from math import inf
from time import monotonic
from typing import Any, Protocol

from hubproxy.errors import HubproxyError
from hubproxy.protocols.head import LONGEST_HEAD, Head, find_end, read_head
from hubproxy.server.frontend import Frontend
from hubproxy.server.handler import Handler
from hubproxy.server.replies import raw_refusal

_LINGER = 1.0
"""Seconds that a refused client has to read why, before its connection is closed."""
_SENDERS_FIRST = 2.0
"""Seconds more than a body may stall: what a sender ends is on record, what the system ends not."""


class RequestTimeoutError(HubproxyError):
    """The request did not come whole in time."""

    code = "REQUEST_TIMEOUT"
    status = 408


class Door(Protocol):
    """Where a connection comes in, and so what its requests mean."""

    def entered(self, edge: "Edge") -> None:
        """A connection has begun; raises HubproxyError when it may not go on."""
        ...

    def left(self, edge: "Edge") -> None: ...

    def caller(self, head: Head, address: str) -> str:
        """Who asks; raises HubproxyError when that must be known and is not."""
        ...

    def target(self, head: Head) -> str:
        """What is asked for, as the target of a reverse route; raises HubproxyError."""
        ...

    def connect(self, head: Head, edge: "Edge") -> None:
        """Begin to answer a CONNECT; raises HubproxyError."""
        ...

    def refused(self, head: Head, error: HubproxyError, edge: "Edge") -> None:
        """A request with a whole head was refused: tell whom it concerns, then the client."""
        ...


class Inside(Protocol):
    """What has the connection after a CONNECT."""

    def data_received(self, data: bytes) -> None: ...
    def eof_received(self) -> bool | None: ...
    def connection_lost(self, exc: Exception | None) -> None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...


class Edge(asyncio.Protocol):
    """One connection: reads its requests, and lets them be answered one after the other."""

    __slots__ = (
        "_bodiless",
        "_busy",
        "_door",
        "_ended",
        "_front",
        "_handler",
        "_inside",
        "_over",
        "_seen",
        "_task",
        "_transport",
        "_waiting",
        "address",
        "caller",
        "deadline",
        "via",
    )

    def __init__(self, front: Frontend, door: Door) -> None:
        self._front, self._door = front, door
        self._transport: Any = None
        self._handler: Handler | None = None
        self._inside: Inside | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiting = bytearray()
        self._seen = 0
        self._busy = self._over = self._ended = self._bodiless = False
        self.address = self.caller = self.via = ""
        self.deadline = inf

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else "unknown"
        self._front.connections.watch(self)
        self.rest()
        try:
            self._door.entered(self)
        except HubproxyError as error:
            self.refuse(error)

    def data_received(self, data: bytes) -> None:
        if self._inside is not None:
            self._inside.data_received(data)
            return
        if self._over:
            return
        self._waiting += data
        if not self._busy:
            self._read()
        elif len(self._waiting) > LONGEST_HEAD:
            self._transport.pause_reading()

    def eof_received(self) -> bool | None:
        """No more will be asked; what was asked is still answered (RFC 9112, 9.6).

        But nobody goes through a tunnel after that.
        """
        if self._inside is not None:
            return self._inside.eof_received()
        self._ended = True
        return self._busy and not self._over and self._task is None

    def connection_lost(self, exc: Exception | None) -> None:
        self._front.connections.forget(self)
        self._door.left(self)
        self._over = True
        if self._task is not None:
            self._task.cancel()
        if self._handler is not None:
            self._handler.connection_lost(exc)
        if self._inside is not None:
            self._inside.connection_lost(exc)

    def pause_writing(self) -> None:
        if self._inside is not None:
            self._inside.pause_writing()
        elif self._handler is not None:
            self._handler.pause_writing()

    def resume_writing(self) -> None:
        if self._inside is not None:
            self._inside.resume_writing()
        elif self._handler is not None:
            self._handler.resume_writing()

    # Requests.

    def _read(self) -> None:
        """Begin with the next request, if all of its head is there."""
        head = None
        self._bodiless = bytes(self._waiting[:7]).lstrip().startswith(b"HEAD ")
        try:
            end = find_end(self._waiting, self._seen)
            if end is None:
                if self._waiting and not self._seen:
                    self.deadline = monotonic() + self._front.connections.patience.head
                self._seen = len(self._waiting)
                return
            head = read_head(bytes(self._waiting[:end]))
            del self._waiting[:end]
            self._seen, self._busy, self.deadline = 0, True, inf
            self._begin(head)
        except HubproxyError as error:
            if head is None:
                self._front.connections.unreadable("http.bad_request", self.address, error)
                self.refuse(error)
            else:
                self._door.refused(head, error, self)

    def _begin(self, head: Head) -> None:
        self.caller = ""
        self.via = self._front.passed(head)
        if head.method == "CONNECT":
            self._door.connect(head, self)
            return
        self.caller = self._door.caller(head, self.address)
        target = self._door.target(head)
        if self._handler is None:
            self._handler = self._front.handlers.open(self, self._transport)
        self._handler.data_received(head.rewritten(target))

    def answered(self, *, more: bool) -> None:
        """The answer has been handed to the transport; with `more`, another request may follow."""
        if more:
            asyncio.get_running_loop().call_soon(self._next)
        else:
            self._over = True

    def _next(self) -> None:
        if self._over or self._transport.is_closing():
            return
        self._busy = False
        if self._front.connections.stopping:
            self._transport.close()
            return
        self.rest()
        self._transport.resume_reading()
        if self._waiting:
            self._read()
        if self._ended and not self._busy:
            self._transport.close()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Have the request answered by a task, which ends with the connection."""
        self._task = asyncio.create_task(work)

    # The end.

    def refuse(self, error: HubproxyError) -> None:
        """Answer with an error. Nothing behind it is read, and the connection is closed."""
        self._over = True
        self._waiting.clear()
        if self._transport.is_closing():
            return
        self._front.app.refused("", error)
        self._transport.resume_reading()  # what still comes is dropped, so that the answer arrives
        more = self._front.challenge(error)
        self._transport.write(raw_refusal(error, more, bodiless=self._bodiless))
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self.deadline = monotonic() + _LINGER

    def rest(self) -> None:
        """Wait for a request, as long as a connection may."""
        self.deadline = monotonic() + self._front.connections.patience.idle

    def expire(self) -> None:
        """Do what the passed deadline asks for."""
        if self._seen and not self._over:
            self.refuse(RequestTimeoutError("the request did not come whole in time"))
        elif self._inside is not None or self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.close()

    def stop(self) -> None:
        """Close the connection if nothing is being answered."""
        if not self._busy:
            self._transport.close()

    def abort(self) -> None:
        """Close the connection whatever happens on it."""
        self._transport.abort()

    # A connection inside this one.

    @property
    def transport(self) -> asyncio.Transport:
        return self._transport  # type: ignore[no-any-return]  # of a loop's own kind

    def enclose(self, inside: Inside, *, within: float) -> None:
        """Give the connection away, with what has come already.

        Args:
            within: seconds until it is closed, unless somebody sets another deadline.
        """
        if self._handler is not None:
            self._handler.release()
            self._handler = None
        waiting = bytes(self._waiting)
        self._waiting.clear()
        self._inside = inside
        self.deadline = monotonic() + within
        self._transport.resume_reading()
        if waiting:
            inside.data_received(waiting)


def end_unread_answers(transport: asyncio.BaseTransport, stall: float) -> None:
    """Have the system end a client that takes nothing of an answer that is no body."""
    milliseconds = min(int((stall + _SENDERS_FIRST) * 1000), 2**31 - 1)
    transport.get_extra_info("socket").setsockopt(
        socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds
    )
