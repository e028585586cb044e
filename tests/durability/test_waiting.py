"""A kill at each write of what waits for officers: nothing by half, nothing acknowledged lost.

Each file is flushed, named, and its name flushed, before the next is begun: so a power cut leaves
what a kill at one of these calls does.
"""

import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from hubproxy.core.handle import Handle
from hubproxy.core.quarantine import Ask
from hubproxy.store.quarantine import HeldModules
from hubproxy.store.requests import RequestFolder
from tests.durability.place import TOP, environ
from tests.made import NOON, SPICE, make

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")

BEGIN = """
import os, sys
from pathlib import Path
from hubproxy.core.handle import Handle
from hubproxy.core.quarantine import Ask
from hubproxy.store.folder import Part
from hubproxy.store.quarantine import HeldModules
from hubproxy.store.requests import RequestFolder
from tests.made import NOON, SPICE, make
folder, exact = Path(sys.argv[1]), Handle.parse(SPICE)
"""
SAY = '\nos.write(1, b"acknowledged")\n'
ASK = BEGIN + "RequestFolder(folder).ask(exact, Ask(caller='nlp', time=NOON, why='new'))" + SAY
DROP = BEGIN + "RequestFolder(folder).decline(exact, time=NOON, why='no')" + SAY
FORGET = BEGIN + "RequestFolder(folder).forget(exact)" + SAY
HOLD = BEGIN + (
    """
made, part = make(), Part.create(folder.parent)
part.write_at(0, [made.plain])
HeldModules(folder).hold(made.record, [], part, Ask(caller='nlp', time=NOON))"""
    + SAY
)
AGAIN = (
    BEGIN + "HeldModules(folder).asked(HeldModules(folder).get('Q1'), "
    "Ask(caller='vision', time=NOON))" + SAY
)
GONE = BEGIN + "HeldModules(folder).drop('Q1')" + SAY

EXACT = Handle.parse(SPICE)
OLD = Ask(caller="nlp", time=NOON, why="old")
NEW = Ask(caller="nlp", time=NOON, why="new")
CALLS = pytest.mark.parametrize("call", ["fsync", "rename", "mkdir", "unlink"])


