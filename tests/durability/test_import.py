"""An import that is killed, cut off, or out of room: nothing of it can be seen, or all of it.

HUBPROXY_TEST_POINTS=all tries every system call instead of some; HUBPROXY_TEST_CUTS sets the
number of power cuts.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from random import Random

import pytest

from hubproxy import wiring
from hubproxy.config import Config, load
from hubproxy.store.fsck import check_store
from tests.cli.gap import NNLM, open_gap
from tests.cli.place import SPICE
from tests.durability.place import TOP, environ
from tests.durability.test_power import Disk
from tests.site import large

HANDLES = {SPICE, NNLM, "tfhub.dev/google/big/1"}
STRIDE = 1 if os.environ.get("HUBPROXY_TEST_POINTS") == "all" else 9
CUTS = int(os.environ.get("HUBPROXY_TEST_CUTS", "4"))

needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None, reason="needs strace, to make system calls fail"
)


async def make(folder: Path) -> Path:
    async with open_gap(folder) as gap:
        gap.outside.put("tfhub.dev/google/big/1", large(1.3))
        await gap.approve("tfhub.dev/google/big/1")
        await gap.bring(*sorted(HANDLES))
        return gap.stick


@pytest.fixture(scope="module")
def stick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a bundle and the list's root."""
    return asyncio.run(make(tmp_path_factory.mktemp("gap")))


def settings(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "hubproxy.toml"
    path.write_text(
        f'data = "{folder}/data"\n[network]\noffline = true\n[forward]\nlisten = ""\n'
        f"[store]\nfree_floor = 0\n"
    )
    return path


def run(folder: Path, stick: Path, *before: str) -> subprocess.CompletedProcess[str]:
    """Import, under another command such as strace."""
    program = [sys.executable, "-m", "tests.durability.importer", str(settings(folder))]
    done = subprocess.run(
        [*before, *program, str(stick / "bundle"), str(stick / "root.json")],
        capture_output=True,
        text=True,
        env=environ(),
        cwd=TOP,
        check=False,
    )
    if "ptrace" in done.stderr.lower():
        pytest.skip(f"may not trace: {done.stderr.strip()}")
    return done


async def visible(folder: Path) -> set[str]:
    """What a daemon that starts now would serve. Whatever it finds is whole."""
    config = load(settings(folder), {})
    if not (folder / "data" / "trust" / "root.json").exists():
        assert not any((folder / "data").rglob("@*"))
        return set()
    async with wiring.open_daemon(config) as daemon:
        known = (
            {str(exact) for exact, _ in snapshot.listing()}
            if (snapshot := daemon.trust._snapshot)
            else set()
        )
    return known & stored(config)


def stored(config: Config) -> set[str]:
    with wiring.open_stores(config) as stores:
        faults = [
            found for found in check_store(stores.blobs, stores.refs, stores.pins) if found.fault
        ]
        assert faults == []
        assert list((stores.folder.path / "tmp").iterdir()) == []
        return {str(exact) for exact, _, _ in stores.refs}


async def settled(folder: Path, stick: Path, *, acknowledged: bool) -> None:
    """Nothing or all is there; and a second run finishes."""
    found = await visible(folder)
    assert found in (set(), HANDLES)
    if acknowledged:
        assert found == HANDLES
    assert run(folder, stick).stdout == "imported\n"
    assert await visible(folder) == HANDLES


@needs_strace
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "call", ["fsync", "rename", "mkdir", "link,linkat", "unlink,unlinkat,rmdir"]
)
async def test_a_kill_at_any_call_leaves_all_or_nothing(
    tmp_path: Path, stick: Path, call: str
) -> None:
    trace = tmp_path / "trace"
    for number in count(1, STRIDE):
        place = tmp_path / "place"
        shutil.rmtree(place, ignore_errors=True)
        injected = f"{call}:signal=KILL:when={number}"
        words = ("-e", f"trace={call}", "-e", f"inject={injected}")
        done = run(place, stick, "strace", "-f", "-qq", "-o", str(trace), *words)
        await settled(place, stick, acknowledged=done.returncode == 0)
        if done.returncode == 0:
            assert number > 1 or call == "link,linkat"
            break


@needs_strace
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("call", "error"), [("fsync", "EIO"), ("rename", "ENOSPC"), ("mkdir", "ENOSPC")]
)
async def test_an_error_of_the_disk_is_told_and_leaves_all_or_nothing(
    tmp_path: Path, stick: Path, call: str, error: str
) -> None:
    trace = tmp_path / "trace"
    for number in count(1, STRIDE):
        place = tmp_path / "place"
        shutil.rmtree(place, ignore_errors=True)
        injected = f"{call}:error={error}:when={number}"
        words = ("-e", f"trace={call}", "-e", f"inject={injected}")
        done = run(place, stick, "strace", "-f", "-qq", "-o", str(trace), *words)
        assert "Traceback" not in done.stderr, done.stderr
        await settled(place, stick, acknowledged=done.stdout == "imported\n")
        if "(INJECTED)" not in trace.read_text():
            assert number > 1
            break


@pytest.fixture(params=["ext4", "xfs"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    made = f"mkfs.{request.param}"
    if os.geteuid() or shutil.which(made) is None:
        pytest.skip(f"needs root and {made}")
    disk = Disk(tmp_path / "image", tmp_path / "disk")
    disk.place.mkdir()
    with disk.image.open("wb") as file:
        file.truncate(320 << 20)
    quiet = ["-q", "-F"] if request.param == "ext4" else ["-q", "-f"]
    subprocess.run([made, *quiet, disk.image], check=True)
    disk.mount()
    yield disk
    disk.unmount()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(CUTS))
async def test_a_power_cut_leaves_all_or_nothing(stick: Path, disk: Disk, seed: int) -> None:
    place = disk.place / "site"
    program = [sys.executable, "-m", "tests.durability.importer", str(settings(place))]
    child = subprocess.Popen(
        [*program, str(stick / "bundle"), str(stick / "root.json")],
        stdout=subprocess.PIPE,
        env=environ(),
        cwd=TOP,
    )
    assert child.stdout is not None
    staged = place / "data" / "staged"
    while child.poll() is None and not staged.exists():
        pass
    # A second is about what all of it takes from here.
    wait = Random(seed).random() * 0.5
    with suppress(subprocess.TimeoutExpired):
        child.wait(timeout=wait)
    os.set_blocking(child.stdout.fileno(), False)
    acknowledged = b"imported" in (child.stdout.read() or b"")
    disk.cut()
    child.kill()
    child.wait()
    child.stdout.close()
    disk.unmount()
    disk.mount()
    settings(place)
    await settled(place, stick, acknowledged=acknowledged)


@pytest.mark.timeout(600)
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small disk")
@pytest.mark.parametrize("kib", [64, 512, 2048, 4096, 5340])
async def test_a_full_disk_is_told_and_a_second_run_finishes(
    tmp_path: Path, stick: Path, kib: int
) -> None:
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", place], check=False
    )
    if mounted.returncode:
        pytest.skip("may not mount a tmpfs here")
    try:
        done = run(place, stick)
        assert done.stdout.startswith("refused "), done
        assert "Traceback" not in done.stderr
        subprocess.run(["mount", "-o", "remount,size=64m", place], check=True)
        assert await visible(place) == set()
        assert run(place, stick).stdout == "imported\n"
        assert await visible(place) == HANDLES
    finally:
        subprocess.run(["umount", place], check=True)
