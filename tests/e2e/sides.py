"""Two sides of an air gap: folders with settings, and commands that are run there."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.jobs import environ

BIN = Path(sys.executable).parent


class Side:
    """One side of the gap: a folder with settings, and commands that are run there."""

    def __init__(self, folder: Path, more: str, within: Sequence[str] = ()) -> None:
        self.folder, self.within = folder, within
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
            [*self.within, *command],
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
                [*self.within, sys.executable, "-m", "hubproxy", "serve", "--offline"],
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


def read_only(folder: Path, *command: str) -> list[str]:
    """A command for which a folder is mounted so that nothing can be written to it."""
    script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, str(folder), *command]
