"""Bundles beside `cp` and `sha256sum` on the same disk; and a site of many modules."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
import zlib
from pathlib import Path
from random import Random

from hubproxy import wiring
from hubproxy.config import Config, load
from hubproxy.core.record import CHUNK_SIZE, Archive, Chunks, Origin, Record, tree_digest
from hubproxy.store.blobs import blob_path
from hubproxy.store.refs import Ref
from hubproxy.trust.keys import create_officer_key, create_online_key
from hubproxy.trust.officer import Repository
from tests.bench.bench import HUBPROXY, MIB, Bench, Result
from tests.bench.table import Goal, Table

_PEER = "cp, then sha256sum"
_CREATE, _IMPORT, _AGAIN = "create", "import, same disk", "import, again"
_COPIED = "import, from another disk (tmpfs)"
_OTHER = Path("/dev/shm")


def bundles(bench: Bench) -> Result:
    """Create and import, as commands, from their start to their end."""
    folder = bench.folder / "bundles"
    outside, inside = folder / "outside", folder / "inside"
    modules = publish(outside, bench.sizes.carried, bench.sizes.carried_size)
    total = modules * bench.sizes.carried_size
    table = Table(
        f"{modules} modules of {bench.sizes.carried_size / MIB:,.0f} MiB over an air gap",
        (HUBPROXY, _PEER),
    )
    bundle, root = folder / "bundle", outside / "data" / "trust" / "root.json"
    peaks = []
    for _ in range(bench.rounds):
        for gone in (bundle, folder / "copy", inside):
            shutil.rmtree(gone, ignore_errors=True)
        settings(inside, "offline = true\n")
        peer = _copy_and_sum(outside / "data" / "blobs", folder / "copy")
        shutil.rmtree(folder / "copy")
        wall, cpu, peak = run(outside, "bundle", "create", str(bundle))
        _add(table, _CREATE, wall, cpu, peer, total)
        peaks.append(peak)
        given = ("bundle", "import", str(bundle), "--root", str(root))
        wall, cpu, peak = run(inside, *given)
        _add(table, _IMPORT, wall, cpu, peer, total)
        peaks.append(peak)
        wall, _, _ = run(inside, *given)
        table.add(f"{_AGAIN}: wall s", HUBPROXY, wall)
        shutil.rmtree(inside)
        settings(inside, "offline = true\n")
        if _fits(total):
            away = Path(shutil.copytree(bundle, _OTHER / f"hubproxy-bench-{os.getpid()}"))
            try:
                wall, cpu, peak = run(inside, "bundle", "import", str(away), "--root", str(root))
            finally:
                shutil.rmtree(away)
            _add(table, _COPIED, wall, cpu, peer, total)
            peaks.append(peak)
    shutil.rmtree(folder)
    goals = [
        Goal(f"{name}: rate", _ratio(table, name), 0.8, at_least=True)
        for name in (_CREATE, _IMPORT, _COPIED)
    ]
    again = table.middle(f"{_AGAIN}: wall s", HUBPROXY)
    goals.append(Goal("the same bundle again", again, 2, "s"))
    goals.append(Goal("bundle create and import: most RSS", max(peaks), 150, "MiB"))
    return Result([table], goals)


def many(bench: Bench) -> Result:
    """An inventory, and the start of a daemon, of a site that has so many small modules."""
    folder = bench.folder / "many"
    count = bench.sizes.held
    publish(folder, count, 2048)
    table = Table(f"A site of {count:,} modules", (HUBPROXY,))
    size = 0.0
    for _ in range(bench.rounds):
        out = folder / "inventory"
        wall, cpu, _ = run(folder, "bundle", "inventory", "-o", str(out), "--site", "bench")
        table.add("inventory: wall s", HUBPROXY, wall)
        table.add("inventory: CPU s", HUBPROXY, cpu)
        size = out.stat().st_size / 1e6
        table.add("inventory: MB", HUBPROXY, size)
        table.add("serve --offline: wall s until it listens", HUBPROXY, _start(folder))
    shutil.rmtree(folder)
    return Result(
        [table],
        [
            Goal("inventory: wall", table.middle("inventory: wall s", HUBPROXY), 1, "s"),
            Goal("inventory: size", size, 4, "MB"),
            Goal(
                "serve --offline: until it listens",
                table.middle("serve --offline: wall s until it listens", HUBPROXY),
                1,
                "s",
            ),
        ],
    )


def publish(folder: Path, count: int, size: int) -> int:
    """A data folder with a list of its own, and so many modules of noise in the store."""
    config = settings(folder, "")
    keys = wiring.keys(config, None)
    officer = create_officer_key(keys.officer_pem, None, insecure=True)
    online = create_online_key(keys.online_pem)
    where = wiring.places(config)
    listed = Repository.init(
        where.repository, officer_name="ada", officer=officer, online=online, clock=wiring.now
    )
    where.root.write_bytes(listed.root_file())
    noise = bytearray(Random(7).randbytes(size))
    records = []
    with wiring.open_stores(config) as stores:
        for number in range(count):
            noise[:8] = number.to_bytes(8, "big")
            record = _record(f"tfhub.dev/bench/module-{number:05}/1", noise)
            path = blob_path(where.data, record.archive_digest)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(noise)
            stores.blobs.put(record.encode())
            stores.refs.put(record.exact, record.format, Ref.of(record))
            records.append(record)
    listed.publish(records, officer=officer, online=online)
    return count


def settings(folder: Path, network: str) -> Config:
    """Settings for a data folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "hubproxy.toml"
    path.write_text(
        f'data = "{folder}/data"\n[server]\nlisten = "127.0.0.1:0"\n[forward]\nlisten = ""\n'
        f"[network]\n{network}\n[store]\nfree_floor = 0\n"
    )
    return load(path, {})


