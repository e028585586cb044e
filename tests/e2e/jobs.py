"""Training jobs: interpreters of their own that have TensorFlow and, by a `.pth` file, the hook."""

import io
import json
import os
import re
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from pathlib import Path
from typing import Any, Self

from hubproxy.server.clientwheel import build_client_wheel

_HERE = Path(__file__).parent
# A folder on PYTHONPATH is not searched for .pth files; this makes it so.
_SITECUSTOMIZE = "import os, site; site.addsitedir(os.path.dirname(os.path.abspath(__file__)))\n"


def install_hook(folder: Path) -> Path:
    """Put the hook's wheel into a folder that works as site-packages when on PYTHONPATH.

    Where hubproxy itself is installed, its own `.pth` comes first, and this one does nothing.
    """
    folder.mkdir()
    with zipfile.ZipFile(io.BytesIO(build_client_wheel("0.0.1")[1])) as wheel:
        wheel.extractall(folder)
    return searched(folder)


def searched(folder: Path) -> Path:
    """Have a folder on PYTHONPATH searched for `.pth` files, as site-packages is."""
    (folder / "sitecustomize.py").write_text(_SITECUSTOMIZE)
    return folder


def wheel_url(url: str) -> str:
    """The one link of the daemon's client page."""
    with urllib.request.urlopen(f"{url}/-/client/", timeout=10) as page:
        (link,) = re.findall(r'href="(hubproxy_client-[^"]+\.whl)"', page.read().decode())
    return f"{url}/-/client/{link}"


def pip_install(python: Path, url: str, folder: Path) -> Path:
    """Install a wheel from the daemon with an interpreter's own pip, and nothing from elsewhere."""
    options = ["--no-index", "--no-deps", "--no-cache-dir", "--disable-pip-version-check"]
    ran = subprocess.run(
        [python, "-m", "pip", "install", *options, "--target", folder, url],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return searched(folder)


def environ(hook: Path, url: str | None) -> dict[str, str]:
    """What a job's environment is; without an address, HUBPROXY_URL is not in it."""
    quiet = {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_ENABLE_ONEDNN_OPTS": "0",
    }
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HUBPROXY_", "TFHUB_", "PYTHON")) and "proxy" not in name.lower()
    }
    address = {} if url is None else {"HUBPROXY_URL": url}
    return {**kept, **quiet, **address, "PYTHONPATH": str(hook)}


class Job:
    """A job that runs `job.py`, until the `with` block ends. Its stderr goes to `log`."""

    def __init__(self, hook: Path, url: str | None, log: Path, *options: str) -> None:
        self._log = log
        self._command = [sys.executable, str(_HERE / "job.py"), *options]
        self._environ = environ(hook, url)

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        # What of hubproxy it had imported before its first line ran.
        self.imported: list[str] = self._hear()["imported"]
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def do(self, command: str, argument: str, **environ: object) -> dict[str, Any]:
        """Have the job do one of `job.COMMANDS`, in this environment from now on."""
        assert self._process.stdin is not None
        texts = {name: str(value) for name, value in environ.items()}
        self._process.stdin.write(json.dumps([command, argument, texts]) + "\n")
        self._process.stdin.flush()
        return self._hear()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self._log.read_text()
        heard: dict[str, Any] = json.loads(line)
        return heard


def pack(folder: Path, top: str = ".") -> bytes:
    """A folder's module as a plain tar, below one top folder; `.` is how the daemon keeps it."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        tar.add(folder, arcname=top)
    return whole.getvalue()


def pack_zip(folder: Path) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return whole.getvalue()
