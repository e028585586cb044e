"""A whole site: a hub, an officer with the real command line, and the real daemon.

place.hub.put(DOUBLER, tar_gz(...))
place.approve(DOUBLER)
url = place.start()
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from hubproxy.core.record import Record
from tests.e2e.hub import Hub

_ROOT = Path(__file__).parents[2]
_HUBPROXY = [sys.executable, "-m", "hubproxy"]


class Place:
    """The daemon is a process of its own, and so is each command.

    Args:
        one_host: the officer works on the daemon's host, so that the archives that were read to be
            signed need not be fetched again. Else the daemon has the list, and nothing more.
        address: where the daemon listens.
    """

    def __init__(self, folder: Path, *, one_host: bool = False, address: str = "127.0.0.1") -> None:
        self.folder = folder
        self._one_host = one_host
        self._address = address
        self.hub = Hub()
        self._daemon: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.hub.__enter__()
        hub = f'[[hub]]\nhost = "tfhub.dev"\nurl = "{self.hub.url}"\nprivate = true\n'
        officer = self.folder / ("data" if self._one_host else "officer")
        self._officer, self._config = self.folder / "officer.toml", self.folder / "hubproxy.toml"
        self._officer.write_text(f'data = "{officer}"\n{hub}')
        listen = f'listen = "{self._address}:0"\n'
        self._config.write_text(
            f'data = "{self.folder / "data"}"\n[server]\n{listen}drain_seconds = 1\n'
            f'[forward]\n{listen}[access]\nteams = "{self.folder}/teams.toml"\n'
            f'[trust]\nsource = "{officer}/trust/repo"\nroot = "{officer}/trust/root.json"\n{hub}'
        )
        self.trust("init", "--insecure-plain-keys")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.hub.__exit__()

    def change(self, before: str, after: str) -> None:
        """Change the daemon's settings; one that is started later has them."""
        text = self._config.read_text()
        assert before in text
        self._config.write_text(text.replace(before, after))

    def trust(self, *words: str) -> str:
        """Run `hubproxy trust WORDS`, which must succeed; gives what it printed."""
        ran = subprocess.run(
            [*_HUBPROXY, "trust", *words, "--config", self._officer],
            cwd=_ROOT,
            env=_environ(),
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def approve(self, *handles: str) -> list[Record]:
        """Sign what the hub holds now; a daemon that is started later sees it."""
        printed = self.trust("approve", "--json", *handles)
        *records, _ = printed.splitlines()  # the last line tells of what was published
        return [Record.decode(line.encode()) for line in records]

    def stop(self) -> None:
        """Stop the daemon, if it runs."""
        if self._daemon is not None:
            self._daemon.send_signal(signal.SIGTERM)
            self._daemon.communicate(timeout=30)
            self._daemon = None

    def start(self) -> str:
        """Start the daemon; gives its URL once it listens."""
        with (self.folder / "daemon.log").open("wb") as log:
            self._daemon = subprocess.Popen(
                [*_HUBPROXY, "serve", "--config", str(self._config)],
                cwd=_ROOT,
                env=_environ(),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._daemon.stdout is not None
        line = self._daemon.stdout.readline()
        assert line.startswith("listening on "), (self.folder / "daemon.log").read_text()
        return line.split()[-1]


def _environ() -> dict[str, str]:
    """This environment, without settings of ours and without proxies."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("HUBPROXY_") and "proxy" not in name.lower()
    }
