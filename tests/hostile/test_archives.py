"""The corpus of hostile archives, read by the real command among files that it must not touch.

Small ones are read a few at a time, in one process with a child for each: what it all takes is
then held to what one may take.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.archives import long_name, member, tarball
from tests.hostile.archives.corpus import BOMBS, HOSTILE
from tests.hostile.archives.harmless import HARMLESS

REFUSED = 4
STATUS = {"pass": 0, "hold": 3}
MOST_MEMORY = 100 * 1024**2
MOST_SECONDS = 5
METER = Path(__file__).with_name("metered.py")
COMMAND = (sys.executable, "-m", "hubproxy", "inspect", "--json")


@dataclass
class Looked:
    """What the command said of each archive, and what it took: bytes at its peak, and seconds."""

    status: int
    peak: int
    seconds: float
    told: dict[str, Any]


@dataclass
class Ground:
    """A folder where archives lie, with canaries in it, beside it and above it."""

    folder: Path

    def __post_init__(self) -> None:
        for path in ("ok", "x", "beside/x", "here/x", "here/ok", "here/d/x", "here/below/here/x"):
            canary = self.folder / path
            canary.parent.mkdir(parents=True, exist_ok=True)
            canary.write_text("canary")
        for path in ("tmp", "home"):
            (self.folder / path).mkdir()

    def inspect(self, archives: Mapping[str, bytes]) -> Looked:
        """Run the command; see that nothing is touched, nothing is left, and what it may take."""
        here = self.folder / "here/below/here"
        files = {f"{number}.tar.gz": name for number, name in enumerate(archives)}
        for file, name in files.items():
            (here / file).write_bytes(archives[name])
        before = self._seen()
        done = subprocess.run(
            (sys.executable, "-S", str(METER), *COMMAND, *files),
            cwd=here,
            env={
                "PYTHONPATH": str(Path.cwd()),
                "TMPDIR": str(self.folder / "tmp"),
                "HOME": str(self.folder / "home"),
            },
            capture_output=True,
            text=True,
            check=True,
            timeout=100,
        )
        assert self._seen() == before
        *errors, used = done.stderr.splitlines()
        assert errors == []
        told = [json.loads(line) for line in done.stdout.splitlines()]
        assert [one["name"] for one in told] == list(files)
        looked = Looked(**json.loads(used), told=dict(zip(archives, told, strict=True)))
        assert looked.peak <= MOST_MEMORY
        assert looked.seconds <= MOST_SECONDS
        return looked

    def _seen(self) -> dict[Path, tuple[int, bytes]]:
        """All there is."""
        return {
            path: (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
            for path in self.folder.rglob("*")
        }


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


def refused(looked: Looked) -> dict[str, str]:
    """Why the reader refused each archive; sees that it did, and showed nothing of it."""
    assert looked.status == REFUSED
    reasons = {}
    for name, told in looked.told.items():
        (finding,) = told["findings"]
        assert (name, finding["name"], finding["verdict"]) == (name, "archive:unsafe", "refuse")
        assert (name, told["verdict"], told["files"]) == (name, "refuse", [])
        assert (name, told["archive"]) == (name, None)
        reasons[name] = finding["why"]
    return reasons


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_and_leaves_nothing(ground: Ground, name: str) -> None:
    row = BOMBS[name]
    assert row.why in refused(ground.inspect({name: row.build()}))[name]


SMALL = [name for name in HOSTILE if name not in BOMBS]
BATCHES = [SMALL[at : at + 12] for at in range(0, len(SMALL), 12)]


@pytest.mark.parametrize("names", BATCHES, ids=[f"{one[0]}, and on" for one in BATCHES])
def test_hostile_archives_are_refused_and_leave_nothing(ground: Ground, names: list[str]) -> None:
    reasons = refused(ground.inspect({name: HOSTILE[name].build() for name in names}))
    assert {name: why for name, why in reasons.items() if HOSTILE[name].why not in why} == {}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_archive_is_read_and_leaves_nothing(ground: Ground, name: str) -> None:
    build, verdict = HARMLESS[name]
    looked = ground.inspect({name: build()})
    assert (looked.told[name]["verdict"], looked.status) == (verdict, STATUS[verdict])
    assert looked.told[name]["archive"] is not None


def test_a_file_that_is_named_from_the_root_is_not_touched(ground: Ground) -> None:
    victim = os.fsencode(ground.folder / "x")
    archives = {
        "named": tarball(member(b"ok"), long_name(victim), member(b"x", b"overwritten")),
        "linked": tarball(member(b"l", b"", kind=b"2", link=victim[:100]), member(b"l")),
    }
    reasons = refused(ground.inspect(archives))
    assert "has an absolute name" in reasons["named"]
    assert "'l' is a symbolic link" in reasons["linked"]


def test_the_corpus_has_its_rows() -> None:
    assert len(HOSTILE) >= 120
    assert len(HARMLESS) >= 12
