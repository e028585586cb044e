"""nginx with a configuration of its own, as a plain process: the peer of each measure."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.processes import BenchError, running

_CONFIG = """
daemon off;
{user}
worker_processes {workers};
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    default_type application/octet-stream;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_cache_path {folder}/cache levels=1:2 keys_zone=cache:10m max_size=20g
        inactive=1h use_temp_path=off;
    server {{
        listen 127.0.0.1:{port} {tls} backlog=1024;
        root {root};
        {certificate}
        location /cached/ {{
            proxy_pass {origin}/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_cache cache;
            proxy_cache_valid 200 1h;
            proxy_cache_lock on;
            proxy_cache_lock_timeout 10m;
            proxy_cache_lock_age 10m;
            proxy_max_temp_file_size 8192m;
            proxy_buffers 16 64k;
            proxy_buffer_size 64k;
        }}
    }}
}}
"""
_CERTIFICATE = """
        ssl_certificate {chain};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_ecdh_curve X25519:prime256v1;
"""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A server's certificate: files in PEM, the last of them what clients must trust."""

    chain: Path
    key: Path
    root: Path


@dataclass(frozen=True, slots=True)
class Nginx:
    url: str
    pid: int


def find() -> Path | None:
    """The program; also where Debian puts it, which is not on an ordinary user's path."""
    path = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    return Path(path) if path else None


def version(program: Path) -> str:
    done = subprocess.run([program, "-v"], stderr=subprocess.PIPE, text=True, check=True)
    return done.stderr.strip().rpartition("/")[2]


@contextmanager
def nginx(
    program: Path,
    folder: Path,
    *,
    root: Path,
    workers: int,
    origin: str = "http://127.0.0.1:9",
    certificate: Certificate | None = None,
) -> Iterator[Nginx]:
    """Serve `root`, and what `origin` has below `/cached/`. The cache begins empty.

    With a certificate, for the name `localhost`, it speaks TLS.

    Raises:
        BenchError: it does not listen.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    port, log = _free_port(), folder / "log"
    config = folder / "nginx.conf"
    config.write_text(
        _CONFIG.format(
            # Without this, root's workers are another user, who cannot read our files.
            user="user root;" if os.geteuid() == 0 else "",
            workers=workers,
            folder=folder,
            root=root,
            origin=origin,
            port=port,
            tls="ssl" if certificate else "",
            certificate=_CERTIFICATE.format(chain=certificate.chain, key=certificate.key)
            if certificate
            else "",
        )
    )
    with running([program, "-p", folder, "-e", "stderr", "-c", config], log=log) as child:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if child.poll() is not None:
                raise BenchError(f"nginx did not start: {log.read_text()}")
            time.sleep(0.02)
        address = f"https://localhost:{port}" if certificate else f"http://127.0.0.1:{port}"
        yield Nginx(address, child.pid)


def _free_port() -> int:
    """nginx cannot say which port it got; so one that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
