"""One part of a module's first sight, in a process of its own.

    python -m tests.bench.looking ingest FILE FOLDER   takes an archive apart, as a daemon does
    python -m tests.bench.looking gate FOLDER          looks into it, in the gate's child
    python -m tests.bench.looking parse FOLDER         parses its graph with protobuf alone

It prints seconds of CPU (children included), seconds on the wall, and the most MiB of memory that
the child had; without one, the process itself.
"""

import asyncio
import resource
import sys
import tarfile
import time
from pathlib import Path

from hubproxy.core.handle import Handle
from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.record import Record
from hubproxy.inspection.messages import message
from hubproxy.inspection.reader import inspect
from hubproxy.store.drafts import Drafts

_NAME = Handle("localhost", "bench", 1)
_READ = 1024 * 1024


async def _ingest(file: Path, folder: Path) -> None:
    async with Drafts(folder / "drafts", ArchiveLimits()).discover() as discovery:
        async with discovery.attempt() as feed:
            with file.open("rb", buffering=0) as packed:
                while piece := packed.read(_READ):
                    await feed.write(piece)
            found = await feed.finish()
        at = "2026-01-01T00:00:00.000Z"
        record = await discovery.describe(_NAME, found, url=file.name, decided_at=at)
        (folder / "record.json").write_bytes(record.encode())
        (folder / "archive.tar").hardlink_to(discovery.part.path)


def _gate(folder: Path) -> None:
    record = Record.decode((folder / "record.json").read_bytes())
    with (folder / "archive.tar").open("rb", buffering=0) as archive:
        found = inspect(archive.fileno(), record)
    assert found.verdict == "pass", found.findings


def _parse(graph: bytes) -> None:
    message("SavedModel").ParseFromString(graph)


def main(what: str, *words: str) -> None:
    paths = [Path(word) for word in words]
    graph = b""
    if what == "parse":
        with tarfile.open(paths[0] / "archive.tar") as tar:
            member = tar.extractfile("./saved_model.pb")
            assert member is not None
            graph = member.read()
    cpu, wall = _cpu(), time.perf_counter()
    if what == "ingest":
        asyncio.run(_ingest(*paths))
    elif what == "gate":
        _gate(*paths)
    else:
        _parse(graph)
    wall, cpu = time.perf_counter() - wall, _cpu() - cpu
    peak = _own_peak() if what == "parse" else _peak_of_children()
    sys.stdout.write(f"{cpu} {wall} {peak}\n")


def _peak_of_children() -> float:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def _own_peak() -> float:
    """Of this program alone: `ru_maxrss` remembers who started it, too (getrusage(2))."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main(*sys.argv[1:])
