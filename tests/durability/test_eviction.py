"""A full budget: what goes, and what stays."""

import asyncio
import socket
from pathlib import Path
from typing import Self

from hubproxy.core.record import CHUNK_SIZE
from tests.durability.place import Daemon, Place
from tests.made import Made, make
from tests.site import Got

# More than the kernel keeps for a connection whose client reads nothing.
SIZE = 6 * CHUNK_SIZE
A, B, C, D, E = (make(f"tfhub.dev/google/{name}/1", size=SIZE) for name in "abcde")


def cache_status(got: Got) -> str:
    return got.headers["Cache-Status"].removeprefix("hubproxy; ").partition(";")[0]


class Stalled:
    """A client that takes the head of an answer, and nothing more until it is told to."""

    def __init__(self, daemon: Daemon, made: Made) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        self._socket.setblocking(False)
        self._port = int(daemon.url.rpartition(":")[2])
        self._made = made

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    async def ask(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._socket, ("127.0.0.1", self._port))
        request = f"GET /{self._made.handle} HTTP/1.0\r\nUser-Agent: Python-urllib/3.11\r\n\r\n"
        await loop.sock_sendall(self._socket, request.encode())
        self._head = await loop.sock_recv(self._socket, 4096)

    async def read(self) -> bytes:
        loop, pieces = asyncio.get_running_loop(), [self._head]
        while piece := await loop.sock_recv(self._socket, 1 << 20):
            pieces.append(piece)
        return b"".join(pieces).partition(b"\r\n\r\n")[2]


async def test_the_least_recently_used_goes_and_never_what_is_pinned_or_read(
    tmp_path: Path,
) -> None:
    settings = {"store.budget": 3 * SIZE, "store.pinned": ["tfhub.dev/google/a/*"]}
    async with Place(tmp_path, [A, B, C, D, E], settings) as place, place.serving() as daemon:
        for made in (A, B, C):
            assert (await place.get(daemon, made)).body == made.plain
        await place.settled(daemon)
        # A is pinned, B is being read, C was used last: C is all that may go.
        with Stalled(daemon, B) as stalled:
            await stalled.ask()
            assert cache_status(await place.get(daemon, C)) == "hit"

            assert (await place.get(daemon, D)).body == D.plain
            await place.settled(daemon)

            assert cache_status(await place.get(daemon, A)) == "hit"
            assert cache_status(await place.get(daemon, B)) == "hit"
            assert cache_status(await place.get(daemon, D)) == "hit"
            assert await stalled.read() == B.plain
        # Nobody reads it any more, and D was used after it.
        assert (await place.get(daemon, E)).body == E.plain
        assert cache_status(await place.get(daemon, D)) == "hit"
        assert place.fetches(B) == 1
        assert await daemon.stop() == 0
        assert await place.fsck() == []

        left = {path.name for path in (tmp_path / "data/blobs").rglob("?" * 64)}
        assert {made.digest.hex for made in (A, B, C, D, E)} & left == {
            made.digest.hex for made in (A, D, E)
        }


async def test_when_everything_is_pinned_or_read_there_is_no_room(tmp_path: Path) -> None:
    settings = {"store.budget": 2 * SIZE, "store.pinned": ["tfhub.dev/google/a/*"]}
    async with Place(tmp_path, [A, B, C], settings) as place, place.serving() as daemon:
        for made in (A, B):
            await place.get(daemon, made)
        await place.settled(daemon)
        with Stalled(daemon, B) as stalled:
            await stalled.ask()
            got = await place.get(daemon, C)
            assert got.status == 507
            assert place.fetches(C) == 0
            assert await stalled.read() == B.plain
