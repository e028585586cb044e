"""Warm hits: large ones at some numbers of clients, and small ones beside large ones."""

import time

from tests.bench.bench import GB, HUBPROXY, MIB, Bench, Result, peer_name
from tests.bench.clients import percentile
from tests.bench.processes import watched
from tests.bench.table import Goal, Table

_PEERS = (peer_name(1), peer_name(2))
# At least so many bytes a cell, as the CPU is counted in steps of 10 ms.
_ENOUGH = 4096 * MIB


def large(bench: Bench) -> Result:
    """CPU and bytes per second of a warm hit."""
    sizes = bench.sizes
    columns = (HUBPROXY, *_PEERS)
    table = Table(f"Warm hit of {sizes.warm // MIB} MiB, plain HTTP", columns)
    cpu = {count: f"CPU s/GB, {count} clients" for count in sizes.clients}
    rate = {count: f"GB/s, {count} clients" for count in sizes.clients}
    with bench.site.origin() as origin, bench.site.daemon(origin.url) as daemon:
        bench.sink.read(daemon.module("warm"))
        daemon.settle()
        with bench.serving({"warm": daemon.archive("warm")}, (1, 2)) as peers:
            urls = {HUBPROXY: (daemon.module("warm"), daemon.pid)}
            urls |= {name: (peer.file("warm"), peer.pid) for name, peer in peers.items()}
            for count in sizes.clients * bench.rounds:
                requests = max(1, _ENOUGH // (count * sizes.warm))
                for name, (url, pid) in urls.items():
                    started = time.monotonic()
                    with watched(pid) as seen:
                        answers = bench.sink.read(url, connections=count, requests=requests)
                    sent = sum(answer.size for answer in answers) / GB
                    table.add(cpu[count], name, seen.cpu / sent)
                    table.add(rate[count], name, sent / (time.monotonic() - started))
    rows = list(cpu.values()), list(rate.values())
    return Result(
        [table],
        [
            *(
                Goal(f"warm hit: CPU/GB, mean over clients, by {peer}", found, 1.0)
                for peer in _PEERS
                for found in [table.ratio(rows[0], HUBPROXY, peer)]
            ),
            *(
                Goal(f"warm hit: bytes/s, mean over clients, by {peer}", found, 1.0, at_least=True)
                for peer in _PEERS
                for found in [table.ratio(rows[1], HUBPROXY, peer)]
            ),
        ],
    )


def small(bench: Bench) -> Result:
    """What a small hit waits while two large modules are sent."""
    sizes = bench.sizes
    table = Table(
        f"Small hit (10 KB, new connection) beside two transfers of {sizes.beside // MIB} MiB",
        (HUBPROXY, *_PEERS),
    )
    with bench.site.origin() as origin, bench.site.daemon(origin.url) as daemon:
        for name in ("small", "beside"):
            bench.sink.read(daemon.module(name))
        daemon.settle()
        files = {name: daemon.archive(name) for name in ("small", "beside")}
        with bench.serving(files, (1, 2)) as peers:
            urls = {HUBPROXY: (daemon.module("small"), daemon.module("beside"))}
            urls |= {name: (p.file("small"), p.file("beside")) for name, p in peers.items()}
            for _ in range(bench.rounds):
                for name, (url, other) in urls.items():
                    alone = bench.sink.read(url, requests=sizes.small_requests)
                    with bench.sink.busy(other, connections=2, log=bench.folder / "busy.log"):
                        time.sleep(0.3)  # both transfers run at full speed
                        answers = bench.sink.read(url, requests=sizes.small_requests)
                    for label, found in (("alone", alone), ("beside", answers)):
                        times = [answer.last * 1000 for answer in found]
                        table.add(f"p50 ms, {label}", name, percentile(times, 50))
                        table.add(f"p99 ms, {label}", name, percentile(times, 99))
    return Result(
        [table],
        [
            Goal(f"small hit beside large ones: p{n}, by {peer}", found, 1.5)
            for n in (50, 99)
            for peer in _PEERS
            for found in [table.ratio([f"p{n} ms, beside"], HUBPROXY, peer)]
        ],
    )
