"""Other interpreters that the machine may have."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest


@cache
def _python(version: str) -> Path | None:
    places: list[Path] = []
    if (on_path := shutil.which(f"python{version}")) is not None:
        places.append(Path(on_path))
    if (pyenv := shutil.which("pyenv")) is not None:
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False).stdout
        places += sorted(Path(root.strip(), "versions").glob(f"{version}*/bin/python{version}"))
    # A name on PATH may be a shim with nothing behind it: only one that runs counts.
    for place in places:
        if subprocess.run([place, "-c", ""], capture_output=True, check=False).returncode == 0:
            return place
    return None


def python(version: str) -> Path:
    """A Python such as 3.7, without packages of ours; the test is skipped where there is none."""
    found = _python(version)
    if found is None:
        pytest.skip(f"no python{version} on PATH or in pyenv")
    return found


def python37() -> Path:
    return python("3.7")


def tf1_python() -> Path:
    """The Python 3.7 with TensorFlow 1.15 that HUBPROXY_TEST_PY37 names; else skip."""
    named = os.environ.get("HUBPROXY_TEST_PY37", "")
    if not named or not Path(named).exists():
        pytest.skip(f"HUBPROXY_TEST_PY37 names no interpreter: {named!r}")
    return Path(named)
