"""Cold misses: a herd of clients asks for a module that upstream sends slowly."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.bench import GB, HUBPROXY, MIB, Bench, Result, Server, peer_name
from tests.bench.clients import percentile
from tests.bench.peer import nginx
from tests.bench.processes import memory, watched
from tests.bench.site import Origin
from tests.bench.table import Goal, Table

_PEER = peer_name(2)


def herd(bench: Bench) -> Result:
    """All clients at once, with an empty store."""
    sizes = bench.sizes
    tables, goals = [], []
    for clients in sizes.herds:
        table = Table(
            f"Cold miss, {clients} clients, {sizes.herd // MIB} MiB, "
            f"upstream at {sizes.rate / 1e6:.0f} MB/s",
            (HUBPROXY, _PEER),
        )
        for _ in range(bench.rounds):
            _round(bench, table, clients)
        tables.append(table)
        goals += _goals(table, clients)
    return Result(tables, goals)


def _round(bench: Bench, table: Table, clients: int) -> None:
    packed = bench.site.archive("herd").stat().st_size
    with bench.site.origin(bench.sizes.rate) as origin:
        for name in (HUBPROXY, _PEER):
            with _cold(bench, name, origin) as server:
                if server is None:
                    continue
                before = origin.counts()
                with watched(server.pid, sample=True) as seen:
                    answers = bench.sink.read(server.url, connections=clients)
                after = origin.counts()
                sent = sum(answer.size for answer in answers) / GB
                first = [answer.first * 1000 for answer in answers]
                table.add("upstream bytes, x", name, (after[1] - before[1]) / packed)
                table.add("upstream requests", name, after[0] - before[0])
                table.add("first byte p50 ms", name, percentile(first, 50))
                table.add("first byte p95 ms", name, percentile(first, 95))
                table.add("last client s", name, max(answer.last for answer in answers))
                table.add("CPU s/GB", name, seen.cpu / sent)
                table.add("VmHWM MiB", name, memory(server.pid, "VmHWM") / MIB)
                table.add("RssAnon MiB, most seen", name, seen.anonymous / MIB)


@contextmanager
def _cold(bench: Bench, name: str, origin: Origin) -> Iterator[Server | None]:
    """Somebody with nothing in store, at the URL of the module."""
    if name == HUBPROXY:
        with bench.site.daemon(origin.url) as daemon:
            yield Server(daemon.module("herd"), daemon.pid)
            daemon.settle()
    elif bench.nginx is None:
        yield None
    else:
        folder, root = bench.folder / "nginx-cold", Path("/nonexistent")
        with nginx(bench.nginx, folder, root=root, workers=2, origin=origin.url) as peer:
            yield Server(f"{peer.url}/cached/bench/herd/1", peer.pid)


def _goals(table: Table, clients: int) -> list[Goal]:
    what = f"herd of {clients}"
    return [
        Goal(f"{what}: upstream bytes", table.middle("upstream bytes, x", HUBPROXY), 1.0),
        Goal(f"{what}: upstream requests", table.middle("upstream requests", HUBPROXY), 1, ""),
        Goal(f"{what}: first byte p50", table.middle("first byte p50 ms", HUBPROXY), 50, "ms"),
        Goal(
            f"{what}: last client, by nginx", table.ratio(["last client s"], HUBPROXY, _PEER), 0.5
        ),
    ]
