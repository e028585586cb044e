"""An origin in a process of its own: it serves files at a given rate and counts bytes.

    python -m tests.bench.origin FOLDER BYTES_PER_SECOND

A rate of 0 is no limit. The rate is that of all answers together. `/-/counts` tells the
requests and the bytes of bodies so far. It prints its port.
"""

import contextlib
import json
import os
import sys
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_PIECE = 256 * 1024


class _Pace:
    """When the next piece may leave."""

    def __init__(self, rate: int) -> None:
        self._rate, self._free_at, self._lock = rate, 0.0, threading.Lock()

    def take(self, size: int) -> None:
        if not self._rate:
            return
        with self._lock:
            # A sleep that lasted too long is made up for, up to 20 ms of it.
            self._free_at = max(self._free_at, time.monotonic() - 0.02) + size / self._rate
            wait = self._free_at - time.monotonic()
        if wait > 0:
            time.sleep(wait)


class _Origin:
    def __init__(self, folder: Path, rate: int) -> None:
        self.folder, self.pace = folder, _Pace(rate)
        self.requests = self.bytes = 0
        self.lock = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, origin: _Origin, *args: object) -> None:
        self._origin = origin
        super().__init__(*args)  # type: ignore[arg-type]  # what socketserver gives

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        origin = self._origin
        if path == "/-/counts":
            text = json.dumps({"requests": origin.requests, "bytes": origin.bytes}).encode()
            self._head(len(text), "application/json")
            self.wfile.write(text)
            return
        file = origin.folder / f"{path.strip('/')}.tar.gz"
        if not file.is_file():
            self.send_error(404)
            return
        with origin.lock:
            origin.requests += 1
        with file.open("rb") as content, contextlib.suppress(ConnectionError):
            self._head(file.stat().st_size, "application/gzip")
            self._body(content.fileno(), file.stat().st_size)

    def _head(self, size: int, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.send_header("Content-Type", kind)
        self.send_header("ETag", '"1"')
        self.end_headers()

    def _body(self, descriptor: int, size: int) -> None:
        self.wfile.flush()
        at = 0
        while at < size:
            piece = min(_PIECE, size - at)
            self._origin.pace.take(piece)
            end = at + piece
            while at < end:
                sent = os.sendfile(self.connection.fileno(), descriptor, at, end - at)
                at += sent
                with self._origin.lock:
                    self._origin.bytes += sent

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main(folder: str, rate: str) -> None:
    handler = partial(_Handler, _Origin(Path(folder), int(rate)))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
