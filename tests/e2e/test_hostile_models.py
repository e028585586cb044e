"""Hostile models: what the gate says of them, and what TensorFlow really does with them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.make import MODELS
from tests.hostile.models import Row
from tests.realmodules import (
    BASIC_PITCH,
    HANDS,
    HEY_JARVIS,
    LANGUAGES,
    MEDAKA,
    Carrier,
    fetch,
)

pytestmark = pytest.mark.e2e
tensorflow = pytest.importorskip("tensorflow", reason="needs TensorFlow")

_ENVIRON = {**os.environ, "PYTHONPATH": str(Path.cwd()), "TF_CPP_MIN_LOG_LEVEL": "3"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every model of the corpus."""
    folder = tmp_path_factory.mktemp("hostile")
    command = [sys.executable, "-m", "tests.hostile.make", str(folder)]
    ran = subprocess.run(
        command, env=_ENVIRON, capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return folder


@pytest.fixture(scope="module")
def loaded(made: Path) -> dict[str, dict[str, Any]]:
    """What came of loading each."""
    command = [sys.executable, "-m", "tests.hostile.loading", str(made), *MODELS]
    ran = subprocess.run(
        command, env=_ENVIRON, capture_output=True, text=True, timeout=300, check=False
    )
    found = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    return {one["name"]: one for one in found}


def inspected(model: Path | str, home: Path) -> tuple[int, dict[str, Any]]:
    """Exit status and object of `hubproxy inspect --json`."""
    ran = subprocess.run(
        [sys.executable, "-m", "hubproxy", "inspect", "--json", str(model)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd()), "TMPDIR": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ran.returncode, json.loads(ran.stdout)


ROWS = [pytest.param(row, id=name) for name, row in MODELS.items()]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("row", ROWS)
def test_the_gate_names_all_that_a_hostile_model_does(made: Path, row: Row, tmp_path: Path) -> None:
    status, found = inspected(made / row.name / "model", tmp_path)
    assert found["verdict"] == row.verdict
    assert {finding["name"] for finding in found["findings"]} == set(row.findings)
    assert status == {"pass": 0, "hold": 3, "refuse": 4}[row.verdict]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(400)
@pytest.mark.parametrize("row", ROWS)
def test_loading_tells_the_truth(loaded: dict[str, dict[str, Any]], row: Row) -> None:
    assert loaded[row.name]["done"], loaded[row.name]["told"]


def test_there_are_forty_hostile_ones() -> None:
    assert sum(row.verdict != "pass" for row in MODELS.values()) >= 40


@pytest.mark.parametrize("name", ["doubler", "big", "words", "images"])
def test_stand_ins_pass(modules: Path, name: str, tmp_path: Path) -> None:
    status, found = inspected(modules / name, tmp_path)
    assert (status, found["verdict"], found["findings"]) == (0, "pass", [])


@pytest.mark.parametrize(
    ("carrier", "name"),
    [
        pytest.param(BASIC_PITCH, "pitch.tar.gz", id="basic-pitch"),
        pytest.param(HEY_JARVIS, "jarvis.tflite", id="hey-jarvis"),
        pytest.param(LANGUAGES, "languages.tar.gz", id="languages"),
        pytest.param(HANDS, "hands.tar.gz", id="hands"),
    ],
)
def test_real_modules_pass(carrier: Carrier, name: str, kept: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(fetch(carrier, kept))
    status, found = inspected(tmp_path / name, tmp_path)
    assert (status, found["findings"]) == (0, [])


def test_medaka_is_held_for_its_pickle(kept: Path, tmp_path: Path) -> None:
    (tmp_path / "dna.tar.gz").write_bytes(fetch(MEDAKA, kept))
    status, found = inspected(tmp_path / "dna.tar.gz", tmp_path)
    assert status == 3
    names = {finding["name"] for finding in found["findings"]}
    assert "pickle:medaka.models.build_model" in names
    assert all(name.startswith("pickle:") for name in names)
