"""What a large trust list costs a site: to refresh, to look up in, and to hold in memory."""

import json
import subprocess
import sys
from pathlib import Path

from tests.bench.bench import HUBPROXY, Bench, Result
from tests.bench.lists import make
from tests.bench.processes import BenchError
from tests.bench.table import Goal, Table

_TUF = "tuf's client"
_GOALS = (
    ("cold refresh, ms", 10.0, "ms"),
    ("first look-up, ms", 10.0, "ms"),
    ("repeated look-up, ms", 0.1, "ms"),
    ("MiB of memory, all roles read", 40.0, "MiB"),
)


def trust(bench: Bench) -> Result:
    """Our reader and the TUF library's client, each in a process of its own."""
    teams, records = bench.sizes.teams, bench.sizes.records
    source = bench.folder / "trust-list"
    make(source, records=records, teams=teams)
    table = Table(f"A trust list of {records:,} records in {teams} teams", (HUBPROXY, _TUF))
    for _ in range(bench.rounds):
        for column, who in ((HUBPROXY, "hubproxy"), (_TUF, "tuf")):
            for row, value in _read(who, source, teams, records // teams).items():
                table.add(row, column, value)
    return Result(
        [table],
        [
            Goal(f"trust list: {row.removesuffix(', ms')}", table.middle(row, HUBPROXY), most, unit)
            for row, most, unit in _GOALS
        ],
    )


def _read(who: str, source: Path, teams: int, modules: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.reading", who, str(source)]
    done = subprocess.run(
        [*command, str(teams), str(modules)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchError(f"{who} could not read the list: {done.stderr}")
    found: dict[str, float] = json.loads(done.stdout)
    return found
