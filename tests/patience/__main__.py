"""How the daemon bears clients that are slow: `python -m tests.patience`, from the top folder.

Prints tables in Markdown, and what was to hold. The exit status is 1 when something did not.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tests.bench.table import Goal, goal_lines
from tests.patience import meter, slowhttptest
from tests.patience.crowd import MODES
from tests.patience.meter import MIB, Seen, measure
from tests.patience.place import Daemon, place

_SLOW = [name for name in MODES if not name.startswith(("idle", "slow readers"))]
_WITHIN, _PROBE = 60, 200
_SERVER: dict[str, object] = {"connections_per_client": 20_000}


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.patience", description=__doc__)
    parser.add_argument("--slow", type=int, default=500, metavar="N", help="clients of each kind")
    parser.add_argument("--idle", type=int, default=10_000, metavar="N")
    parser.add_argument("--readers", type=int, default=1_000, metavar="N")
    parser.add_argument("--only", nargs="+", choices=_PARTS, default=list(_PARTS))
    asked = parser.parse_args(words)
    goals = []
    for name in asked.only:
        with tempfile.TemporaryDirectory(prefix="hubproxy-patience-") as folder:
            goals += _PARTS[name](Path(folder), asked)
    _print(goal_lines(goals))
    return int(any(goal.met != "yes" for goal in goals))


def _slow(folder: Path, asked: argparse.Namespace) -> list[Goal]:
    with place(folder, size=MIB, server=_SERVER) as daemon:
        rows = [measure(daemon, mode, asked.slow, _WITHIN + 10) for mode in _SLOW]
    _print(meter.table(rows))
    return [goal for seen in rows for goal in (
        Goal(f"{seen.name}: left open after {_WITHIN} s", _late(seen), 0, "connections"),
        _others(seen),
        _gone(seen),
    )]  # fmt: skip


def _late(seen: Seen) -> int:
    return seen.count - seen.closed + seen.failed if seen.last <= _WITHIN else seen.count


def _others(seen: Seen) -> Goal:
    return Goal(f"{seen.name}: probe, 99 of 100", seen.slow_probe, _PROBE, "ms")


def _gone(seen: Seen) -> Goal:
    return Goal(f"{seen.name}: descriptors left", seen.left, 0, "files")


def _costs(seen: Seen, limit: float) -> list[Goal]:
    return [
        Goal(f"{seen.count:,} {seen.name}: more memory", seen.mib, limit, "MiB"),
        Goal(f"{seen.name}: closed or failed", seen.closed + seen.failed, 0, "connections"),
        _others(seen),
        _gone(seen),
    ]


def _idle(folder: Path, asked: argparse.Namespace) -> list[Goal]:
    limits = {"idle": (asked.idle, 120.0), "idle, in a tunnel": (asked.readers, 120.0)}
    return _cost(folder, limits, {"idle_seconds": 900})


def _readers(folder: Path, asked: argparse.Namespace) -> list[Goal]:
    limits = {name: (asked.readers, 64.0) for name in MODES if name.startswith("slow readers")}
    return _cost(folder, limits, {})


def _cost(
    folder: Path, limits: dict[str, tuple[int, float]], server: dict[str, object]
) -> list[Goal]:
    """Each kind against a daemon of its own, whose memory nobody has stretched before."""
    rows, goals = [], []
    for number, (mode, (count, limit)) in enumerate(limits.items()):
        (below := folder / str(number)).mkdir()
        with place(below, size=64 * MIB, server=_SERVER | server) as daemon:
            seen = measure(daemon, mode, count, 20)
        rows.append(seen)
        goals += _costs(seen, limit)
    _print(meter.table(rows))
    return goals


def _outside(folder: Path, asked: argparse.Namespace) -> list[Goal]:
    if shutil.which("slowhttptest") is None:
        sys.stderr.write("patience: there is no slowhttptest\n")
        return []
    with place(folder, size=64 * MIB, server=_SERVER) as daemon:
        told = [_attack(daemon, option, forward, asked.slow)
            for option in ("-H", "-B", "-X") for forward in (False, True)]  # fmt: skip
    _print([meter.row(slowhttptest.HEADS), meter.row(["---"] * len(slowhttptest.HEADS))])
    _print(one.line() for one in told)
    return [
        *(
            Goal(
                f"slowhttptest, {one.name}: was not available", float(not one.available), 0, "times"
            )
            for one in told
        ),
        *(
            Goal(f"slowhttptest, {one.name}: all closed", one.seconds, _WITHIN, "s")
            for one in told
            if one.kind != "slow reads"
        ),
    ]


def _attack(daemon: Daemon, option: str, forward: bool, count: int) -> slowhttptest.Told:
    return slowhttptest.attack(daemon, option, count=count, seconds=70, forward=forward)


_PARTS: dict[str, Callable[[Path, argparse.Namespace], list[Goal]]] = {
    "slow": _slow,
    "idle": _idle,
    "readers": _readers,
    "outside": _outside,
}


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
