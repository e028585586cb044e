"""`verify-dir` of a whole cache folder, beside `sha256sum` with as many processes."""

import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path
from random import Random

from hubproxy import wiring
from hubproxy.core.cachetree import key_of
from hubproxy.core.record import Archive, Chunks, FileEntry, Origin, Record, tree_digest
from hubproxy.trust.keys import create_officer_key, create_online_key
from hubproxy.trust.officer import Repository
from tests.bench.bench import HUBPROXY, MIB, Bench, Result
from tests.bench.bundles import run, settings
from tests.bench.table import Goal, Table

_PEER = "xargs -P sha256sum"
_FILES = 8


def verify_dir(bench: Bench) -> Result:
    """A folder as clients fill it, of modules of several files each."""
    folder = bench.folder / "verifydir"
    tree = folder / "tree"
    total = _publish(folder, tree, bench.sizes.carried, bench.sizes.carried_size)
    cores = len(os.sched_getaffinity(0))
    table = Table(f"{total / MIB:,.0f} MiB of a cache folder, {cores} threads", (HUBPROXY, _PEER))
    for _ in range(bench.rounds):
        wall, cpu, peak = run(folder, "verify-dir", str(tree))
        table.add("MB/s", HUBPROXY, total / wall / 1e6)
        table.add("CPU s/GB", HUBPROXY, cpu / total * 1e9)
        table.add("most RSS MiB", HUBPROXY, peak)
        begun, before = time.perf_counter(), os.times()
        subprocess.run(
            f"find {tree} -type f -print0 | xargs -0 -n 4 -P {cores} sha256sum > /dev/null",
            shell=True,
            check=True,
        )
        after = os.times()
        table.add("MB/s", _PEER, total / (time.perf_counter() - begun) / 1e6)
        used = after.children_user + after.children_system
        used -= before.children_user + before.children_system
        table.add("CPU s/GB", _PEER, used / total * 1e9)
    shutil.rmtree(folder)
    ratio = table.ratio(["MB/s"], HUBPROXY, _PEER)
    return Result([table], [Goal("verify-dir: rate", ratio, 0.9, at_least=True)])


def _publish(folder: Path, tree: Path, count: int, size: int) -> int:
    """A list that names the modules of a cache folder."""
    config = settings(folder, "")
    keys = wiring.keys(config, None)
    officer = create_officer_key(keys.officer_pem, None, insecure=True)
    online = create_online_key(keys.online_pem)
    where = wiring.places(config)
    listed = Repository.init(
        where.repository, officer_name="ada", officer=officer, online=online, clock=wiring.now
    )
    where.root.write_bytes(listed.root_file())
    noise, records = bytearray(Random(7).randbytes(size // _FILES)), []
    for number in range(count):
        records.append(_module(tree, f"tfhub.dev/bench/module-{number:05}/1", noise, number))
    listed.publish(records, officer=officer, online=online)
    return count * len(noise) * _FILES


def _module(tree: Path, handle: str, noise: bytearray, number: int) -> Record:
    place = tree / key_of(f"https://{handle}")
    files = []
    for part in range(_FILES):
        noise[:8] = (number * _FILES + part).to_bytes(8, "big")
        path = place / "variables" / f"variables.data-{part:05}-of-{_FILES:05}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(noise)
        name = str(path.relative_to(place))
        files.append(FileEntry(name, part * len(noise), len(noise), _sha256(noise)))
    size = len(noise) * _FILES
    chunks = tuple(hashlib.sha256(b"").hexdigest() for _ in range(-(-size // (4 * MIB))))
    digest = f"sha256:{hashlib.sha256(handle.encode()).hexdigest()}"
    return Record(
        handle=handle,
        format="saved_model",
        archive=Archive(digest, size, 0),
        chunks=Chunks(4 * MIB, chunks),
        files=tuple(files),
        tree=str(tree_digest(files)),
        origin=Origin(f"https://{handle}", "application/x-tar", digest, size),
        decided_at="2026-01-01T00:00:00.000Z",
    )


def _sha256(content: bytearray) -> str:
    return hashlib.sha256(content).hexdigest()
