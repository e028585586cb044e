"""The power goes: what was acknowledged is there when it is back.

A file system on a loop device is shut down without writing out its cache or its journal, which
is what a cut leaves of it; then it is mounted again, as after the cut.
HUBPROXY_TEST_CUTS sets the number of cuts.
"""

import fcntl
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from hubproxy.store.auditread import read
from hubproxy.store.fsck import check_store
from tests.durability.committer import module
from tests.durability.place import TOP, environ
from tests.stores import open_store

CUTS = int(os.environ.get("HUBPROXY_TEST_CUTS", "5"))
_SHUTDOWN, _NO_FLUSH = 0x8004587D, 2  # FS_IOC_SHUTDOWN and its flag, of ext4 and xfs


@dataclass(frozen=True)
class Disk:
    """A small disk whose power can go."""

    image: Path
    place: Path

    def mount(self) -> None:
        done = subprocess.run(
            ["mount", "-o", "loop", self.image, self.place], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip(f"needs the right to mount a loop device: {done.stderr.decode().strip()}")

    def cut(self) -> None:
        descriptor = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", _NO_FLUSH))
        finally:
            os.close(descriptor)

    def unmount(self) -> None:
        subprocess.run(["umount", self.place], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    if os.geteuid() or shutil.which("mkfs.ext4") is None:
        pytest.skip("needs root and mkfs.ext4")
    disk = Disk(tmp_path / "image", tmp_path / "disk")
    with disk.image.open("wb") as file:
        file.truncate(128 * 1024**2)
    subprocess.run(["mkfs.ext4", "-q", "-F", disk.image], check=True)
    disk.place.mkdir()
    disk.mount()
    yield disk
    if disk.place.is_mount():
        disk.unmount()


def write_until_cut(disk: Disk, lines: int, *options: str) -> list[str]:
    """Commit modules until so many lines were said, then cut. What was said before the cut."""
    said = []
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.durability.committer", str(disk.place / "data")),
            *("400", "--audit", *options),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environ(),
        cwd=TOP,
    ) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            said.append(line.decode().strip())
            if len(said) == lines:
                break
        assert len(said) == lines
        disk.cut()
        writer.kill()
    disk.unmount()
    disk.mount()
    return said


def lost(folder: Path, said: list[str]) -> list[str]:
    """What was acknowledged and is not there any more, or not as it was."""
    missing = []
    recorded = {event.id for event in read(folder / "audit")}
    with open_store(folder) as store:
        for line in said:
            word, _, name = line.partition(" ")
            if word == "recorded" and name not in recorded:
                missing.append(line)
            if word == "committed":
                made = module(int(name))
                ref = store.refs.get(made.handle, "saved_model")
                path = store.blobs.path(made.digest)
                if ref is None or not path.exists() or path.read_bytes() != made.plain:
                    missing.append(line)
    return missing


@pytest.mark.parametrize("seed", range(CUTS))
def test_a_power_cut_loses_nothing_that_was_acknowledged(disk: Disk, seed: int) -> None:
    said = write_until_cut(disk, Random(seed).randrange(1, 120))

    assert lost(disk.place / "data", said) == []
    with open_store(disk.place / "data") as store:
        assert store.parts == []
        found = list(check_store(store.blobs, store.refs, store.pins))
        assert [finding for finding in found if finding.fault] == []


def test_the_cut_does_lose_what_was_not_flushed(disk: Disk) -> None:
    """Without this, the test above might show nothing."""
    said = write_until_cut(disk, 60, "--no-flush")
    assert not (disk.place / "data").exists() or lost(disk.place / "data", said)
