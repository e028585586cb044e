"""One commit, with each of its system calls failing once, and with a kill at each."""

import re
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from hubproxy.store.fsck import check_store
from tests.durability.committer import module
from tests.durability.place import TOP, environ
from tests.stores import open_store

pytestmark = pytest.mark.skipif(
    shutil.which("strace") is None, reason="needs strace, to make system calls fail"
)
_CALL = re.compile(r"(?P<thread>\d+) +(?P<name>\w+)\((?P<descriptor>-?\d+)?")


NAMING = """
import os, sys
from pathlib import Path
from hubproxy.errors import StorageFailedError
from hubproxy.store.folder import Part
part = Part.create(Path(sys.argv[1]))
part.write_at(0, [b"content"])
try:
    part.become(Path(sys.argv[1]) / "blob")
except StorageFailedError as error:
    print(error)
part.drop()
"""


def commit(store: Path, trace: Path, inject: str) -> subprocess.CompletedProcess[str]:
    """Commit one module to a store that has its folders, under strace."""
    return run(trace, inject, "-m", "tests.durability.committer", str(store), "1")


def run(trace: Path, inject: str, *program: str) -> subprocess.CompletedProcess[str]:
    calls = "trace=fsync,rename,pwritev,pwritev2,mkdir,unlink,close"
    done = subprocess.run(
        [
            *("strace", "-f", "-qq", "-o", str(trace), "-e", calls, "-e", f"inject={inject}"),
            *(sys.executable, *program),
        ],
        capture_output=True,
        text=True,
        env=environ(),
        cwd=TOP,
        check=False,
    )
    if "ptrace" in done.stderr.lower():
        pytest.skip(f"may not trace: {done.stderr.strip()}")
    return done


def new_store(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    with open_store(folder):
        return folder


def check(folder: Path, *, committed: bool) -> None:
    """After any end: nothing by half, and what was acknowledged is there."""
    made = module(0)
    with open_store(folder) as store:
        assert store.parts == []
        assert not [path for path in (folder / "refs").rglob(".*") if path.is_file()]
        assert [
            found for found in check_store(store.blobs, store.refs, store.pins) if found.fault
        ] == []
        if committed:
            assert store.refs.get(made.handle, "saved_model") is not None
            assert store.blobs.path(made.digest).read_bytes() == made.plain


def flushed_after_failing(trace: str) -> list[str]:
    """Descriptors that were flushed again after a flush of them had failed."""
    failed: set[str] = set()
    again = []
    for line in trace.splitlines():
        call = _CALL.match(line)
        if call is None or call["descriptor"] is None:
            continue
        if call["name"] == "close":
            failed.discard(call["descriptor"])
        elif call["name"] == "fsync":
            if call["descriptor"] in failed:
                again.append(line)
            if "(INJECTED)" in line:
                failed.add(call["descriptor"])
    return again


@pytest.mark.parametrize(
    ("call", "error", "code"),
    [
        ("fsync", "EIO", "STORAGE_FAILED"),
        ("rename", "EIO", "STORAGE_FAILED"),
        ("pwritev,pwritev2", "ENOSPC", "STORAGE_FULL"),
        ("mkdir", "ENOSPC", "STORAGE_FULL"),
    ],
)
def test_a_call_that_fails_acknowledges_nothing_and_leaves_nothing(
    tmp_path: Path, call: str, error: str, code: str
) -> None:
    trace = tmp_path / "trace"
    for number in count(1):
        store = new_store(tmp_path / "store")
        done = commit(store, trace, f"{call}:error={error}:when={number}")
        assert done.returncode == 0, done.stderr
        first, *said = done.stdout.splitlines()
        assert first == "open"
        if "(INJECTED)" not in trace.read_text():
            assert said == ["committed 0"]
            assert number > 1
            break
        assert said[0] == f"refused 0 {code}"
        assert flushed_after_failing(trace.read_text()) == []
        # Tried again at once, by the same process: what failed has left nothing in its way.
        check(store, committed="committed 0" in said)
        assert "committed 0" in said or trace.read_text().count("(INJECTED)") > 1


@pytest.mark.parametrize("call", ["fsync", "rename", "mkdir"])
def test_a_kill_at_any_call_leaves_nothing_by_half(tmp_path: Path, call: str) -> None:
    trace = tmp_path / "trace"
    for number in count(1):
        store = new_store(tmp_path / "store")
        done = commit(store, trace, f"{call}:signal=KILL:when={number}")
        check(store, committed="committed 0" in done.stdout)
        if done.returncode == 0:
            assert number > 1
            break
        assert "+++ killed by SIGKILL +++" in trace.read_text()


@pytest.mark.parametrize("number", [1, 2], ids=["of the file", "of its folder"])
def test_a_flush_that_fails_leaves_nothing_under_the_name(tmp_path: Path, number: int) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    done = run(tmp_path / "trace", f"fsync:error=EIO:when={number}", "-c", NAMING, str(folder))
    assert done.stdout == "the store's disk reported: Input/output error\n", done.stderr
    assert list(folder.iterdir()) == []
