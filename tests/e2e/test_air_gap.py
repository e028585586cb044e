"""The whole way over an air gap: three commands, and a notebook that nobody has changed.

The connected side has the hub. The inside is a machine with no network but its own loopback. What
lies in the courier's folder is all that passes.
"""

import gzip
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.hub import Hub
from tests.e2e.jobs import environ, pack
from tests.e2e.namespace import Namespace, island

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
pytest.importorskip("tensorflow_hub", reason="needs the real tensorflow_hub")

NAME = "tfhub.dev/google/nnlm-en-dim50/2"
NOTEBOOK = f"""\
import tensorflow as tf, tensorflow_hub as hub
embed = hub.load("https://{NAME}")
print(embed(tf.constant(["The quick brown fox.", "word1 word2"])).shape)
"""
SHAPE = "(2, 50)\n"
BIN = Path(sys.executable).parent


class Side:
    """One side of the gap: a folder with settings, and commands that are run there."""

    def __init__(self, folder: Path, more: str, within: Sequence[str] = ()) -> None:
        self.folder, self._within = folder, within
        folder.mkdir()
        self.settings.write_text(f'data = "{folder}/data"\n{more}')

    @property
    def settings(self) -> Path:
        return self.folder / "hubproxy.toml"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def environ(self, **variables: str) -> dict[str, str]:
        found = environ(Path.cwd(), None)  # hubproxy itself, from here
        return {
            **found,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HUBPROXY_CONFIG": str(self.settings),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            **variables,
        }

    def run(self, *command: str, **variables: str) -> str:
        ran = subprocess.run(
            [*self._within, *command],
            cwd=self.folder,
            env=self.environ(**variables),
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def hubproxy(self, *words: str) -> str:
        return self.run(sys.executable, "-m", "hubproxy", *words)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """A daemon here: the URL of its reverse route."""
        with (self.folder / "log").open("wb") as log:
            daemon = subprocess.Popen(
                [*self._within, sys.executable, "-m", "hubproxy", "serve", "--offline"],
                cwd=self.folder,
                env=self.environ(),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert daemon.stdout is not None
        try:
            line = daemon.stdout.readline()
            assert line.startswith("listening on "), (self.folder / "log").read_text()
            yield line.split()[-1]
        finally:
            daemon.terminate()
            daemon.communicate(timeout=30)


@pytest.fixture(scope="module")
def far() -> Iterator[Namespace]:
    with island() as made:
        yield made


@pytest.fixture(scope="module")
def inside(far: Namespace, modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Side:
    """A site that the module was carried to."""
    folder = tmp_path_factory.mktemp("gap")
    courier = folder / "courier"
    courier.mkdir()
    with Hub() as hub:
        hub.put(NAME, gzip.compress(pack(modules / "words"), 1))
        hubs = f'[[hub]]\nhost = "tfhub.dev"\nurl = "{hub.url}"\nprivate = true\n'
        outside = Side(folder / "outside", hubs)
        outside.hubproxy("trust", "init", "--officer", "ada", "--insecure-plain-keys")
        outside.hubproxy("trust", "approve", NAME)
        (courier / "root.json").write_bytes((outside.data / "trust" / "root.json").read_bytes())

        outside.hubproxy("mirror", "sync", NAME)
        outside.hubproxy("bundle", "create", str(courier / "bundle"), NAME)

    listen = '[server]\nlisten = "127.0.0.1:0"\n[forward]\nlisten = "127.0.0.1:0"\n'
    site = Side(folder / "inside", listen, far.inside)
    site.hubproxy("bundle", "import", str(courier / "bundle"), "--root", str(courier / "root.json"))
    return site


def test_there_is_no_network_inside(inside: Side) -> None:
    assert inside.run("ip", "route") == ""


def test_a_notebook_loads_it_by_the_daemon(inside: Side, tmp_path: Path) -> None:
    """With nothing of hubproxy in the job, but where it finds its proxy."""
    (inside.folder / "notebook.py").write_text(NOTEBOOK)
    with inside.serving() as url:
        command = (sys.executable, "-m", "hubproxy", "run", "--url", url, "--")
        cache = str(tmp_path / "modules")
        assert inside.run(*command, sys.executable, "notebook.py", TFHUB_CACHE_DIR=cache) == SHAPE
