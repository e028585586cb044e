"""What the first connection to a host costs the CA: a leaf, and a context that has it."""

import time
from datetime import UTC, datetime

from hubproxy.ca.folder import open_authority
from hubproxy.server.contexts import server_context
from tests.bench.bench import HUBPROXY, Bench, Result
from tests.bench.clients import percentile
from tests.bench.table import Goal, Table

_HOST = "tfhub.dev"


def leaf(bench: Bench) -> Result:
    """Time to make a leaf, and to have it ready for a handshake."""
    table = Table(f"{bench.sizes.leaves} leaves, one after the other", (HUBPROXY,))
    now = datetime.now(UTC)
    authority = open_authority(bench.folder / "ca", [_HOST], now=now)
    made, ready = [], []
    for _ in range(bench.sizes.leaves):
        started = time.perf_counter()
        issued = authority.issue(_HOST, now=now)
        made.append((time.perf_counter() - started) * 1000)
        server_context(issued, _HOST)
        ready.append((time.perf_counter() - started) * 1000)
    for what, times in (("leaf", made), ("leaf in an SSLContext", ready)):
        for percent in (50, 99):
            table.add(f"p{percent} ms, {what}", HUBPROXY, percentile(times, percent))
    found = table.middle("p99 ms, leaf in an SSLContext", HUBPROXY)
    return Result([table], [Goal("leaf in an SSLContext: p99", found, 2.5, "ms")])
