"""What a confined process cannot do any more. Real processes, with files around that stay whole."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

CONFINED = (
    "import ctypes, os, resource, signal, socket, subprocess, sys, _posixsubprocess\n"
    "from hubproxy.confine import confine\n"
    "held = os.open('canary', os.O_RDONLY)\n"
    "libc = ctypes.CDLL(None, use_errno=True)\n"
    "parent = os.getppid()\n"
    "assert confine(memory=2**30, cpu_seconds=2, file_bytes=0)\n"
)


def run(work: str, folder: Path, before: str = CONFINED) -> int:
    (folder / "canary").write_bytes(b"whole")
    ran = subprocess.run(
        [sys.executable, "-c", before + work],
        cwd=folder,
        env={"PYTHONPATH": str(Path.cwd())},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    assert (folder / "canary").read_bytes() == b"whole"
    assert {path.name for path in folder.iterdir()} == {"canary"}
    assert len(ran.stdout) < 10**6
    return ran.returncode


WAYS = {
    "read a file": "os.open('canary', os.O_RDONLY)",
    "write a file": "os.open('made', os.O_WRONLY | os.O_CREAT)",
    "write over a file": "os.open('canary', os.O_WRONLY | os.O_TRUNC)",
    "remove a file": "os.unlink('canary')",
    "rename a file": "os.rename('canary', 'other')",
    "make a folder": "os.mkdir('made')",
    "make a link": "os.symlink('canary', 'made')",
    "change a mode": "os.chmod('canary', 0o777)",
    "list a folder": "os.listdir('.')",
    "open a socket": "socket.socket()",
    "open a pipe": "os.pipe()",
    "copy a descriptor": "os.dup(held)",
    "start a program": "os.execv('/bin/true', ['true'])",
    "start a child": "os.fork()",
    "signal its parent": "os.kill(parent, signal.SIGTERM)",
    "watch its parent": "libc.ptrace(16, parent, 0, 0)",
    "lift its limits": "resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))",
    "become somebody else": "os.setuid(1)",
    "go elsewhere": "os.chdir('/')",
    "see the host's name": "os.uname()",
    "wait": "signal.pause()",
}


@pytest.mark.parametrize("work", [pytest.param(work, id=way) for way, work in WAYS.items()])
def test_row_15_a_confined_process_is_ended_when_it_tries_to(work: str, tmp_path: Path) -> None:
    assert run(work, tmp_path) == -signal.SIGSYS


def test_row_15_it_has_its_bounds_of_memory_and_work(tmp_path: Path) -> None:
    taken = "try:\n bytes(4 * 2**30)\nexcept MemoryError:\n os._exit(7)"
    assert run(taken, tmp_path) == 7
    assert run("while True: pass", tmp_path) == -signal.SIGXCPU


def test_it_can_still_work_with_what_it_holds(tmp_path: Path) -> None:
    work = "assert os.pread(held, 5, 0) == b'whole'; os.write(1, bytes(10**5)); os._exit(5)"
    assert run(work, tmp_path) == 5


def test_where_the_kernel_has_no_filter_the_limits_hold(tmp_path: Path) -> None:
    before = CONFINED.replace(
        "assert confine(", "import platform\nplatform.machine = lambda: 'vax'\nassert not confine("
    )
    work = (
        "import errno\n"
        "for open_one in (socket.socket, os.pipe, lambda: os.open('canary', os.O_RDONLY)):\n"
        "    try:\n"
        "        open_one()\n"
        "    except OSError as error:\n"
        "        assert error.errno == errno.EMFILE\n"
        "    else:\n"
        "        os._exit(1)\n"
        "os._exit(6)\n"
    )
    assert run(work, tmp_path, before) == 6
