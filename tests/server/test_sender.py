import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from hubproxy.errors import MismatchError
from hubproxy.server.job import Piece, Tally
from hubproxy.server.sender import Senders
from hubproxy.service.growth import Growth
from tests.server.raw import descriptors

CONTENT = Random(3).randbytes(3_000_000)


@pytest.fixture
def senders() -> Iterator[Senders]:
    senders = Senders(threads=1, stall=30)
    yield senders
    senders.stop()


@pytest.fixture
def source(tmp_path: Path) -> Iterator[int]:
    """A descriptor of a file with `CONTENT`."""
    (tmp_path / "archive").write_bytes(CONTENT)
    descriptor = os.open(tmp_path / "archive", os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The server's end and the client's; the client's blocks."""
    server, client = socket.socketpair()
    server.setblocking(False)
    yield server, client
    server.close()
    client.close()


async def everything(client: socket.socket) -> bytes:
    def read() -> bytes:
        pieces = []
        while piece := client.recv(1 << 16):
            pieces.append(piece)
        return b"".join(pieces)

    return await asyncio.to_thread(read)


async def test_pieces_of_the_file_and_literal_bytes_go_out_in_order(
    senders: Senders, source: int, pair: tuple[socket.socket, socket.socket]
) -> None:
    server, client = pair
    reading = asyncio.create_task(everything(client))
    tally = Tally()

    pieces: list[Piece] = [b"begin", (10, 1_000_000), b"between", (0, 5), b"end"]
    await senders.send(source, server.fileno(), iter(pieces), tally)
    server.close()

    wanted = b"begin" + CONTENT[10:1_000_010] + b"between" + CONTENT[:5] + b"end"
    assert await reading == wanted
    assert tally.sent == len(wanted)


async def test_a_chunked_body_lacks_only_its_last_chunk(
    senders: Senders, source: int, pair: tuple[socket.socket, socket.socket]
) -> None:
    server, client = pair
    reading = asyncio.create_task(everything(client))
    tally = Tally()

    await senders.send(source, server.fileno(), iter([b"ab", (0, 20)]), tally, chunked=True)
    server.close()

    assert await reading == b"2\r\nab\r\n14\r\n" + CONTENT[:20] + b"\r\n"
    assert tally.sent == 22  # without the framing


async def test_a_body_waits_for_the_file_to_grow(
    senders: Senders, source: int, pair: tuple[socket.socket, socket.socket]
) -> None:
    server, client = pair
    growth = Growth(len(CONTENT))
    growth.advance(1000)
    body = iter([(0, len(CONTENT))])
    sending = asyncio.create_task(
        senders.send(source, server.fileno(), body, Tally(), growth=growth)
    )

    first = await asyncio.to_thread(client.recv, 5000)
    assert first == CONTENT[:1000]
    assert not sending.done()
    growth.advance(len(CONTENT))
    growth.end()
    reading = asyncio.create_task(everything(client))
    await sending
    server.close()

    assert first + await reading == CONTENT


async def test_a_body_whose_file_will_not_be_whole_ends_with_the_reason(
    senders: Senders, source: int, pair: tuple[socket.socket, socket.socket]
) -> None:
    server, client = pair
    growth, tally = Growth(len(CONTENT)), Tally()
    growth.advance(1000)
    body = iter([(0, len(CONTENT))])
    sending = asyncio.create_task(senders.send(source, server.fileno(), body, tally, growth=growth))
    assert await asyncio.to_thread(client.recv, 5000) == CONTENT[:1000]

    growth.end(MismatchError("chunk 1 of 1 differs"))

    with pytest.raises(MismatchError, match="chunk 1 of 1"):
        await sending
    assert tally.sent == 1000


async def test_a_client_that_takes_nothing_is_given_up(
    source: int, pair: tuple[socket.socket, socket.socket]
) -> None:
    server, client = pair
    senders, tally = Senders(threads=1, stall=0.2), Tally()
    try:
        with pytest.raises(TimeoutError, match="no byte was taken"):
            await senders.send(source, server.fileno(), iter([(0, len(CONTENT))]), tally)
        server.close()
        assert await everything(client) == CONTENT[: tally.sent]
    finally:
        senders.stop()


async def test_a_client_that_waits_for_the_file_to_grow_is_not_given_up(
    source: int, pair: tuple[socket.socket, socket.socket]
) -> None:
    server, client = pair
    senders, growth = Senders(threads=1, stall=0), Growth(1000)
    try:
        body = iter([(0, 1000)])
        sending = asyncio.create_task(
            senders.send(source, server.fileno(), body, Tally(), growth=growth)
        )
        await asyncio.wait((sending,), timeout=1.5)  # two looks for who is stuck
        assert not sending.done()
        growth.advance(1000)
        await sending
        assert await asyncio.to_thread(client.recv, 5000) == CONTENT[:1000]
    finally:
        senders.stop()


async def test_a_client_that_has_gone_is_an_error(
    senders: Senders, source: int, pair: tuple[socket.socket, socket.socket]
) -> None:
    server, client = pair
    tally = Tally()
    sending = asyncio.create_task(
        senders.send(source, server.fileno(), iter([b"hello", (0, len(CONTENT))]), tally)
    )
    assert await asyncio.to_thread(client.recv, 5) == b"hello"
    client.close()

    with pytest.raises(ConnectionError):
        await sending
    assert 0 < tally.sent < len(CONTENT)


async def test_a_file_that_has_become_shorter_is_an_error(
    senders: Senders, source: int, pair: tuple[socket.socket, socket.socket]
) -> None:
    server, client = pair
    reading = asyncio.create_task(everything(client))
    tally = Tally()

    with pytest.raises(OSError, match="shorter than it was"):
        await senders.send(source, server.fileno(), iter([(0, len(CONTENT) + 1)]), tally)
    server.close()

    assert await reading == CONTENT
    assert tally.sent == len(CONTENT)


async def test_giving_up_waits_until_nobody_reads_the_file_any_more(
    senders: Senders, source: int, pair: tuple[socket.socket, socket.socket]
) -> None:
    server, _ = pair
    before, tally = descriptors(), Tally()
    sending = asyncio.create_task(
        senders.send(source, server.fileno(), iter([(0, len(CONTENT))]), tally)
    )
    await asyncio.sleep(0)

    sending.cancel()

    with pytest.raises(asyncio.CancelledError):
        await sending
    assert descriptors() == before
    assert tally.sent < len(CONTENT)


async def test_stopping_ends_what_is_being_sent(
    source: int, pair: tuple[socket.socket, socket.socket]
) -> None:
    server, client = pair
    senders = Senders(threads=1, stall=30)
    sending = asyncio.create_task(
        senders.send(source, server.fileno(), iter([(0, len(CONTENT))]), Tally())
    )
    await asyncio.to_thread(client.recv, 1)

    senders.stop()

    with pytest.raises(ConnectionAbortedError, match="stopping"):
        await sending


async def test_a_closed_socket_is_an_error_and_not_another_ones(
    senders: Senders, source: int
) -> None:
    tally = Tally()
    with pytest.raises(OSError, match="Bad file descriptor"):
        await senders.send(source, -1, iter([(0, 10)]), tally)
    assert tally.sent == 0