def run(folder: Path, *words: str) -> tuple[float, float, float]:
    """A command, from its start to its end: wall and CPU seconds, and the most MiB it had."""
    command = [sys.executable, "-m", "hubproxy", *words]
    begun = time.perf_counter()
    child = subprocess.Popen(
        command,
        env={**os.environ, "HUBPROXY_CONFIG": str(folder / "hubproxy.toml")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peak = 0
    while (ended := os.wait4(child.pid, os.WNOHANG))[0] == 0:
        peak = max(peak, _memory(child.pid))
        time.sleep(0.01)
    child.returncode = os.waitstatus_to_exitcode(ended[1])
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    used = ended[2]
    return time.perf_counter() - begun, used.ru_utime + used.ru_stime, peak / 1024


def _fits(size: int) -> bool:
    """Whether there is another disk here, with room for so many bytes."""
    return _OTHER.is_dir() and shutil.disk_usage(_OTHER).free > size * 1.1


def _memory(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
        return int(status.partition("VmHWM:")[2].split()[0])
    except (OSError, IndexError):  # it has just ended
        return 0


def _start(folder: Path) -> float:
    begun = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "hubproxy", "serve", "--offline"],
        env={**os.environ, "HUBPROXY_CONFIG": str(folder / "hubproxy.toml")},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        took = time.perf_counter() - begun
        child.terminate()
    return took


def _record(handle: str, content: bytes | bytearray) -> Record:
    view = memoryview(content)
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    chunks = tuple(
        hashlib.sha256(view[at : at + CHUNK_SIZE]).hexdigest()
        for at in range(0, len(content), CHUNK_SIZE)
    )
    return Record(
        handle=handle,
        format="saved_model",
        archive=Archive(digest, len(content), zlib.crc32(content)),
        chunks=Chunks(CHUNK_SIZE, chunks),
        files=(),
        tree=str(tree_digest(())),
        origin=Origin(f"https://{handle}", "application/x-tar", digest, len(content)),
        decided_at="2026-01-01T00:00:00.000Z",
    )


def _copy_and_sum(source: Path, copy: Path) -> float:
    begun = time.perf_counter()
    subprocess.run(["cp", "-r", source, copy], check=True)
    files = [str(path) for path in copy.rglob("*") if path.is_file()]
    subprocess.run(["sha256sum", *files], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def _add(table: Table, name: str, wall: float, cpu: float, peer: float, total: int) -> None:
    table.add(f"{name}: MB/s", HUBPROXY, total / wall / 1e6)
    table.add(f"{name}: MB/s", _PEER, total / peer / 1e6)
    table.add(f"{name}: CPU s/GB", HUBPROXY, cpu / total * 1e9)


def _ratio(table: Table, name: str) -> float | None:
    return table.ratio([f"{name}: MB/s"], HUBPROXY, _PEER)
