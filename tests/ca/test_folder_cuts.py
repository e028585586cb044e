"""The power goes while the CA is made or changed.

A cut leaves what was flushed. Each file is flushed, named, and its name flushed, before the next
is begun: so a cut leaves what a kill at one of these calls does.
"""

import re
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from hubproxy.ca.folder import open_authority, read_current, read_previous
from tests.ca.forging import NOW
from tests.durability.place import TOP, environ
from tests.stores import names_in

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")

SCRIPT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from hubproxy.ca.folder import open_authority, rotate
{}(Path(sys.argv[1]), ["tfhub.dev"], now=datetime.now(UTC))
"""
OPEN, ROTATE = SCRIPT.format("open_authority"), SCRIPT.format("rotate")


def quiet() -> dict[str, str]:
    """Nothing is written but what the script writes."""
    return {**environ(), "PYTHONDONTWRITEBYTECODE": "1"}


def killed(tmp_path: Path, script: str, folder: Path, call: str, number: int) -> bool:
    """Run the script with a kill at its call of that number on the folder; whether it died."""
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", tmp_path / "trace",
         "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}",
         sys.executable, "-c", script, folder],
        capture_output=True, text=True, env=quiet(), cwd=TOP, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if "ptrace" in done.stderr.lower():
        pytest.skip(f"may not trace: {done.stderr.strip()}")
    return done.returncode != 0


@pytest.mark.parametrize("call", ["fsync", "rename", "mkdir"])
def test_a_kill_while_it_is_made_leaves_none_or_one(tmp_path: Path, call: str) -> None:
    for number in count(1):
        folder = tmp_path / str(number) / "ca"
        folder.parent.mkdir()
        died = killed(tmp_path, OPEN, folder, call, number)
        first = open_authority(folder, ["tfhub.dev"], now=NOW)
        assert open_authority(folder, ["tfhub.dev"], now=NOW).fingerprint == first.fingerprint
        assert names_in(folder) == ["ca.key", "ca.pem", "lock"]
        if not died:
            assert number > 1
            break


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_kill_while_it_rotates_leaves_the_old_or_the_new(tmp_path: Path, call: str) -> None:
    outcomes = set()
    for number in count(1):
        folder = tmp_path / str(number) / "ca"
        old = open_authority(folder, ["tfhub.dev"], now=NOW)
        died = killed(tmp_path, ROTATE, folder, call, number)
        # As a daemon that starts again, and then `hubproxy ca export`.
        found = open_authority(folder, ["tfhub.dev"], now=NOW)
        assert read_current(folder).fingerprint == found.fingerprint
        offered = {read_current(folder).trusted, *read_previous(folder, now=NOW)}
        assert {old.issuer, found.issuer} <= offered
        outcomes.add(found.fingerprint == old.fingerprint)
        if not died:
            break
    assert outcomes == {True, False}


def test_what_is_named_was_flushed_and_the_key_is_named_first(tmp_path: Path) -> None:
    folder = tmp_path / "ca"
    subprocess.run(
        ["strace", "-qq", "-y", "-o", tmp_path / "trace", "-e", "trace=fsync,rename",
         sys.executable, "-c", OPEN, folder],
        env=quiet(), cwd=TOP, check=True, stdin=subprocess.DEVNULL, capture_output=True,
    )  # fmt: skip
    said = [
        re.sub(r".*?/ca(?:/\.?(ca\.\w+?))?(?:\.[0-9a-f]{16})?[>\"].*", r"\1", line)
        for line in (tmp_path / "trace").read_text().splitlines()
        if str(folder) in line
    ]
    calls = [
        line.partition("(")[0] for line in (tmp_path / "trace").read_text().splitlines()
        if str(folder) in line
    ]  # fmt: skip
    assert list(zip(calls, said, strict=True)) == [
        ("fsync", "ca.key"),
        ("rename", "ca.key"),
        ("fsync", ""),
        ("fsync", "ca.pem"),
        ("rename", "ca.pem"),
        ("fsync", ""),
    ]
