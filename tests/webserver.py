"""nginx as an admin would run it, with the settings that an export has written."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

_CONFIG = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {site}/.hubproxy/nginx.conf;
}}
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def program() -> str:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("nginx is not installed")
    return found


@contextmanager
def nginx(site: Path, folder: Path, port: int, within: Sequence[str] = ()) -> Iterator[str]:
    """Serve an exported site; gives its URL.

    Args:
        folder: for what nginx writes.
        port: that the site was exported for.
        within: goes before the command.
    """
    folder.mkdir(exist_ok=True)
    user = "user root;" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(_CONFIG.format(folder=folder, site=site, user=user))
    command = [*within, program(), "-p", str(folder), "-c", str(config)]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        probe = ["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{port}/"]
        while subprocess.run([*within, *probe], check=False).returncode == 7:
            assert child.poll() is None, child.stderr and child.stderr.read()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        child.terminate()
        child.communicate(timeout=20)
