import asyncio
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from select import select

import pytest

from hubproxy.server.job import Piece, Tally
from hubproxy.server.sender import Senders
from hubproxy.server.wire import BATCH, RECORD, PlainWire, SealedWire, Workspace
from hubproxy.service.growth import Growth
from tests.server.lines import Line, loopback, plain, sealed
from tests.server.raw import descriptors

CONTENT = Random(5).randbytes(6_000_000)
OVERHEAD = 64
"""More than what TLS adds to a record."""


@pytest.fixture
def senders() -> Iterator[Senders]:
    """One thread, so that all jobs share its buffer."""
    senders = Senders(threads=1, stall=30)
    yield senders
    senders.stop()


@pytest.fixture
def source(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "archive").write_bytes(CONTENT)
    descriptor = os.open(tmp_path / "archive", os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_body_over_tcp_arrives_whole(
    senders: Senders, source: int, version: ssl.TLSVersion
) -> None:
    pieces: list[Piece] = [b"begin", (7, 5_000_001), CONTENT[: 3 * BATCH], (0, 1), b"end"]
    wanted = b"begin" + CONTENT[7:5_000_008] + CONTENT[: 3 * BATCH] + CONTENT[:1] + b"end"
    tally = Tally()
    with loopback() as ends, sealed(version, ends) as line:
        reading = asyncio.create_task(asyncio.to_thread(line.exactly, len(wanted)))
        await senders.send(source, line.server.fileno(), iter(pieces), tally, sealer=line.sealer)
        assert await reading == wanted
    assert tally.sent == len(wanted)


async def test_a_body_of_nothing_makes_no_record(senders: Senders, source: int) -> None:
    tally = Tally()
    with sealed() as line:
        for pieces in ([], [(0, 0)], [(len(CONTENT), 0)]):
            await senders.send(
                source, line.server.fileno(), iter(pieces), tally, sealer=line.sealer
            )
        assert line.on_the_way() == 0
    assert tally.sent == 0


async def test_a_growing_body_in_chunks_follows_the_file(senders: Senders, source: int) -> None:
    growth, tally, size = Growth(1_000_000), Tally(), 0
    with sealed() as line:
        sending = asyncio.create_task(
            senders.send(
                source,
                line.server.fileno(),
                iter([b"head", (0, 1_000_000)]),
                tally,
                growth=growth,
                chunked=True,
                sealer=line.sealer,
            )
        )
        assert await asyncio.to_thread(line.exactly, 9) == b"4\r\nhead\r\n"
        for verified in (1, 500_000, 1_000_000):
            chunk = b"%x\r\n%b\r\n" % (verified - size, CONTENT[size:verified])
            assert not sending.done()
            growth.advance(verified)
            # Nothing of a chunk is held back until the next one.
            assert await asyncio.to_thread(line.exactly, len(chunk)) == chunk
            size = verified
        await sending
    assert tally.sent == 1_000_004


async def test_bodies_of_one_thread_do_not_mix(senders: Senders, source: int) -> None:
    starts = [n * 700_000 for n in range(5)]
    with ExitStack() as stack:
        lines = [stack.enter_context(sealed()) for _ in starts[1:]]
        lines.append(stack.enter_context(plain()))
        got = [asyncio.to_thread(line.exactly, 2_000_000) for line in lines]
        sent = [
            senders.send(
                source,
                line.server.fileno(),
                iter([(start, 2_000_000)]),
                Tally(),
                sealer=line.sealer,
            )
            for line, start in zip(lines, starts, strict=True)
        ]
        found = (await asyncio.gather(*got, *sent))[: len(lines)]
    assert found == [CONTENT[start : start + 2_000_000] for start in starts]


async def test_a_body_is_not_done_before_its_last_record_has_left(
    senders: Senders, source: int
) -> None:
    with sealed() as line:
        line.server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        sending = asyncio.create_task(
            senders.send(
                source, line.server.fileno(), iter([(0, RECORD)]), Tally(), sealer=line.sealer
            )
        )
        await asyncio.wait((sending,), timeout=0.3)
        assert not sending.done()
        assert await asyncio.to_thread(line.exactly, RECORD) == CONTENT[:RECORD]
        await sending


async def test_a_session_that_is_over_ends_the_body(senders: Senders, source: int) -> None:
    class Over:
        def seal(self, data: bytes | memoryview) -> bytes:
            raise ConnectionResetError("the session is over")

    tally = Tally()
    with plain() as line:
        with pytest.raises(ConnectionResetError, match="session is over"):
            await senders.send(source, line.server.fileno(), iter([(0, 10)]), tally, sealer=Over())
        assert line.on_the_way() == 0
    assert tally.sent == 0


@contextmanager
def wire(line: Line, source: int) -> Iterator[SealedWire]:
    assert line.sealer is not None
    wire = SealedWire(source, line.server.fileno(), line.sealer, Workspace())
    yield wire
    wire.close()


def fill(wire: SealedWire, offset: int) -> int:
    """Send until the socket takes nothing; returns how far one came."""
    while True:
        try:
            offset += wire.send_file(offset, 1_000_000)
        except BlockingIOError:
            return offset


@pytest.mark.parametrize("buffer", [1, 30_000, 200_000, None])
@pytest.mark.parametrize("kind", ["TCP", "Unix"])
def test_a_client_that_reads_nothing_costs_one_record(
    source: int, kind: str, buffer: int | None
) -> None:
    with ExitStack() as stack:
        ends = stack.enter_context(loopback()) if kind == "TCP" else None
        line = stack.enter_context(sealed(ends=ends))
        assert line.sealer is not None
        if buffer is not None:
            line.server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        sending = stack.enter_context(wire(line, source))
        at = read = 0
        for goal in (0, 1, 20_000, 150_000):  # also after there was room again
            while read < goal:
                read += len(os.read(line.client.fileno(), goal - read))
                if not line.on_the_way():
                    select([], [line.server], [])  # until it is acknowledged
                    at = fill(sending, at)
            at = fill(sending, at)
            kept = line.sealer.made - read - line.on_the_way()
            assert 0 <= kept <= RECORD + OVERHEAD


def test_of_records_that_went_in_part_nothing_counts_yet(source: int) -> None:
    with sealed() as line, wire(line, source) as sending:
        line.server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        assert sending.send_file(0, RECORD) == 0  # something went: the client is not stuck
        with pytest.raises(BlockingIOError):
            sending.send_file(0, RECORD)
        counts: list[int] = []
        while not any(counts):
            assert os.read(line.client.fileno(), line.on_the_way())
            counts.append(sending.send_file(0, RECORD))
        assert counts[-1] == RECORD
        assert line.sealer is not None
        assert line.sealer.made <= RECORD + OVERHEAD  # and nothing was sealed twice


def test_the_session_never_gets_more_at_once_than_a_record(source: int) -> None:
    sizes = []

    class Sizes:
        def seal(self, data: bytes | memoryview) -> bytes:
            sizes.append(len(data))
            return bytes(data)

    with plain() as line:
        sending = SealedWire(source, line.server.fileno(), Sizes(), Workspace())
        assert sending.send(bytes(BATCH), 0) > 0
        sending.send_file(0, len(CONTENT))
        sending.close()
    assert max(sizes) == RECORD


def test_when_many_clients_are_stuck_each_may_keep_one_record(source: int) -> None:
    workspace = Workspace()
    with sealed() as stuck, sealed() as line:
        assert stuck.sealer is not None
        assert line.sealer is not None
        first = SealedWire(source, stuck.server.fileno(), stuck.sealer, workspace)
        second = SealedWire(source, line.server.fileno(), line.sealer, workspace)
        fill(first, 0)
        assert workspace.kept == stuck.sealer.made - stuck.on_the_way()
        workspace.kept += 8 * 1024 * 1024  # as if of others
        line.client.close()
        with pytest.raises(BrokenPipeError):
            second.send_file(0, len(CONTENT))
        assert RECORD < line.sealer.made <= RECORD + OVERHEAD
        first.close()
        second.close()
    assert workspace.kept == 8 * 1024 * 1024


@pytest.mark.parametrize("sink", [-1, 1 << 20], ids=["none", "not open"])
def test_a_wire_to_nowhere_leaves_nothing_open(source: int, sink: int) -> None:
    before = descriptors()
    with pytest.raises(OSError, match="Bad file descriptor"):
        PlainWire(source, sink)
    assert descriptors() == before
