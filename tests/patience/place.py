"""A real daemon with a module in store, and an officer who has signed it."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.processes import first_line, running
from tests.bench.site import Site, get

PATH = "/bench/slow/1"


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running `hubproxy serve`: its two ports, its CA's certificate, its process and its log."""

    reverse: str
    forward: str
    ca: Path
    pid: int
    log: Path


@contextmanager
def place(folder: Path, *, size: int, server: Mapping[str, object]) -> Iterator[Daemon]:
    """Make a module of `size` bytes, start a daemon with these settings, and let it fetch."""
    site = Site(folder)
    site.publish({"slow": size})
    log = folder / "daemon.log"
    with site.origin() as origin:
        config = _config(folder, origin.url, server)
        command = [sys.executable, "-m", "hubproxy", "serve", "--config", str(config)]
        variables = {k: v for k, v in os.environ.items() if not k.startswith("HUBPROXY_")}
        with running(command, log=log, stdout=subprocess.PIPE, env=variables) as child:
            reverse = first_line(child, log).split()[-1]
            forward = first_line(child, log).split()[-1]
            ca = folder / "ca.pem"
            ca.write_text(get(f"{reverse}/-/ca.pem"))
            _fetch(f"{reverse}/tfhub.dev{PATH}")
            yield Daemon(reverse, forward, ca, child.pid, log)


def _fetch(url: str) -> None:
    """Ask for a module, so that it is in the store; no proxy of the environment has a part."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=120) as answer:
        while answer.read(1 << 20):
            pass


def _config(folder: Path, origin: str, server: Mapping[str, object]) -> Path:
    trust, path = folder / "officer" / "trust", folder / "patient.toml"
    path.write_text(
        f'data = "{folder / "patient"}"\n[server]\nlisten = "127.0.0.1:0"\n'
        + "".join(f"{name} = {value}\n" for name, value in server.items())
        + f'[forward]\nlisten = "127.0.0.1:0"\n[access]\nteams = "{folder}/teams.toml"\n'
        f'[trust]\nsource = "{trust / "repo"}"\nroot = "{trust / "root.json"}"\n'
        f'[[hub]]\nhost = "tfhub.dev"\nurl = "{origin}"\nprivate = true\n'
    )
    return path