def run(
    tmp_path: Path, script: str, folder: Path, call: str, fault: str
) -> subprocess.CompletedProcess[str]:
    """Run the script under strace, with a fault at one of its calls."""
    done = subprocess.run(
        [
            *("strace", "-f", "-qq", "-o", str(tmp_path / "trace"), "-e", f"trace={call}"),
            *("-e", f"inject={call}:{fault}"),
            *(sys.executable, "-c", script, str(folder)),
        ],
        capture_output=True,
        text=True,
        env={**environ(), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=TOP,
        check=False,
    )
    if "ptrace" in done.stderr.lower():
        pytest.skip(f"may not trace: {done.stderr.strip()}")
    return done


def killed(tmp_path: Path, script: str, folder: Path, call: str, number: int) -> tuple[bool, bool]:
    """Run the script with a kill at its call of that number; whether it died, and had said so."""
    done = run(tmp_path, script, folder, call, f"signal=KILL:when={number}")
    assert done.returncode in (0, -9, 137), done.stderr
    return done.returncode != 0, done.stdout == "acknowledged"


def hold(folder: Path) -> None:
    """Hold a module, without a fault."""
    subprocess.run(
        [sys.executable, "-c", HOLD, str(folder)],
        env=environ(), cwd=TOP, check=True, capture_output=True,
    )  # fmt: skip


@CALLS
@pytest.mark.parametrize("before", [(), (OLD,)], ids=["the first", "another reason"])
def test_a_request_is_there_whole_or_as_it_was(
    tmp_path: Path, call: str, before: tuple[Ask, ...]
) -> None:
    for number in count(1):
        folder = tmp_path / str(number) / "requests"
        folder.parent.mkdir()
        for ask in before:
            RequestFolder(folder).ask(EXACT, ask)
        died, acknowledged = killed(tmp_path, ASK, folder, call, number)
        # As a daemon that starts again.
        wanted = RequestFolder(folder)
        wanted.sweep()
        found = wanted.find(EXACT)
        asks = found.asks if found else ()
        assert asks in ((NEW,), before)
        assert asks == (NEW,) or not acknowledged
        assert not list(folder.rglob(".*"))
        if not died:
            assert acknowledged
            break


@CALLS
@pytest.mark.parametrize("script", [DROP, FORGET], ids=["decline", "forget"])
def test_an_answer_is_there_whole_or_the_request_is(tmp_path: Path, call: str, script: str) -> None:
    for number in count(1):
        folder = tmp_path / str(number) / "requests"
        folder.parent.mkdir()
        before = RequestFolder(folder).ask(EXACT, OLD)
        died, acknowledged = killed(tmp_path, script, folder, call, number)
        wanted = RequestFolder(folder)
        wanted.sweep()
        found = wanted.find(EXACT)
        answered = found is None if script == FORGET else found and not found.open
        assert answered or found == before
        assert answered or not acknowledged
        if answered and found:
            assert found.answer is not None
            assert found.answer.why == "no"
        if not died:
            assert acknowledged
            break


@CALLS
def test_a_module_is_held_whole_or_not_at_all(tmp_path: Path, call: str) -> None:
    for number in count(1):
        folder = tmp_path / str(number) / "quarantine"
        folder.parent.mkdir()
        died, acknowledged = killed(tmp_path, HOLD, folder, call, number)
        here = HeldModules(folder)
        here.sweep()
        assert [held.number for held in here.all()] in ([], ["Q1"])
        assert not list(folder.glob(".Q*"))
        held = here.find(EXACT)
        assert held is not None or not acknowledged
        if held is not None:
            assert held.record == make().record
            assert here.archive("Q1").read_bytes() == make().plain
        if not died:
            assert acknowledged
            break


@pytest.mark.parametrize("call", ["fsync", "rename", "mkdir"])
def test_a_module_that_the_disk_does_not_take_leaves_nothing(tmp_path: Path, call: str) -> None:
    for number in count(1):
        folder = tmp_path / str(number) / "quarantine"
        folder.parent.mkdir()
        done = run(tmp_path, HOLD, folder, call, f"error=EIO:when={number}")
        if done.returncode == 0:
            assert number > 1
            break
        assert "StorageFailedError" in done.stderr
        assert done.stdout == ""
        assert not list(folder.glob(".Q*"))


@CALLS
def test_who_wants_it_too_is_noted_or_it_is_held_as_it_was(tmp_path: Path, call: str) -> None:
    for number in count(1):
        folder = tmp_path / str(number) / "quarantine"
        folder.parent.mkdir()
        hold(folder)
        died, acknowledged = killed(tmp_path, AGAIN, folder, call, number)
        here = HeldModules(folder)
        here.sweep()
        assert not list(folder.rglob(".*"))
        held = here.get("Q1")
        callers = [ask.caller for ask in held.asks]
        assert callers in (["nlp"], ["nlp", "vision"])
        assert len(callers) == 2 or not acknowledged
        if not died:
            assert acknowledged
            break


@CALLS
def test_a_module_is_dropped_whole_or_still_held(tmp_path: Path, call: str) -> None:
    for number in count(1):
        folder = tmp_path / str(number) / "quarantine"
        folder.parent.mkdir()
        hold(folder)
        died, acknowledged = killed(tmp_path, GONE, folder, call, number)
        here = HeldModules(folder)
        here.sweep()
        held = here.find(EXACT)
        assert held is None or here.archive("Q1").read_bytes() == make().plain
        assert held is None or not acknowledged
        assert not list(folder.glob(".Q*"))
        if not died:
            assert acknowledged
            break
