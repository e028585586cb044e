"""Child processes: started, measured through /proc, and ended by whoever started them."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import IO

_TICK = os.sysconf("SC_CLK_TCK")
_SAMPLE_SECONDS = 0.05


class BenchError(Exception):
    """Something that the benchmark needs did not start or did not answer."""


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    log: Path,
    stdout: int | None = None,
    env: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """Run a program until the block ends. Its errors go to `log`."""
    with log.open("ab") as errors:
        child = subprocess.Popen(
            [str(word) for word in command], stdout=stdout, stderr=errors, env=env, text=True
        )
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout is not None:
            child.stdout.close()


def first_line(child: subprocess.Popen[str], log: Path) -> str:
    """What a child says first.

    Raises:
        BenchError: it said nothing; the error shows the end of its log.
    """
    output: IO[str] | None = child.stdout
    line = output.readline().strip() if output is not None else ""
    if not line:
        raise BenchError(f"{child.args!r} did not start: {log.read_text()[-2000:]}")
    return line


def tree(pid: int) -> list[int]:
    """A process and all below it that live."""
    found, at = [pid], 0
    while at < len(found):
        for task in Path(f"/proc/{found[at]}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
        at += 1
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads, its children, and theirs."""
    ticks = 0
    for one in tree(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        # utime, stime; then those of children that have been waited for.
        ticks += sum(map(int, fields[11:15]))
    return ticks / _TICK


def memory(pid: int, name: str) -> int:
    """Bytes of a line of /proc/PID/status, such as `VmHWM` or `RssAnon`, over the tree."""
    total = 0
    for one in tree(pid):
        for line in Path(f"/proc/{one}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                total += int(line.split()[1]) * 1024
    return total


class Watched:
    """The CPU and the memory of a process while it does something."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before = cpu_seconds(pid)
        self.cpu = 0.0
        self.anonymous = 0
        """The most private memory (RssAnon) seen, in bytes, sampled every 50 ms."""

    def stop(self) -> None:
        self.cpu = cpu_seconds(self._pid) - self._before

    def sample(self) -> None:
        self.anonymous = max(self.anonymous, memory(self._pid, "RssAnon"))


@contextmanager
def watched(pid: int, *, sample: bool = False) -> Iterator[Watched]:
    """Measure a process during the block; `cpu` is set when it ends."""
    seen, over = Watched(pid), Event()

    def sampling() -> None:
        while not over.wait(_SAMPLE_SECONDS):
            seen.sample()

    thread = Thread(target=sampling)
    if sample:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        if sample:
            thread.join()
        seen.stop()
