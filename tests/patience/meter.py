"""What a crowd costs the daemon, and whether others still get through."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from threading import Event, Thread
from urllib.parse import urlsplit

from tests.bench.processes import BenchError, tree
from tests.patience.crowd import Order
from tests.patience.place import PATH, Daemon

_PROBE_EVERY, _MEMORY_EVERY = 0.1, 5
_PROBE = b"GET /-/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
MIB = 1 << 20


def pss(pid: int) -> int:
    """Proportional set size of a process and all below it, in bytes."""
    total = 0
    for one in tree(pid):
        for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def descriptors(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


@dataclass
class Seen:
    """Of one crowd. `probes` are milliseconds; a probe without a good answer is infinite."""

    name: str
    count: int
    standing: int = 0
    closed: int = 0
    last: float = 0
    failed: int = 0
    before: int = 0
    top: int = 0
    left: int = 0
    """Descriptors of the daemon that were not open before, once the crowd is gone."""
    probes: list[float] = field(default_factory=list)

    @property
    def slow_probe(self) -> float:
        """The 99th of a hundred: one of them may meet what else the machine does."""
        ordered = sorted(self.probes)
        return ordered[max(0, len(ordered) * 99 // 100 - 1)]

    @property
    def mib(self) -> float:
        return max(0, self.top - self.before) / MIB

    def cells(self) -> list[str]:
        return [
            self.name,
            f"{self.count:,}",
            f"{self.closed:,}",
            f"{self.last:.1f}",
            f"{self.mib:.1f}",
            f"{self.mib * 1024 / self.count:.1f}",
            f"{median(self.probes):.1f}",
            f"{self.slow_probe:.1f}",
            f"{max(self.probes):.1f}",
        ]


HEADS = [
    "clients",
    "number",
    "closed",
    "the last after s",
    "PSS + MiB",
    "KiB each",
    "probe p50 ms",
    "p99",
    "max",
]


def probe(url: str) -> float:
    """Milliseconds that a client without malice needs for a small page, with its connection."""
    begun = time.perf_counter()
    where = urlsplit(url)
    try:
        with socket.create_connection((where.hostname or "", where.port or 0), timeout=10) as sock:
            sock.sendall(_PROBE)
            good = sock.recv(4096).startswith(b"HTTP/1.1 200 ")
    except OSError:
        good = False
    return (time.perf_counter() - begun) * 1000 if good else float("inf")


@contextmanager
def _probing(daemon: Daemon, seen: Seen) -> Iterator[None]:
    """Probe, and look at the memory, until the block ends."""
    over = Event()

    def work() -> None:
        while not over.wait(_PROBE_EVERY):
            seen.probes.append(probe(daemon.reverse))
            if len(seen.probes) % _MEMORY_EVERY == 0:
                seen.top = max(seen.top, pss(daemon.pid))

    thread = Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def measure(daemon: Daemon, mode: str, count: int, seconds: float) -> Seen:
    """Let a crowd come, and watch until the server has closed all, or the seconds are over.

    Raises:
        BenchError: the crowd did not stand up.
    """
    seen, open_before = Seen(mode, count), descriptors(daemon.pid)
    seen.probes.append(probe(daemon.reverse))
    order = Order(mode, count, seconds, daemon.reverse, daemon.forward, str(daemon.ca), PATH)
    seen.before = seen.top = pss(daemon.pid)
    command = [sys.executable, "-m", "tests.patience.crowd", order.encode()]
    with _probing(daemon, seen), subprocess.Popen(command, stdout=subprocess.PIPE) as crowd:
        assert crowd.stdout is not None
        for line in crowd.stdout:
            for name, value in json.loads(line).items():
                setattr(seen, name, value)
    if crowd.returncode:
        raise BenchError(f"the crowd {mode!r} ended with {crowd.returncode}")
    seen.left = _left(daemon, open_before)
    return seen


def _left(daemon: Daemon, before: int) -> int:
    """How many descriptors stay open; a moment is given to those whose clients have just gone."""
    for _ in range(100):
        if (left := descriptors(daemon.pid) - before) <= 0:
            return 0
        time.sleep(0.05)
    return left


def table(rows: Sequence[Seen]) -> Iterator[str]:
    yield row(HEADS)
    yield row(["---"] * len(HEADS))
    for seen in rows:
        yield row(seen.cells())
    yield ""


def row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
