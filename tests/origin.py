"""A web server on loopback that can misbehave in every way that a hub might.

    async with Origin() as origin:
        origin.put("/google/spice/2", ARCHIVE)
        origin.misbehave("/google/spice/2", faults.truncated(1000), faults.status(503))
        ...                                    # 1st request is cut, 2nd gets 503, then all is well
        await origin.asked("/google/spice/2", 3)
        assert origin.requests[0].headers["accept-encoding"] == "identity"

It speaks raw HTTP/1.1 over asyncio streams, honours `Range` and `If-Range` with strong entity
tags, keeps connections open, and remembers what it was asked. Ways to misbehave are in
`tests.faults`. Paths are matched without their query; an unknown path is 404.
"""

import asyncio
import hashlib
import socket
import ssl
import struct
from collections import deque
from dataclasses import dataclass, field
from typing import Self

from tests.faults import GOOD, Answer, Fault, Framing, Resource, pieces, prepare

_RST_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Request:
    """A request as it arrived; header names in lower case, the last one wins."""

    method: str
    target: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass
class Origin:
    """A hub to download from. Use it as an async context manager.

    Args:
        rate: bytes of bodies per second over all connections; None for no limit.
        tls: the server's TLS context; None for plain HTTP.
    """

    rate: int | None = None
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    """How many were ever accepted."""
    sent: int = 0
    """Bytes of bodies handed to the kernel."""
    port: int = 0

    def __post_init__(self) -> None:
        self._resources: dict[str, Resource] = {}
        self._faults: dict[str, deque[Fault]] = {}
        self._always: dict[str, Fault] = {}
        self._changed = asyncio.Condition()
        self._handlers: set[asyncio.Task[None]] = set()
        self._free_at = 0.0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._connected, "127.0.0.1", self.port, ssl=self.tls, limit=1 << 20
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def open_connections(self) -> int:
        return len(self._handlers)

    async def stop(self) -> None:
        """Stop listening and drop every connection. May be called twice."""
        self._server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        await self._server.wait_closed()

    def put(
        self,
        path: str,
        body: bytes,
        *,
        media_type: str = "application/gzip",
        etag: str | None = None,
        last_modified: str = "",
        framing: Framing = "length",
    ) -> None:
        """Let `path` hold `body`. The entity tag is its digest unless given; empty sends none."""
        if etag is None:
            etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        self._resources[path] = Resource(
            body=body,
            media_type=media_type,
            etag=etag,
            last_modified=last_modified,
            framing=framing,
        )

    def misbehave(self, path: str, *answers: Fault) -> None:
        """Use up these, in order, for the next requests of `path`; `GOOD` is a good answer."""
        self._faults.setdefault(path, deque()).extend(answers)

    def always(self, path: str, answer: Fault | None) -> None:
        """Misbehave like this until told otherwise (None)."""
        if answer is None:
            self._always.pop(path, None)
        else:
            self._always[path] = answer

    async def asked(self, path: str, times: int = 1) -> None:
        """Wait until `path` was asked for so many times in all."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: sum(request.path == path for request in self.requests) >= times
            )

    async def idle(self) -> None:
        """Wait until no connection is open."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._handlers)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        self.connections += 1
        # So that `drain` waits until the kernel has everything (0 would hang over TLS).
        writer.transport.set_write_buffer_limits(1)
        try:
            while await self._answer(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            # The client is gone, or the test is over; a cancelled handler would be reported.
            writer.transport.abort()
        finally:
            writer.close()
            self._handlers.discard(task)
            async with self._changed:
                self._changed.notify_all()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection stays open."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        method, target, _ = first.split(" ")
        fields = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in fields}
        request = Request(method, target, headers)
        fault = self._next_fault(request.path)
        async with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        if fault.raw is not None:
            writer.write(fault.raw)
            await writer.drain()
            if fault.hold:
                await _stall(reader, fault.until)
            return False
        answer = prepare(request.headers, self._resources.get(request.path), fault)
        writer.write(answer.head)
        if fault.endless == "headers":
            while True:
                writer.write(b"X-More: " + b"x" * 1000 + b"\r\n")
                await writer.drain()
        writer.write(b"\r\n")
        whole = await self._send_body(reader, writer, answer, fault)
        if fault.reset:
            _reset(writer)
            return False
        writer.write(fault.after)
        await writer.drain()
        return whole and answer.framing != "close" and headers.get("connection") != "close"

    def _next_fault(self, path: str) -> Fault:
        waiting = self._faults.get(path)
        return waiting.popleft() if waiting else self._always.get(path, GOOD)

    async def _send_body(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answer: Answer,
        fault: Fault,
    ) -> bool:
        """Send what is due; whether all of it was sent."""
        for piece in pieces(answer.due, fault):
            if not piece:
                await _stall(reader, fault.until)
                continue
            await self._pace(len(piece))
            if answer.framing == "chunked":
                writer.writelines((b"%x\r\n" % len(piece), piece, b"\r\n"))
            else:
                writer.write(piece)
            await writer.drain()
            self.sent += len(piece)
            if fault.tick:
                await asyncio.sleep(fault.tick)
        if fault.cut is not None:
            return False
        if answer.framing == "chunked":
            writer.write(b"0\r\n\r\n")
        return True

    async def _pace(self, size: int) -> None:
        if self.rate is not None:
            now = asyncio.get_running_loop().time()
            self._free_at = max(self._free_at, now) + size / self.rate
            await asyncio.sleep(self._free_at - now)


async def _stall(reader: asyncio.StreamReader, until: asyncio.Event | None) -> None:
    """Wait for the event.

    Raises:
        ConnectionResetError: the client went away first.
    """
    waits = [asyncio.ensure_future((until or asyncio.Event()).wait())]
    waits.append(asyncio.ensure_future(reader.read()))  # type: ignore[arg-type]  # only awaited
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if not waits[0].done():
            raise ConnectionResetError
    finally:
        for wait in waits:
            wait.cancel()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST; what the kernel has on loopback has arrived."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
    writer.transport.abort()
