"""Many clients that are in no hurry: `python -m tests.patience.crowd`, a process of its own.

Its one argument is JSON, see `Order`. It prints a line when all connections stand, and one at the
end: how many the server has closed, and how long the last of them had lived.
"""

import asyncio
import json
import resource
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass
from random import random

from tests.server.raw import Raw

_AT_ONCE, _PER_SECOND = 25, 250  # clients that are just coming, or going
_HUB = "tfhub.dev"


@dataclass(frozen=True, slots=True)
class Mode:
    """What one client does.

    Args:
        forward: on the forward port, not on the reverse one.
        tunnel: inside a tunnel, with TLS.
        begin: said at once; `{path}` is the module's.
        more: said again each second.
        take: bytes read each second of the answer; 0 for all that comes.
    """

    begin: bytes
    forward: bool = False
    tunnel: bool = False
    more: bytes = b""
    take: int = 0


_HEAD, _CONNECT = (
    b"GET {path} HTTP/1.1\r\nHost: tfhub.dev\r\n",
    b"CONNECT tfhub.dev:443 HTTP/1.1\r\n",
)
_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
MODES = {
    # Half a request, that never becomes a whole one.
    "head": Mode(_HEAD + b"X-A: ", more=b"a"),
    "head, line by line": Mode(_HEAD, more=b"X-A: b\r\n"),
    "head, forward": Mode(b"GET http://tfhub.dev/a HTTP/1.1\r\nX-A: ", forward=True, more=b"a"),
    "half a CONNECT": Mode(_CONNECT + b"X-A: ", forward=True, more=b"a"),
    "CONNECT, then silence": Mode(_CONNECT + b"Host: tfhub.dev:443\r\n\r\n", forward=True),
    "CONNECT, half a hello": Mode(
        _CONNECT + b"Host: tfhub.dev:443\r\n\r\n" + _HELLO, forward=True, more=b"\0"
    ),
    "head, in a tunnel": Mode(_HEAD + b"X-A: ", forward=True, tunnel=True, more=b"a"),
    "body": Mode(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n", more=b"a"),
    "body, in a tunnel": Mode(
        b"POST / HTTP/1.1\r\nHost: tfhub.dev\r\nContent-Length: 99999\r\n\r\n",
        forward=True, tunnel=True, more=b"a",
    ),
    # Whole requests.
    "idle": Mode(b"GET /-/live HTTP/1.1\r\nHost: a\r\n\r\n"),
    "idle, in a tunnel": Mode(
        b"HEAD {path} HTTP/1.1\r\nHost: tfhub.dev\r\n\r\n", forward=True, tunnel=True
    ),
    "slow readers": Mode(_HEAD + b"\r\n", take=1024),
    "slow readers, in tunnels": Mode(_HEAD + b"\r\n", forward=True, tunnel=True, take=1024),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    """So many clients of a mode, for so many seconds at most. `ca` is a file."""

    mode: str
    count: int
    seconds: float
    reverse: str
    forward: str
    ca: str
    path: str

    def encode(self) -> str:
        return json.dumps({name: getattr(self, name) for name in self.__slots__})


class Crowd:
    """Clients that come together, each in its own time, and leave when the server says so."""

    def __init__(self, order: Order) -> None:
        self.order, self.mode = order, MODES[order.mode]
        self.gate = asyncio.Semaphore(_AT_ONCE)
        self.came, self.over = asyncio.Semaphore(0), asyncio.Event()
        self.lived: list[float] = []
        self.tls: ssl.SSLContext | None = None
        if self.mode.tunnel:
            self.tls = ssl.create_default_context(cafile=order.ca)

    async def run(self, say: Callable[[dict[str, float]], None]) -> None:
        clients = []
        for number in range(self.order.count):
            clients.append(asyncio.create_task(self._client()))
            if number % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(_AT_ONCE / _PER_SECOND)
        for _ in clients:
            await self.came.acquire()
        say({"standing": sum(not client.done() for client in clients)})
        await asyncio.wait(clients, timeout=self.order.seconds)
        closed, last = len(self.lived), max(self.lived, default=0)
        self.over.set()
        results = await asyncio.gather(*clients, return_exceptions=True)
        errors = [result for result in results if isinstance(result, BaseException)]
        for error in errors[:3]:
            sys.stderr.write(f"crowd: {error!r}\n")
        say({"closed": closed, "last": last, "failed": len(errors)})

    async def _client(self) -> None:
        """Come, stay, and note how long the server let one stay."""
        url = self.order.forward if self.mode.forward else self.order.reverse
        async with self.gate:
            try:
                raw = await Raw(url, buffer=4096).__aenter__()
                if self.tls is not None:
                    await raw.tunnel(f"{_HUB}:443", self.tls)
            finally:
                self.came.release()
        try:
            await self._stay(raw)
        finally:
            await raw.hang_up()

    async def _stay(self, raw: Raw) -> None:
        clock = asyncio.get_running_loop().time
        path = self.order.path if self.mode.tunnel else f"/{_HUB}{self.order.path}"
        begun = clock()
        raw.say(self.mode.begin.replace(b"{path}", path.encode()))
        reading = asyncio.create_task(self._read(raw))
        leaving = asyncio.create_task(self.over.wait())
        pause = 1 if self.mode.more else None
        while not reading.done() and not leaving.done():
            await asyncio.wait(
                (reading, leaving), timeout=pause, return_when=asyncio.FIRST_COMPLETED
            )
            raw.say(self.mode.more)
        if reading.done():
            self.lived.append(clock() - begun)
        else:
            await asyncio.sleep(random() * self.order.count / _PER_SECOND)
        for task in (reading, leaving):
            task.cancel()
        await asyncio.gather(reading, leaving, return_exceptions=True)

    async def _read(self, raw: Raw) -> None:
        if not self.mode.take:
            await raw.rest()
        while self.mode.take and await raw.reader.read(self.mode.take):
            await asyncio.sleep(1)


def _print(told: dict[str, float]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(Crowd(Order(**json.loads(sys.argv[1]))).run(_print))
