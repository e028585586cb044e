"""How soon `hubproxy inspect` is there: its help, and a small module, beside other commands."""

import resource
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.bench import HUBPROXY, Bench, Result
from tests.bench.table import Goal, Table
from tests.cli.modules import CLEAN
from tests.site import tar_gz

_PYTHON, _PICKLESCAN = "python -c pass", "picklescan"
_HELP, _SMALL = "CPU s, --help", "CPU s, a small tar.gz"


def inspect(bench: Bench) -> Result:
    """CPU and wall time of whole processes, their children's included."""
    table = Table("`hubproxy inspect`, from its start to its end", (HUBPROXY, _PYTHON, _PICKLESCAN))
    small = bench.folder / "small.tar.gz"
    small.write_bytes(tar_gz(CLEAN))
    ours = [sys.executable, "-m", "hubproxy", "inspect"]
    scanner = shutil.which("picklescan", path=sysconfig.get_path("scripts"))
    for _ in range(bench.rounds):
        _add(table, _HELP, HUBPROXY, [*ours, "--help"])
        _add(table, _SMALL, HUBPROXY, [*ours, str(small)])
        _add(table, _HELP, _PYTHON, [sys.executable, "-c", "pass"])
        if scanner:
            _add(table, _HELP, _PICKLESCAN, [scanner, "--help"])
            _add(table, _SMALL, _PICKLESCAN, [scanner, "--path", str(small)])
    help_seconds = table.middle(_HELP, HUBPROXY)
    return Result([table], [Goal("inspect --help: CPU", help_seconds, 0.2, "s")])


def _add(table: Table, row: str, column: str, command: Sequence[str]) -> None:
    before, begun = _children(), time.perf_counter()
    subprocess.run(command, cwd=Path.cwd(), stdout=subprocess.DEVNULL, check=True)
    table.add(row.replace("CPU", "wall"), column, time.perf_counter() - begun)
    table.add(row, column, _children() - before)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
