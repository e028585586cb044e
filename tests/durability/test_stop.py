"""SIGTERM under load."""

import asyncio
from functools import partial
from pathlib import Path

from hubproxy.core.record import CHUNK_SIZE
from tests import faults
from tests.durability.place import Place
from tests.made import make

COLD = [make(f"tfhub.dev/google/cold-{number}/1", size=2 * CHUNK_SIZE) for number in range(6)]
WARM = make("tfhub.dev/google/warm/1", size=12 * CHUNK_SIZE)


async def test_what_is_under_way_is_finished_and_on_record(tmp_path: Path) -> None:
    go_on = asyncio.Event()
    async with Place(tmp_path, [*COLD, WARM]) as place, place.serving() as daemon:
        assert (await place.get(daemon, WARM)).body == WARM.plain
        await place.settled(daemon)
        for made in COLD:
            half = faults.stalled(CHUNK_SIZE + 1000, until=go_on)
            place.origin.misbehave(made.handle.url_path, half)

        begun = [asyncio.Event() for _ in COLD]
        getting = [
            asyncio.create_task(place.get(daemon, made, took=partial(ring, event)))
            for made, event in zip(COLD, begun, strict=True)
        ]
        # A client that has asked, and reads nothing yet.
        port = int(daemon.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=65536)
        writer.write(f"GET /{WARM.handle} HTTP/1.1\r\nHost: x\r\n".encode())
        writer.write(b"User-Agent: Python-urllib/3.11\r\nConnection: close\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head
        for event in begun:
            await event.wait()

        stopping = asyncio.create_task(daemon.stop())
        while not await refused(port):
            pass
        go_on.set()
        answers = await asyncio.gather(*getting)
        slow = await reader.read(-1)
        writer.close()

        assert [answer.body for answer in answers] == [made.plain for made in COLD]
        assert [answer.error for answer in answers] == [None] * len(COLD)
        assert slow == WARM.plain
        assert await stopping == 0
        events = place.events()
        assert {event.event for event in events} == {"answer"}
        assert sorted(event.handle for event in events) == sorted(
            [str(made.handle) for made in [*COLD, WARM, WARM]]
        )
        assert await place.fsck() == []


def ring(event: asyncio.Event, _: int) -> None:
    event.set()


async def refused(port: int) -> bool:
    """Whether the daemon takes no new connection any more."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return True
    writer.close()
    return False
