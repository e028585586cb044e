"""Clients that read and discard, in a process of their own whose CPU is not counted."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlsplit

from tests.bench.processes import BenchError, running

_HERE = Path(__file__).parent
_PYTHON = "User-Agent: Python-urllib/3.11"  # what `tensorflow_hub` sends


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; times in seconds since the client connected."""

    status: int
    first: float
    last: float
    size: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Tls:
    """How to reach a URL of https.

    `roots` is a file of certificates to trust. `proxy` is HOST:PORT of a proxy that is asked for
    a tunnel.
    """

    roots: Path
    proxy: str = ""


class Sink:
    """Builds the client, once: in C where there is gcc, for TLS where OpenSSL's headers are too.

    Args:
        drop: let the kernel drop what comes, instead of copying it into a buffer. Such a client
            leaves more of the machine to the server, so figures of the two do not compare.
    """

    def __init__(self, folder: Path, *, drop: bool = False) -> None:
        python = [sys.executable, str(_HERE / "sink.py")]
        self._command, self._tls_command = python, python
        self.made_of = "tests/bench/sink.py (there is no gcc: rates are too low)"
        self.tls_made_of = (
            "tests/bench/sink.py (there is no gcc with libssl-dev: rates are too low)"
        )
        flags = ["-DDROP"] if drop else []
        if shutil.which("gcc") is None:
            return
        if built := _built(folder / "sink", *flags):
            self._command = [built]
            how = "dropped by the kernel" if drop else "copied into a buffer"
            self.made_of = f"tests/bench/sink.c, gcc -O2, bytes {how}"
        if built := _built(folder / "sink-tls", "-DTLS", "-lssl", "-lcrypto"):
            self._tls_command = [built]
            self.tls_made_of = "tests/bench/sink.c, gcc -O2, with OpenSSL"

    def read(
        self,
        url: str,
        *,
        connections: int = 1,
        requests: int = 1,
        headers: Sequence[str] = (),
        tls: Tls | None = None,
    ) -> list[Answer]:
        """Ask on so many connections at once, so many times on each, one after the other.

        A URL of https needs `tls`; one without a path is asked for nothing after the handshake.

        Raises:
            BenchError: an answer was not 200 or 206, or not whole.
        """
        command = self._words(url, connections, requests, headers, tls)
        env = {**os.environ, "SSL_CERT_FILE": str(tls.roots)} if tls else None
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, env=env)
        answers = [_parse(line) for line in done.stdout.splitlines()]
        good = sum(a.whole and a.status in (200, 206) for a in answers)
        if done.returncode or good != connections * requests:
            raise BenchError(f"{url}: {good} of {connections * requests} answers were whole")
        return answers

    @contextmanager
    def busy(self, url: str, *, connections: int, log: Path) -> Iterator[None]:
        """Read again and again while the block runs."""
        with log.with_suffix(".lines").open("wb") as lines:
            command = self._words(url, connections, 0, ())
            with running(command, log=log, stdout=lines.fileno()) as child:
                yield
                if child.poll() is not None:
                    raise BenchError(f"{url}: the transfers beside ended early")

    def _words(
        self,
        url: str,
        connections: int,
        requests: int,
        headers: Sequence[str],
        tls: Tls | None = None,
    ) -> list[str]:
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path or "-"
        numbers = str(connections), str(requests)
        words = [target, *numbers, _PYTHON, *headers]
        if tls is None:
            return [*self._command, str(parts.port), *words]
        command = [*self._tls_command, "-s", str(parts.hostname)]
        if tls.proxy:
            command += ["-c", f"{parts.hostname}:{parts.port or 443}"]
        return [*command, tls.proxy.rpartition(":")[2] or str(parts.port), *words]


def _built(place: Path, *flags: str) -> str | None:
    """Where the client lies; None when it cannot be built so."""
    command = ["gcc", "-O2", "-o", str(place), str(_HERE / "sink.c"), *flags]
    done = subprocess.run(command, stderr=subprocess.PIPE, check=False)
    return str(place) if done.returncode == 0 else None


def _parse(line: str) -> Answer:
    status, first, last, size, whole = map(int, line.split())
    return Answer(status, first / 1e9, last / 1e9, size, bool(whole))


def percentile(values: Sequence[float], percent: int) -> float:
    """Of at least two values; not beyond the largest."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]
