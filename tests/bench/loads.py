"""What a stock client feels: `tensorflow_hub`'s reader on a cold node."""

import subprocess
import sys

from tests.bench.bench import Bench, Result
from tests.bench.processes import BenchError
from tests.bench.table import Goal, Table

_FILES, _WARM, _COLD = "nginx, tar.gz", "hubproxy, warm", "hubproxy, cold"
_ROW = "seconds to the last byte on disk"


def stock(bench: Bench) -> Result:
    """The same client, from a file server and from hubproxy."""
    size = bench.sizes.stock / 1e6
    table = Table(f"Stock client loads {size:.0f} MB", (_FILES, _WARM, _COLD))
    site = bench.site
    with site.origin() as origin, site.daemon(origin.url) as warm:
        bench.sink.read(warm.module("stock"))
        with bench.serving({"stock": site.archive("stock")}, (2,)) as peers:
            for _ in range(bench.rounds):
                for peer in peers.values():
                    table.add(_ROW, _FILES, _load(peer.file("stock")))
                table.add(_ROW, _WARM, _load(warm.module("stock")))
                with site.daemon(origin.url) as cold:
                    table.add(_ROW, _COLD, _load(cold.module("stock")))
    return Result(
        [table],
        [
            Goal(
                f"stock client: {who}, times as fast as from nginx",
                table.ratio([_ROW], _FILES, who),
                limit,
                at_least=True,
            )
            for who, limit in ((_WARM, 2.0), (_COLD, 1.0))
        ],
    )


def _load(url: str) -> float:
    command = [sys.executable, "-m", "tests.bench.stock", url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"{url}: the stock client failed: {done.stderr}")
    return float(done.stdout.split()[0])
