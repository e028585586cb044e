"""Both ends of a tunnel that is not looked into, driven by hand."""

import pytest

from hubproxy.server.relay import Pipe
from tests.server.test_tls import Wire


class Tunnel:
    """Two ends that are joined, and what is told of them."""

    def __init__(self) -> None:
        self.passed = 0
        self.lost: list[str] = []
        self.wires = Wire(), Wire()
        self.near = Pipe(self.count, lambda: self.lost.append("near"))
        self.far = Pipe(self.count, lambda: self.lost.append("far"))
        self.near.connection_made(self.wires[0])
        self.far.connection_made(self.wires[1])
        self.near.join(self.far)

    def count(self, count: int) -> None:
        self.passed += count


@pytest.fixture
def tunnel() -> Tunnel:
    return Tunnel()


def test_bytes_pass_both_ways_and_are_counted(tunnel: Tunnel) -> None:
    tunnel.near.data_received(b"hello")
    tunnel.far.data_received(b"hi")
    assert [wire.take() for wire in tunnel.wires] == [b"hi", b"hello"]
    assert tunnel.passed == 7


@pytest.mark.parametrize("slow", [0, 1])
def test_who_is_slow_slows_the_other_down(tunnel: Tunnel, slow: int) -> None:
    """Else what one end sends faster than the other one takes would wait in memory."""
    pipe = (tunnel.near, tunnel.far)[slow]
    pipe.pause_writing()
    assert tunnel.wires[1 - slow].told == {"paused"}
    assert tunnel.wires[slow].told == set()
    pipe.resume_writing()
    assert tunnel.wires[1 - slow].told == set()


@pytest.mark.parametrize("first", [0, 1])
def test_an_end_is_passed_on_and_the_other_way_stays_open(tunnel: Tunnel, first: int) -> None:
    pipes = tunnel.near, tunnel.far
    assert pipes[first].eof_received() is True
    assert tunnel.wires[1 - first].told == {"eof"}
    assert tunnel.wires[first].told == set()
    pipes[1 - first].data_received(b"bye")
    assert tunnel.wires[first].take() == b"bye"
    assert pipes[1 - first].eof_received() is None  # so that its transport closes


@pytest.mark.parametrize("first", [0, 1])
def test_an_end_that_is_lost_closes_the_other(tunnel: Tunnel, first: int) -> None:
    pipes = tunnel.near, tunnel.far
    tunnel.wires[first].close()
    pipes[first].connection_lost(None)
    assert tunnel.wires[1 - first].told == {"closed"}
    pipes[1 - first].data_received(b"too late")
    pipes[1 - first].eof_received()
    pipes[1 - first].pause_writing()
    pipes[1 - first].resume_writing()
    pipes[1 - first].connection_lost(None)
    assert len(tunnel.lost) == 2
    assert tunnel.passed == 0


def test_nothing_is_written_to_an_end_that_is_closing(tunnel: Tunnel) -> None:
    tunnel.wires[1].close()
    tunnel.near.data_received(b"x")  # which that end would not take
    assert tunnel.near.eof_received() is None
    tunnel.far.resume_writing()
    tunnel.near.connection_lost(None)
    assert tunnel.wires[1].told == {"closed"}
    assert tunnel.passed == 0
