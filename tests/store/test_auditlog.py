"""The audit log: what was accepted is there, whatever happens to the process or the disk."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pytest

import hubproxy
from hubproxy.core.audit import AuditEvent
from hubproxy.errors import AuditUnavailableError
from hubproxy.store.auditlog import AuditLog, read
from hubproxy.store.auditsegments import Segments

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
SMALL = 4096


def an_event(name: object) -> AuditEvent:
    return AuditEvent(
        id=str(name), time="2024-03-01T12:00:00.000Z", event="answer", outcome="served"
    )


def a_log(
    folder: Path, *, segment_bytes: int = 1024 * 1024, wait: float = 60.0, queue: int = 8192
) -> AuditLog:
    return AuditLog(
        folder,
        segment_bytes=segment_bytes,
        wait_seconds=wait,
        queue_length=queue,
        ballast_bytes=SMALL,
        now=lambda: NOON,
    )


def ids(folder: Path) -> list[str]:
    return [event.id for event in read(folder)]


def segments(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.jsonl"))


async def fill(log: AuditLog, names: range) -> None:
    for name in names:
        await log.append(an_event(name))


async def test_an_accepted_event_can_be_read_at_once(tmp_path: Path) -> None:
    async with a_log(tmp_path / "audit") as log:
        await log.append(an_event("one"))
        assert ids(tmp_path / "audit") == ["one"]
        assert log.failure == ""


async def test_events_of_many_at_once_are_all_accepted(tmp_path: Path) -> None:
    async with a_log(tmp_path) as log:
        await asyncio.gather(*(fill(log, range(n * 50, n * 50 + 50)) for n in range(64)))
    assert sorted(map(int, ids(tmp_path))) == list(range(64 * 50))


async def test_a_log_goes_on_where_it_stopped(tmp_path: Path) -> None:
    async with a_log(tmp_path) as log:
        await log.append(an_event("one"))
    async with a_log(tmp_path) as log:
        await log.append(an_event("two"))
    assert ids(tmp_path) == ["one", "two"]
    assert segments(tmp_path) == ["00000001.jsonl"]


async def test_a_full_segment_is_followed_by_the_next(tmp_path: Path) -> None:
    async with a_log(tmp_path, segment_bytes=2000) as log:
        await fill(log, range(40))
    assert ids(tmp_path) == [str(name) for name in range(40)]
    assert segments(tmp_path)[:2] == ["00000001.jsonl", "00000002.jsonl"]
    assert all(path.stat().st_size <= 2000 for path in tmp_path.glob("*.jsonl"))


async def test_an_event_larger_than_a_segment_has_one_of_its_own(tmp_path: Path) -> None:
    async with a_log(tmp_path, segment_bytes=10) as log:
        await fill(log, range(3))
    assert ids(tmp_path) == ["0", "1", "2"]
    assert len(segments(tmp_path)) == 3


async def test_nobody_else_may_read_the_log(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    async with a_log(folder) as log:
        await log.append(an_event("one"))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "00000001.jsonl").stat().st_mode & 0o777 == 0o600


async def test_close_loses_nothing_that_was_queued(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    await log.open()
    appends = [asyncio.create_task(log.append(an_event(name))) for name in range(2000)]
    await asyncio.sleep(0)  # each has put its event into the queue
    await log.close()
    await asyncio.gather(*appends)
    assert ids(tmp_path) == [str(name) for name in range(2000)]


async def test_an_event_whose_caller_is_cancelled_is_written(tmp_path: Path) -> None:
    async with a_log(tmp_path) as log:
        append = asyncio.create_task(log.append(an_event("one")))
        await asyncio.sleep(0)
        append.cancel()
        with pytest.raises(asyncio.CancelledError):
            await append
        await log.append(an_event("two"))
    assert ids(tmp_path) == ["one", "two"]


async def test_a_closed_log_accepts_nothing(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    with pytest.raises(AuditUnavailableError, match="closed"):
        await log.append(an_event("before"))
    await log.open()
    await log.close()
    await log.close()
    with pytest.raises(AuditUnavailableError, match="closed"):
        await log.append(an_event("after"))
    assert ids(tmp_path) == []


async def test_a_short_queue_makes_events_wait_for_room(tmp_path: Path) -> None:
    async with a_log(tmp_path, queue=2) as log:
        await asyncio.gather(*(log.append(an_event(name)) for name in range(100)))
    assert len(ids(tmp_path)) == 100


async def test_a_folder_that_cannot_be_used_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuditUnavailableError, match="cannot be opened"):
        await a_log(tmp_path / "file").open()


async def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious\n")
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit" / "00000001.jsonl").symlink_to(victim)
    with pytest.raises(AuditUnavailableError, match="cannot be opened"):
        await a_log(tmp_path / "audit").open()
    assert victim.read_text() == "precious\n"


async def test_a_link_planted_for_the_next_segment_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious\n")
    async with a_log(tmp_path / "audit", segment_bytes=10) as log:
        await log.append(an_event("one"))
        (tmp_path / "audit" / "00000002.jsonl").symlink_to(victim)
        with pytest.raises(AuditUnavailableError, match="cannot be written"):
            await log.append(an_event("two"))
    assert victim.read_text() == "precious\n"


# A disk that stalls: opening a pipe for writing waits until somebody reads from it.


async def test_a_stalled_disk_refuses_events_after_the_wait(tmp_path: Path) -> None:
    async with a_log(tmp_path, segment_bytes=10, wait=0, queue=1) as log:
        await log.append(an_event("one"))
        os.mkfifo(tmp_path / "00000002.jsonl")
        stalled = asyncio.create_task(log.append(an_event("two")))
        await asyncio.sleep(0)
        with pytest.raises(AuditUnavailableError, match="queue is full") as caught:
            await log.append(an_event("three"))
        assert (caught.value.code, caught.value.status) == ("AUDIT_UNAVAILABLE", 503)
        reader = os.open(tmp_path / "00000002.jsonl", os.O_RDONLY | os.O_NONBLOCK)
        with pytest.raises(AuditUnavailableError):
            await stalled
        os.close(reader)
    (tmp_path / "00000002.jsonl").unlink()
    assert ids(tmp_path) == ["one"]


# A disk that takes bytes but cannot flush them, nor cut them off: a pipe again.


async def test_an_event_that_was_not_flushed_is_refused_and_a_new_segment_begun(
    tmp_path: Path,
) -> None:
    async with a_log(tmp_path, segment_bytes=10) as log:
        await log.append(an_event("one"))
        os.mkfifo(tmp_path / "00000002.jsonl")
        reader = os.open(tmp_path / "00000002.jsonl", os.O_RDONLY | os.O_NONBLOCK)
        with pytest.raises(AuditUnavailableError, match="cannot be written: Invalid argument"):
            await log.append(an_event("two"))
        assert log.failure == "Invalid argument"
        await log.append(an_event("three"))
        assert log.failure == ""
        os.close(reader)
    (tmp_path / "00000002.jsonl").unlink()
    assert segments(tmp_path) == ["00000001.jsonl", "00000003.jsonl"]
    assert ids(tmp_path) == ["one", "three"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", place], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"needs the right to mount a tmpfs: {made.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def use_up(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


async def append_for_ever(log: AuditLog, accepted: list[str]) -> None:
    while True:
        name = f"after {len(accepted)}"
        await log.append(an_event(name))
        accepted.append(name)


async def test_a_full_disk_costs_the_ballast_first_and_then_refuses(small_disk: Path) -> None:
    folder, filler = small_disk / "audit", small_disk / "filler"
    ballast = folder / ".ballast"
    accepted: list[str] = []

    async with AuditLog(folder, ballast_bytes=128 * 1024) as log:
        assert ballast.stat().st_blocks * 512 >= 128 * 1024  # real bytes, not a hole
        with pytest.raises(OSError, match="No space left"):
            use_up(filler)

        while ballast.exists():
            await log.append(an_event(f"before {len(accepted)}"))
            accepted.append(f"before {len(accepted)}")
        before = len(accepted)
        with pytest.raises(AuditUnavailableError, match="No space left"):
            await append_for_ever(log, accepted)
        assert len(accepted) - before > 300  # about 128 KiB of events
        with pytest.raises(AuditUnavailableError, match="No space left"):
            await log.append(an_event("refused again"))

        filler.unlink()
        for name in ("there is room", "and ballast"):
            accepted.append(name)
            await log.append(an_event(name))
        assert ballast.stat().st_size == 128 * 1024

    assert ids(folder) == accepted


def test_what_even_the_ballast_cannot_hold_is_refused_whole(small_disk: Path) -> None:
    folder = small_disk / "audit"
    segments = Segments(folder, segment_bytes=1024 * 1024, ballast_bytes=64 * 1024)
    segments.open()
    segments.append(an_event("one").encode())
    with pytest.raises(OSError, match="No space left"):
        use_up(small_disk / "filler")
    with pytest.raises(OSError, match="No space left"):
        segments.append(b"".join(an_event(name).encode() for name in range(1000)))
    assert not (folder / ".ballast").exists()
    segments.append(an_event("two").encode())
    segments.close()
    assert ids(folder) == ["one", "two"]


async def test_a_disk_without_room_for_ballast_can_still_have_a_log(small_disk: Path) -> None:
    async with AuditLog(small_disk) as log:
        await log.append(an_event("one"))
    assert ids(small_disk) == ["one"]
    assert not (small_disk / ".ballast").exists()


# In a process of its own, as limits and faults are those of a process.

CHILD = """
import asyncio, itertools, os, resource, signal, subprocess, sys
from pathlib import Path
from hubproxy.core.audit import AuditEvent
from hubproxy.errors import AuditUnavailableError
from hubproxy.store.auditlog import AuditLog

