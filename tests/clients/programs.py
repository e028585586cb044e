"""Programs that people download with, none of which knows of hubproxy.

Each is told of the proxy and of its CA as `hubproxy env` tells a job: by variables, or by an
option where it knows no variable.
"""

import asyncio
import atexit
import gzip
import os
import shutil
import subprocess
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.client.interpreters import python

_HERE = Path(__file__).parent
UNDICI = "undici@7"


@dataclass(frozen=True)
class Errand:
    """A URL to fetch, by which proxy, with which CA, and where to put what comes."""

    url: str
    proxy: str
    ca: Path
    file: Path


@dataclass(frozen=True)
class Run:
    """A program that has ended: its exit status, and all that it printed."""

    status: int
    printed: str
    body: bytes | None

    @property
    def archive(self) -> bytes | None:
        """What came, without its gzip frame: who gets one is the daemon's choice."""
        if self.body is not None and self.body.startswith(b"\x1f\x8b"):
            return gzip.decompress(self.body)
        return self.body


Words = Callable[[Errand], list[str]]


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name}")
    return found


def urllib_of(version: str) -> Words:
    """The standard library of another Python: what `tensorflow_hub` downloads with."""
    script = str(_HERE / "fetch_urllib.py")
    return lambda errand: [str(python(version)), script, errand.url, str(errand.file)]


def requests(errand: Errand) -> list[str]:
    pytest.importorskip("requests")
    script = str(_HERE / "fetch_requests.py")
    return [sys.executable, script, errand.url, str(errand.file)]


def curl(*options: str) -> Words:
    """With the heads of all answers, as a person would look at an error.

    In the options, `{proxy}` is the proxy's host and port.
    """

    def words(errand: Errand) -> list[str]:
        proxy = urlsplit(errand.proxy).netloc
        more = [option.replace("{proxy}", proxy) for option in options]
        return [
            _program("curl"), "-sS", "--fail", *more,
            "-D", "/dev/stderr", "-o", str(errand.file), errand.url,
        ]  # fmt: skip

    return words


def wget(errand: Errand) -> list[str]:
    return [
        _program("wget"), "-nv", "--tries=1", f"--ca-certificate={errand.ca}",
        "-O", str(errand.file), errand.url,
    ]  # fmt: skip


def undici(errand: Errand) -> list[str]:
    node, package = _program("node"), _undici()
    if package is None:
        pytest.skip(f"npm cannot install {UNDICI} here")
    return [node, str(_HERE / "fetch_undici.mjs"), str(package), errand.url, str(errand.file)]


@cache
def _undici() -> Path | None:
    """The package, in a folder of its own for as long as this process runs."""
    if (npm := shutil.which("npm")) is None:
        return None
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    install = [npm, "install", "--no-audit", "--no-fund", "--prefix", folder, UNDICI]
    try:
        done = subprocess.run(install, capture_output=True, check=False, timeout=60)
    except subprocess.TimeoutExpired:
        return None
    return Path(folder, "node_modules", "undici") if done.returncode == 0 else None


async def run(words: Words, errand: Errand) -> Run:
    """Run a program in an environment that has nothing but the proxy and the CA."""
    ca = str(errand.ca)
    variables = {
        **dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"), errand.proxy),
        **dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), ca),
        "NODE_EXTRA_CA_CERTS": ca,
        "PATH": os.environ["PATH"],
        "HOME": str(errand.file.parent),
        "LC_ALL": "C",
    }
    command = await asyncio.to_thread(words, errand)
    child = await asyncio.create_subprocess_exec(
        *command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=variables
    )
    out, errors = await child.communicate()
    body = errand.file.read_bytes() if errand.file.exists() else None
    return Run(child.returncode or 0, (out + errors).decode(), body)
