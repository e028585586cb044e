"""A small form of `python -m tests.patience`, against a daemon that has little patience."""

from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from tests.patience.crowd import MODES
from tests.patience.meter import MIB, measure
from tests.patience.place import Daemon, place

_COUNT = 60
_SLOW = [name for name in MODES if not name.startswith(("idle", "slow readers"))]


def _daemon(factory: pytest.TempPathFactory, **server: object) -> AbstractContextManager[Daemon]:
    return place(factory.mktemp("patience"), size=16 * MIB, server=server)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Waits long for a request to begin, and not long for the rest of it."""
    with _daemon(tmp_path_factory, header_seconds=1, idle_seconds=60) as running:
        yield running


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Does not wait long for a request to begin."""
    with _daemon(tmp_path_factory, header_seconds=10, idle_seconds=1) as running:
        yield running


@pytest.mark.parametrize("mode", _SLOW)
def test_who_never_finishes_a_request_is_closed_and_forgotten(daemon: Daemon, mode: str) -> None:
    seen = measure(daemon, mode, _COUNT, 20)
    assert (seen.closed, seen.failed, seen.left) == (_COUNT, 0, 0)
    assert seen.last < 10
    assert seen.slow_probe < 2000  # a lot, as other tests run beside this one


@pytest.mark.parametrize("mode", ["idle", "idle, in a tunnel"])
def test_who_asks_for_nothing_more_is_closed(brief: Daemon, mode: str) -> None:
    seen = measure(brief, mode, _COUNT, 20)
    assert (seen.closed, seen.failed, seen.left) == (_COUNT, 0, 0)
    assert seen.last < 10


@pytest.mark.parametrize("mode", ["slow readers", "slow readers, in tunnels"])
def test_who_reads_slowly_is_served_and_costs_little(daemon: Daemon, mode: str) -> None:
    seen = measure(daemon, mode, _COUNT, 4)
    assert (seen.standing, seen.closed, seen.failed, seen.left) == (_COUNT, 0, 0, 0)
    assert seen.mib < 12  # 64 KiB each, and room for what a daemon needs when it is first used
    assert seen.slow_probe < 2000


def test_the_daemon_has_told_little(daemon: Daemon) -> None:
    told = daemon.log.read_text()
    assert "Traceback" not in told
    assert len(told.splitlines()) < 300
