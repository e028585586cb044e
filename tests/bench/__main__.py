"""The benchmark: `python -m tests.bench`, from the top folder of the repository.

It prints tables in Markdown. What misses a goal is said there, and is no failure.
"""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from hubproxy import __version__
from tests.bench import (
    approvals,
    bundles,
    evidence,
    fetches,
    gate,
    hits,
    inspecting,
    leaves,
    loads,
    misses,
    tls,
    trust,
    verifydir,
)
from tests.bench.bench import HUBPROXY, MIB, QUICK, Bench, Result, Sizes
from tests.bench.clients import Sink
from tests.bench.peer import find
from tests.bench.peer import version as peer_version
from tests.bench.processes import BenchError
from tests.bench.site import Site
from tests.bench.table import Goal, Table, goal_lines

_MEASURES: dict[str, Callable[[Bench], Result]] = {
    "hits": hits.large,
    "small": hits.small,
    "tls": tls.large,
    "handshake": tls.handshake,
    "leaf": leaves.leaf,
    "herd": misses.herd,
    "stock": loads.stock,
    "fetch": fetches.known,
    "start": fetches.start,
    "trust": trust.trust,
    "approval": approvals.approvals,
    "evidence": evidence.admission,
    "inspect": inspecting.inspect,
    "gate": gate.graphs,
    "first": gate.first_sight,
    "bundles": bundles.bundles,
    "many": bundles.many,
    "verifydir": verifydir.verify_dir,
}
_NEEDS = {
    "hits": ["warm"],
    "small": ["small", "beside"],
    "tls": ["warm"],
    "handshake": ["small"],
    "leaf": [],
    "herd": ["herd"],
    "stock": ["stock"],
    "fetch": ["fetch"],
    "start": [],
    "trust": [],
    "approval": [],
    "evidence": [],
    "inspect": [],
    "gate": [],
    "first": [],
    "bundles": [],
    "many": [],
    "verifydir": [],
}


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small modules: does it run at all?")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--only", nargs="+", choices=_MEASURES, default=list(_MEASURES))
    parser.add_argument(
        "--drop", action="store_true", help="the client's kernel drops bytes instead of copying"
    )
    asked = parser.parse_args(words)
    sizes = QUICK if asked.quick else Sizes()
    with tempfile.TemporaryDirectory(prefix="hubproxy-bench-") as name:
        sink = Sink(Path(name), drop=asked.drop)
        bench = Bench(Site(Path(name)), sink, find(), asked.rounds, sizes)
        _print(_heading(bench, words))
        needed = [module for measure in asked.only for module in _NEEDS[measure]]
        if needed:
            _note("making the modules")
            bench.site.publish({module: sizes.modules[module] for module in needed})
        goals = _run(bench, asked.only)
    _print(goal_lines(goals))


def _run(bench: Bench, names: Sequence[str]) -> list[Goal]:
    goals = []
    for name in names:
        _note(name)
        try:
            result = _MEASURES[name](bench)
        except BenchError as error:
            _note(f"{name} was given up: {error}")
            continue
        for table in result.tables:
            _print(table.lines())
        goals += result.goals
    if bench.site.peaks:
        table = Table("Memory of a daemon, over all of it", (HUBPROXY,))
        for peak in bench.site.peaks:
            table.add("VmHWM MiB", HUBPROXY, peak / MIB)
        _print(table.lines())
        goals.append(Goal("memory: most VmHWM", max(bench.site.peaks) / MIB, 150, "MiB"))
    return goals


def _heading(bench: Bench, words: Sequence[str]) -> list[str]:
    program = bench.nginx
    peer = f"nginx {peer_version(program)}" if program else "no nginx found: its columns are empty"
    libraries = ", ".join(f"{name} {_version(name)}" for name in ("aiohttp", "isal"))
    cores = len(os.sched_getaffinity(0))
    return [
        f"## `{' '.join(['python -m tests.bench', *words])}`",
        "",
        f"hubproxy {__version__}, Python {platform.python_version()}, {libraries}; {peer}.",
        f"{platform.platform()}, {cores} cores. Client: {bench.sink.made_of}.",
        f"Medians of {bench.rounds} rounds, interleaved (in brackets the lowest and the highest).",
        "Ratios are those within a round, and of them the median.",
        "",
    ]


def _version(name: str) -> str:
    try:
        return version(name)
    except ModuleNotFoundError:
        return "missing"


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _note(text: str) -> None:
    sys.stderr.write(f"bench: {text}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
