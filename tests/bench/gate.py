"""The content gate: what looking into a module costs, beside what it cannot be done without."""

import gzip
import shutil
import subprocess
import sys
from pathlib import Path

from tests.bench.archives import pack
from tests.bench.bench import HUBPROXY, MIB, Bench, Result
from tests.bench.processes import BenchError
from tests.bench.table import Goal, Table
from tests.inspection.wire import data, graph, meta, node, number, saved_model
from tests.site import tar_gz

_PARSE, _GUNZIP, _INGEST = "protobuf parse alone", "gunzip alone", "ingest alone"
_CPU, _WALL, _PEAK = "CPU s", "wall s", "MiB at most"
_NODES = 20_000
_CONSTANTS = 25
_CONSTANT = 4 * 1000 * 1000


def graphs(bench: Bench) -> Result:
    """A graph of many nodes, and one of large constants: the child's start is included."""
    tables, goals = [], []
    for name, content, seconds, memory in (
        (f"{_NODES:,} nodes", _many_nodes(), 0.2, 64),
        ("100 MB of constants", _constants(), 1.0, 300),
    ):
        table = Table(f"The gate of a graph of {name}", (HUBPROXY, _PARSE))
        folder = bench.folder / "gate"
        folder.mkdir()
        file = folder / "module.tar"
        file.write_bytes(gzip.decompress(tar_gz({"saved_model.pb": content})))
        _run("ingest", file, folder)
        for _ in range(bench.rounds):
            _add(table, HUBPROXY, _run("gate", folder))
            _add(table, _PARSE, _run("parse", folder))
        shutil.rmtree(folder)
        tables.append(table)
        goals += [
            Goal(f"gate, {name}: wall", table.middle(_WALL, HUBPROXY), seconds, "s"),
            Goal(f"gate, {name}: memory", table.middle(_PEAK, HUBPROXY), memory, "MiB"),
        ]
    return Result(tables, goals)


def first_sight(bench: Bench) -> Result:
    """A module that nobody knows: taken apart, described, and looked into."""
    table = Table("First sight of a module", (HUBPROXY, _INGEST, _GUNZIP))
    goals = []
    for size in bench.sizes.sights:
        row = f"{size // MIB} MiB: {_CPU}"
        file = bench.folder / "first.tar.gz"
        pack(file, size)
        for _ in range(bench.rounds):
            folder = bench.folder / "first"
            folder.mkdir()
            ingest = _run("ingest", file, folder)
            gate = _run("gate", folder)
            shutil.rmtree(folder)
            table.add(row, HUBPROXY, ingest[0] + gate[0])
            table.add(row, _INGEST, ingest[0])
            table.add(row, _GUNZIP, float(_python("tests.bench.gunzip", str(file))))
        name = f"first sight of {size // MIB} MiB: CPU of"
        if size >= 100 * MIB:
            goals.append(Goal(f"{name} gunzip", table.ratio([row], HUBPROXY, _GUNZIP), 2.0))
        if size >= 1024 * MIB:
            goals.append(Goal(f"{name} ingest", table.ratio([row], HUBPROXY, _INGEST), 1.1))
        file.unlink()
    return Result([table], goals)


def _many_nodes() -> bytes:
    nodes = [
        node("AddV2" if at % 2 else "MatMul", f"layer_{at // 100}/step_{at}", T=number(6, 1))
        for at in range(_NODES)
    ]
    half = _NODES // 2
    return saved_model(meta(graph(*nodes[:half], functions={"body": nodes[half:]})))


def _constants() -> bytes:
    value = data(8, number(1, 1), data(4, bytes(_CONSTANT)))
    return saved_model(
        meta(graph(*(node("Const", f"weights_{at}", value=value) for at in range(_CONSTANTS))))
    )


def _add(table: Table, column: str, measured: tuple[float, float, float]) -> None:
    for row, value in zip((_CPU, _WALL, _PEAK), measured, strict=True):
        table.add(row, column, value)


def _run(what: str, *paths: Path) -> tuple[float, float, float]:
    cpu, wall, peak = _python("tests.bench.looking", what, *map(str, paths)).split()
    return float(cpu), float(wall), float(peak)


def _python(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchError(f"{' '.join(words[:2])} failed: {done.stderr.strip()[-300:]}")
    return done.stdout
