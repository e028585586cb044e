"""Each import contract of the project is seen to fail when it is broken."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("importlinter")

SETTINGS = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS: list[str] = [found["name"] for found in SETTINGS["tool"]["importlinter"]["contracts"]]
PASSED_OVER = shutil.ignore_patterns("__pycache__", "*.pyc")

# Contract -> file, and the line that breaks it.
BREAKING = {
    "Imports point down; neighbours do not see each other": [
        ("core/digest.py", "import hubproxy.store.blobs"),
        ("store/blobs.py", "import hubproxy.trust.disk"),
        ("ca/folder.py", "import hubproxy.store.folder"),
        ("trust/keys.py", "import hubproxy.ca.folder"),
        ("service/pull.py", "import hubproxy.server.app"),
        ("server/pages.py", "import hubproxy.wiring"),
        ("cards/check.py", "import hubproxy.trust.client"),
        ("inspection/look.py", "import hubproxy.store.blobs"),
        ("wiring/places.py", "import hubproxy.pointing.ask"),
        ("unpack/ingest.py", "import hubproxy.inspection.look"),
        ("errors.py", "import hubproxy.core.digest"),
        ("confine.py", "import hubproxy.core.digest"),
    ],
    "The core has no I/O, clock, randomness, logging or async": [
        ("core/digest.py", "import time"),
        ("core/handle.py", "from pathlib import Path"),
        ("protocols/tfhub.py", "import hubproxy.logs"),
    ],
    "The client hook is the standard library alone": [
        ("client/wire.py", "import hubproxy.errors"),
        ("client/startup.py", "import aiohttp"),
    ],
    "Archives are taken apart in a child": [
        ("store/receiving.py", "import hubproxy.unpack.tarreader"),
        ("cli/inspecting.py", "from hubproxy.unpack.zipreader import read_zip"),
    ],
    "Modules are looked into in a child": [
        ("service/admission.py", "import hubproxy.inspection.look"),
        ("trust/proposing.py", "import hubproxy.inspection.gate.keras"),
    ],
    "The daemon never imports TensorFlow": [
        ("server/app.py", "import tensorflow"),
        ("unpack/ingest.py", "from tensorflow_hub import load"),
        ("inspection/savedmodel.py", "import tensorflow"),
    ],
}


def lint(folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()",
         "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder), "COLUMNS": "500"},
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package and its contracts, where they can be broken."""
    shutil.copytree("hubproxy", tmp_path / "hubproxy", ignore=PASSED_OVER)
    shutil.copy("pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_are_kept(copy: Path) -> None:
    status, told = lint(copy)
    assert status == 0, told
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in told


def test_every_contract_is_broken_below() -> None:
    assert set(BREAKING) == set(CONTRACTS)


@pytest.mark.parametrize(
    ("contract", "file", "line"),
    [
        pytest.param(contract, *row, id=f"{row[0]}-{row[1].split()[1]}")
        for contract, rows in BREAKING.items()
        for row in rows
    ],
)
def test_an_import_too_much_is_found(copy: Path, contract: str, file: str, line: str) -> None:
    module = copy / "hubproxy" / file
    module.write_text(module.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")

    status, told = lint(copy)

    assert status == 1
    assert f"{contract} BROKEN" in told
