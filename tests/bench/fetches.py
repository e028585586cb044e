"""What the daemon itself costs: to bring in a known module, to run, and to start."""

import subprocess
import sys
import time

from tests.bench.bench import HUBPROXY, MIB, Bench, Result
from tests.bench.processes import watched
from tests.bench.table import Goal, Table


def known(bench: Bench) -> Result:
    """CPU of one cold fetch beside that of unpacking the same file and nothing else."""
    alone = "unpacking alone"
    table = Table(f"Fetch of a known module of {bench.sizes.fetch // MIB} MiB", (HUBPROXY, alone))
    with bench.site.origin() as origin:
        for _ in range(bench.rounds):
            with bench.site.daemon(origin.url) as daemon:
                with watched(daemon.pid) as seen:
                    # The last byte alone: it waits for the fetch, and sending costs nothing.
                    bench.sink.read(daemon.module("fetch"), headers=["Range: bytes=-1"])
                    daemon.settle()
                table.add("CPU s", HUBPROXY, seen.cpu)
            table.add("CPU s", alone, _gunzip(bench))
    return Result(
        [table],
        [Goal("fetch of a known module: CPU", table.ratio(["CPU s"], HUBPROXY, alone), 1.35)],
    )


def _gunzip(bench: Bench) -> float:
    command = [sys.executable, "-m", "tests.bench.gunzip", str(bench.site.archive("fetch"))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.split()[0])


def start(bench: Bench) -> Result:
    """How long the command line needs to answer."""
    table = Table("Start", (HUBPROXY,))
    for _ in range(bench.sizes.starts):
        started = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "hubproxy", "--help"], stdout=subprocess.DEVNULL, check=True
        )
        table.add("`hubproxy --help`, s", HUBPROXY, time.monotonic() - started)
    found = table.middle("`hubproxy --help`, s", HUBPROXY)
    return Result([table], [Goal("hubproxy --help", found, 0.2, "s")])
