"""An officer's trust list, origins, and real daemons that follow the list."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.bench.archives import pack
from tests.bench.processes import BenchError, first_line, memory, running

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
HUB = "tfhub.dev"


def get(url: str) -> str:
    with _OPENER.open(url, timeout=60) as answer:
        text: str = answer.read().decode()
        return text


@dataclass(frozen=True, slots=True)
class Origin:
    """A running origin."""

    url: str

    def counts(self) -> tuple[int, int]:
        """Requests, and bytes of bodies, so far."""
        told = json.loads(get(f"{self.url}/-/counts"))
        return told["requests"], told["bytes"]


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running `hubproxy serve`."""

    url: str
    pid: int
    data: Path
    said: IO[str]
    """The rest of its standard output."""

    def forward(self) -> str:
        """HOST:PORT of its forward proxy. To be asked for once."""
        return self.said.readline().strip().rpartition("//")[2]

    def module(self, name: str) -> str:
        return f"{self.url}/{HUB}/bench/{name}/1"

    def secret(self, name: str) -> str:
        """A module as clients of the forward proxy ask for it, in a tunnel."""
        return f"https://{HUB}/bench/{name}/1"

    def settle(self) -> None:
        """Wait until no fetch is running, as the last byte leaves before the fetch is over."""
        for _ in range(1000):
            if "hubproxy_fetches_in_flight 0.0" in get(f"{self.url}/metrics"):
                return
            time.sleep(0.02)
        raise BenchError("a fetch does not end")

    def archive(self, name: str) -> Path:
        """Where the plain tar of a module lies, once it is in the store."""
        request = urllib.request.Request(self.module(name), method="HEAD")
        with _OPENER.open(request, timeout=60) as answer:
            digest: str = answer.headers["X-Hubproxy-Archive"].removeprefix("sha256:")
        return self.data / "blobs" / "sha256" / digest[:2] / digest


@dataclass
class Site:
    """The folder of one run: modules by name, one trust list, any number of daemons."""

    folder: Path
    peaks: list[int] = field(default_factory=list)
    """The most memory (VmHWM, bytes) of each daemon that has ended."""
    _count: int = 0

    @property
    def packed(self) -> Path:
        return self.folder / "packed"

    def archive(self, name: str) -> Path:
        """The tar.gz of a module, as the origin sends it."""
        return self.packed / "bench" / name / "1.tar.gz"

    def publish(self, sizes: dict[str, int]) -> None:
        """Make modules with so many bytes of weights, and sign them with the real commands."""
        for name, size in sizes.items():
            pack(self.archive(name), size)
        with self.origin() as origin:
            config = self._config("officer", origin.url, follows=False)
            self._run(config, "trust", "init", "--officer", "ada", "--insecure-plain-keys")
            self._run(config, "trust", "approve", *(f"{HUB}/bench/{name}/1" for name in sizes))

    @contextmanager
    def origin(self, rate: int = 0) -> Iterator[Origin]:
        """An origin of all modules, with so many bytes per second; 0 is no limit."""
        log = self.folder / "origin.log"
        command = [sys.executable, "-m", "tests.bench.origin", str(self.packed), str(rate)]
        with running(command, log=log, stdout=subprocess.PIPE) as child:
            yield Origin(f"http://127.0.0.1:{first_line(child, log)}")

    @contextmanager
    def daemon(self, origin: str) -> Iterator[Daemon]:
        """A daemon with an empty store; what it stored is gone afterwards."""
        self._count += 1
        config = self._config(f"daemon-{self._count}", origin, follows=True)
        data, log = config.with_suffix(""), config.with_suffix(".log")
        command = [sys.executable, "-m", "hubproxy", "serve", "--config", str(config)]
        try:
            with running(command, log=log, stdout=subprocess.PIPE, env=_environment()) as child:
                url = first_line(child, log).split()[-1]
                assert child.stdout is not None
                yield Daemon(url, child.pid, data, child.stdout)
                self.peaks.append(memory(child.pid, "VmHWM"))
        finally:
            shutil.rmtree(data, ignore_errors=True)

    def _config(self, name: str, origin: str, *, follows: bool) -> Path:
        trust = self.folder / "officer" / "trust"
        lines = [f'data = "{self.folder / name}"', "[server]", 'listen = "127.0.0.1:0"']
        lines += ["[forward]", 'listen = "127.0.0.1:0"']
        if follows:
            lines += ["[trust]", f'source = "{trust / "repo"}"', f'root = "{trust / "root.json"}"']
        lines += ["[[hub]]", f'host = "{HUB}"', f'url = "{origin}"', "private = true", ""]
        path = self.folder / f"{name}.toml"
        path.write_text("\n".join(lines))
        return path

    def _run(self, config: Path, *words: str) -> None:
        command = [sys.executable, "-m", "hubproxy", *words[:2]]
        command += ["--config", str(config), *words[2:]]
        done = subprocess.run(
            command, capture_output=True, text=True, env=_environment(), check=False
        )
        if done.returncode:
            raise BenchError(f"hubproxy {' '.join(words)} failed: {done.stderr.strip()}")


def _environment() -> dict[str, str]:
    """Settings of whoever runs the benchmark have no part in it."""
    return {key: value for key, value in os.environ.items() if not key.startswith("HUBPROXY_")}
