"""The hook as the daemon itself offers it, to machines that reach no package index."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.client.interpreters import tf1_python
from tests.e2e.jobs import environ, pip_install, wheel_url
from tests.e2e.place import Place

pytestmark = pytest.mark.e2e

_SHOW = "import sys; print(sys.version_info[:2], *(n for n in sys.modules if 'hubproxy' in n))"


@pytest.mark.parametrize("which", ["this", "3.7"])
def test_pip_installs_the_hook_from_the_daemon(which: str, place: Place, tmp_path: Path) -> None:
    python = tf1_python() if which == "3.7" else Path(sys.executable)
    url = place.start()

    site = pip_install(python, wheel_url(url), tmp_path / "site")

    shown = subprocess.run(
        [python, "-c", _SHOW], env=environ(site, url), capture_output=True, text=True, check=True
    ).stdout
    assert "hubproxy_client.startup" in shown or "hubproxy.client.startup" in shown
    assert which == "this" or shown.startswith("(3, 7)")