folder = Path(sys.argv[1])

async def add(log, name):
    event = AuditEvent(id=name, time="2024-03-01T12:00:00.000Z", event="answer")
    try:
        await log.append(event)
    except AuditUnavailableError as error:
        os.write(1, f"refused {name} {error}\\n".encode())
        return False
    os.write(1, f"accepted {name}\\n".encode())
    return True
"""


def child(script: str) -> list[str]:
    return [sys.executable, "-c", CHILD + dedent(script)]


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(hubproxy.__file__).parents[1])}


def accepted_of(output: str) -> list[str]:
    return [line.split()[1] for line in output.splitlines() if line.startswith("accepted")]


def refused_of(output: str) -> list[str]:
    return [line.split()[1] for line in output.splitlines() if line.startswith("refused")]


def test_every_accepted_event_survives_kill_9(tmp_path: Path) -> None:
    script = """
        async def main():
            async def write(number):
                for n in itertools.count():
                    await add(log, f"{sys.argv[2]}-{number}-{n}")
            async with AuditLog(folder, segment_bytes=30_000, ballast_bytes=4096) as log:
                await asyncio.gather(*map(write, range(64)))
        asyncio.run(main())
    """
    accepted: list[str] = []
    for round_ in range(10):
        writer = subprocess.Popen(
            [*child(script), str(tmp_path), str(round_)],
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )
        assert writer.stdout is not None
        seen = [writer.stdout.readline() for _ in range(300 + 37 * round_)]
        writer.kill()
        accepted += accepted_of("".join(seen) + writer.stdout.read())
        writer.stdout.close()
        writer.wait()
    assert len(accepted) > 4000
    found = ids(tmp_path)
    assert set(accepted) <= set(found)
    assert len(set(found)) == len(found)


def test_a_write_that_fails_halfway_leaves_nothing_of_it(tmp_path: Path) -> None:
    script = """
        async def main():
            async with AuditLog(folder, ballast_bytes=1024) as log:
                _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
                resource.setrlimit(resource.RLIMIT_FSIZE, (4000, most))
                names = map(str, itertools.count())
                while await add(log, next(names)):
                    pass
                await add(log, next(names))
                resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
                await add(log, next(names))
        asyncio.run(main())
    """
    done = subprocess.run(
        [*child(script), str(tmp_path)], capture_output=True, text=True, env=ENVIRONMENT, check=True
    )
    assert len(refused_of(done.stdout)) == 2
    assert "File too large" in done.stdout
    assert ids(tmp_path) == accepted_of(done.stdout)
    assert segments(tmp_path) == ["00000001.jsonl"]


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace to make fsync fail")
def test_a_descriptor_whose_flush_failed_is_never_flushed_again(tmp_path: Path) -> None:
    script = """
        async def main():
            async with AuditLog(folder, ballast_bytes=1024) as log:
                for n in range(6):
                    await add(log, str(n))
        asyncio.run(main())
    """
    folder, trace = tmp_path / "audit", tmp_path / "trace"
    done = subprocess.run(
        [
            *("strace", "-f", "-qq", "-e", "trace=openat,close,fsync,ftruncate", "-o", str(trace)),
            *("-e", "inject=fsync:error=EIO:when=6", *child(script), str(folder)),
        ],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
    )
    if "ptrace" in done.stderr.lower():
        pytest.skip(f"may not trace: {done.stderr.strip()}")
    assert len(refused_of(done.stdout)) == 1
    assert "Input/output error" in done.stdout
    assert ids(folder) == accepted_of(done.stdout)
    assert len(ids(folder)) == 5

    calls = [line.split(maxsplit=1)[1] for line in trace.read_text().splitlines()]
    failed = next(n for n, call in enumerate(calls) if "EIO" in call)
    descriptor = calls[failed].split("(")[1].split(")")[0]
    later = calls[failed + 1 :]
    assert later[0].startswith(f"ftruncate({descriptor},")
    assert later[1].startswith(f"close({descriptor})")
    assert later[2].startswith("openat(")
