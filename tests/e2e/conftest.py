import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.jobs import Job, environ, install_hook
from tests.e2e.place import Place

_NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="session")
def hook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_hook(tmp_path_factory.mktemp("hook") / "site")


@pytest.fixture(scope="session")
def job(tmp_path_factory: pytest.TempPathFactory, hook: Path) -> Iterator[Job]:
    """A job with the hook; one for all the tests, since TensorFlow takes seconds to import."""
    log = tmp_path_factory.mktemp("job") / "stderr"
    with Job(hook, _NOBODY, log) as running:
        yield running


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory, hook: Path) -> Iterator[Job]:
    """A job without HUBPROXY_URL, in which nothing of hubproxy is imported."""
    log = tmp_path_factory.mktemp("stock") / "stderr"
    with Job(hook, None, log) as running:
        assert running.imported == []
        yield running


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory, hook: Path) -> Path:
    """A folder with the modules that `make_modules.py` saves."""
    folder = tmp_path_factory.mktemp("modules")
    made = subprocess.run(
        [sys.executable, Path(__file__).with_name("make_modules.py"), folder],
        env=environ(hook, None),
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Place(tmp_path) as place:
        yield place
