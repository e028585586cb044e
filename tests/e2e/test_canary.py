"""The canary in every real client that there is, by every way in."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.client.interpreters import tf1_python
from tests.e2e.jobs import environ, pip_install, wheel_url
from tests.e2e.place import Place

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.mark.parametrize("which", ["this", "3.7"])
def test_it_loads_by_every_way(which: str, place: Place, tmp_path: Path) -> None:
    python = tf1_python() if which == "3.7" else Path(sys.executable)
    if which == "this" and find_spec("tensorflow_hub") is None:
        pytest.skip("needs the real tensorflow_hub")
    url = place.start()
    # The child finds the hook on PYTHONPATH; this interpreter must find hubproxy besides.
    site = pip_install(python, wheel_url(url), tmp_path / "site")
    doctor = [sys.executable, "-m", "hubproxy", "doctor", "--json", "--url", url]

    ran = subprocess.run(
        [*doctor, "--python", str(python)],
        env=environ(site, None),
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )

    found = {line["check"]: line for line in map(json.loads, ran.stdout.splitlines())}
    for way in ("reverse", "hook", "proxy"):
        assert found[way]["state"] == "ok", found
        assert "by tensorflow_hub " in found[way]["text"]
