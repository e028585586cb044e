"""Each test runs over every wire: bytes as they are, TLS 1.2 and TLS 1.3."""

import asyncio
import os
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from random import Random

import pytest

from hubproxy.errors import MismatchError
from hubproxy.server.job import Piece, Tally
from hubproxy.server.sender import Senders
from hubproxy.server.wire import BATCH
from hubproxy.service.growth import Growth
from tests.server.lines import Line, plain, sealed
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


@pytest.fixture(
    params=[
        plain,
        partial(sealed, ssl.TLSVersion.TLSv1_2),
        partial(sealed, ssl.TLSVersion.TLSv1_3),
    ],
    ids=["plain", "TLS 1.2", "TLS 1.3"],
)
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    opened: Callable[[], AbstractContextManager[Line]] = request.param
    with opened() as line:
        yield line


async def send(
    senders: Senders,
    source: int,
    line: Line,
    pieces: Sequence[Piece],
    tally: Tally,
    *,
    growth: Growth | None = None,
    chunked: bool = False,
) -> None:
    await senders.send(
        source,
        line.server.fileno(),
        iter(pieces),
        tally,
        growth=growth,
        chunked=chunked,
        sealer=line.sealer,
    )


async def test_pieces_of_the_file_and_literal_bytes_go_out_in_order(
    senders: Senders, source: int, line: Line
) -> None:
    reading = asyncio.create_task(asyncio.to_thread(line.everything))
    tally = Tally()

    pieces: list[Piece] = [b"begin", (10, 1_000_000), b"between", (0, 5), b"end"]
    await send(senders, source, line, pieces, tally)
    line.server.close()

    wanted = b"begin" + CONTENT[10:1_000_010] + b"between" + CONTENT[:5] + b"end"
    assert await reading == wanted
    assert tally.sent == len(wanted)


async def test_a_chunked_body_lacks_only_its_last_chunk(
    senders: Senders, source: int, line: Line
) -> None:
    reading = asyncio.create_task(asyncio.to_thread(line.everything))
    tally = Tally()

    await send(senders, source, line, [b"ab", (0, 20)], tally, chunked=True)
    line.server.close()

    assert await reading == b"2\r\nab\r\n14\r\n" + CONTENT[:20] + b"\r\n"
    assert tally.sent == 22  # without the framing


async def test_a_body_waits_for_the_file_to_grow(senders: Senders, source: int, line: Line) -> None:
    growth = Growth(len(CONTENT))
    growth.advance(1000)
    body: list[Piece] = [(0, len(CONTENT))]
    sending = asyncio.create_task(send(senders, source, line, body, Tally(), growth=growth))

    first = await asyncio.to_thread(line.client.recv, 5000)
    assert first == CONTENT[:1000]
    assert not sending.done()
    growth.advance(len(CONTENT))
    growth.end()
    reading = asyncio.create_task(asyncio.to_thread(line.everything))
    await sending
    line.server.close()

    assert first + await reading == CONTENT


async def test_a_body_whose_file_will_not_be_whole_ends_with_the_reason(
    senders: Senders, source: int, line: Line
) -> None:
    growth, tally = Growth(len(CONTENT)), Tally()
    growth.advance(1000)
    body: list[Piece] = [(0, len(CONTENT))]
    sending = asyncio.create_task(send(senders, source, line, body, tally, growth=growth))
    assert await asyncio.to_thread(line.client.recv, 5000) == CONTENT[:1000]

    growth.end(MismatchError("chunk 1 of 1 differs"))

    with pytest.raises(MismatchError, match="chunk 1 of 1"):
        await sending
    assert tally.sent == 1000


async def test_a_client_that_takes_nothing_is_given_up(source: int, line: Line) -> None:
    senders, tally = Senders(threads=1, stall=0.2), Tally()
    try:
        with pytest.raises(TimeoutError, match="no byte was taken"):
            await send(senders, source, line, [(0, len(CONTENT))], tally)
        line.server.close()
        got = await asyncio.to_thread(line.everything)
        assert got == CONTENT[: len(got)]
        # Of a batch of records the client may have some, and none of them is counted.
        slack = 0 if line.sealer is None else BATCH
        assert tally.sent <= len(got) <= tally.sent + slack
    finally:
        senders.stop()


async def test_a_client_that_waits_for_the_file_to_grow_is_not_given_up(
    source: int, line: Line
) -> None:
    senders, growth = Senders(threads=1, stall=0), Growth(1000)
    try:
        body: list[Piece] = [(0, 1000)]
        sending = asyncio.create_task(send(senders, source, line, body, Tally(), growth=growth))
        await asyncio.wait((sending,), timeout=1.5)  # two looks for who is stuck
        assert not sending.done()
        growth.advance(1000)
        await sending
        assert await asyncio.to_thread(line.client.recv, 5000) == CONTENT[:1000]
    finally:
        senders.stop()


async def test_a_client_that_has_gone_is_an_error(
    senders: Senders, source: int, line: Line
) -> None:
    tally = Tally()
    sending = asyncio.create_task(send(senders, source, line, [b"hello", (0, len(CONTENT))], tally))
    assert await asyncio.to_thread(line.client.recv, 5) == b"hello"
    line.client.close()

    with pytest.raises(ConnectionError):
        await sending
    assert 0 < tally.sent < len(CONTENT)


async def test_a_file_that_has_become_shorter_is_an_error(
    senders: Senders, source: int, line: Line
) -> None:
    reading = asyncio.create_task(asyncio.to_thread(line.everything))
    tally = Tally()

    with pytest.raises(OSError, match="shorter than it was"):
        await send(senders, source, line, [(0, len(CONTENT) + 1)], tally)
    line.server.close()

    assert await reading == CONTENT
    assert tally.sent == len(CONTENT)


async def test_giving_up_waits_until_nobody_reads_the_file_any_more(
    senders: Senders, source: int, line: Line
) -> None:
    before, tally = descriptors(), Tally()
    sending = asyncio.create_task(send(senders, source, line, [(0, len(CONTENT))], tally))
    await asyncio.sleep(0)

    sending.cancel()

    with pytest.raises(asyncio.CancelledError):
        await sending
    assert descriptors() == before
    assert tally.sent < len(CONTENT)


async def test_stopping_ends_what_is_being_sent(source: int, line: Line) -> None:
    senders = Senders(threads=1, stall=30)
    sending = asyncio.create_task(send(senders, source, line, [(0, len(CONTENT))], Tally()))
    await asyncio.to_thread(line.client.recv, 1)

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
