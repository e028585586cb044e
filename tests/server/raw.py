"""A client that says exactly what it is told to, byte for byte, and reads what comes.

async with Raw(site.url) as raw:
    raw.say(b"GET / HTTP/1.0\r\n\r\n")
    answer = await raw.answer()
"""

import asyncio
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """One answer; header names in lower case."""

    status: int
    reason: str
    headers: dict[str, str]
    body: bytes
    version: str = "HTTP/1.1"


def get(path: str, *headers: str, version: str = "1.1", method: str = "GET") -> bytes:
    """A request in good form, with a Host unless it is HTTP/1.0."""
    host = ["Host: proxy.example"] if version == "1.1" else []
    lines = [f"{method} {path} HTTP/{version}", *host, *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def descriptors() -> set[str]:
    """What this process has open: number and what it is."""
    found = set()
    for path in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the folder itself, open while it is listed
            found.add(f"{path.name} {path.readlink()}")
    return found


class Raw:
    """A connection.

    Args:
        url: of the server.
        buffer: bytes that the kernel is to keep for us before we read; None for its own choice.
    """

    def __init__(self, url: str, *, buffer: int | None = None) -> None:
        self._url, self._buffer = urlsplit(url), buffer

    async def __aenter__(self) -> Self:
        assert self._url.hostname is not None
        sock = socket.socket()
        if self._buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._buffer)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(
                sock, (self._url.hostname, self._url.port or 80)
            )
        except OSError:
            sock.close()
            raise
        # With so small a limit the transport stops reading when nobody asks it to.
        self.reader, self._writer = await asyncio.open_connection(sock=sock, limit=4096)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.hang_up()

    async def tunnel(
        self, to: str, tls: ssl.SSLContext, *, name: str | None = "", headers: str = ""
    ) -> None:
        """Go on inside a tunnel, with TLS in it.

        Args:
            to: the authority that CONNECT names.
            tls: whom to trust.
            name: the server's; empty for the one in `to`, None to tell none.
            headers: more of them for CONNECT, each with its line's end.

        Raises:
            ConnectionRefusedError: the answer to CONNECT was not 200.
            ssl.SSLError: no TLS came about; or ConnectionError.
        """
        self.say(f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{headers}\r\n".encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        if head.split(b" ")[1] != b"200":
            raise ConnectionRefusedError(head.decode("latin-1"))
        await self.encrypt(tls, to.rpartition(":")[0] if name == "" else name)

    async def encrypt(self, tls: ssl.SSLContext, name: str | None) -> None:
        """Go on in TLS; `name` is the server's, None to tell none.

        Raises:
            ssl.SSLError: no TLS came about; or ConnectionError.
        """
        await self._writer.start_tls(tls, server_hostname=name)

    def say(self, what: bytes) -> None:
        self._writer.write(what)

    def end(self) -> None:
        """Say that no more will be said."""
        self._writer.write_eof()

    def end_plain(self) -> None:
        """Say so below TLS as well, where there is some: asyncio cannot end TLS one way."""
        self._writer.get_extra_info("socket").shutdown(socket.SHUT_WR)

    async def hang_up(self) -> None:
        """Close, with a reset if there is something unread."""
        self._writer.transport.abort()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)

    async def answer(self, *, bodiless: bool = False) -> Answer:
        """The next answer.

        Raises:
            EOFError: the connection ended before it did.
        """
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        version, status, reason = first.split(" ", 2)
        fields = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in fields}
        if bodiless or status == "304":
            body = b""
        elif headers.get("transfer-encoding") == "chunked":
            body = await self._chunks()
        else:
            body = await self.reader.readexactly(int(headers["content-length"]))
        return Answer(int(status), reason, headers, body, version)

    async def rest(self) -> bytes:
        """What comes until the server closes."""
        pieces = []
        try:
            while piece := await self.reader.read(65_536):
                pieces.append(piece)
        except ConnectionError:
            pass
        return b"".join(pieces)

    async def _chunks(self) -> bytes:
        pieces = []
        while size := int((await self.reader.readuntil(b"\r\n")), 16):
            pieces.append(await self.reader.readexactly(size))
            assert await self.reader.readexactly(2) == b"\r\n"
        assert await self.reader.readexactly(2) == b"\r\n"
        return b"".join(pieces)
