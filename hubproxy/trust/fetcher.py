"""Where a trust list is read from: a folder, a web server, or what was verified before.

Names are those inside a published folder, such as `metadata/3.targets.json`, and no name can
lead out of it. A file that is not there is told as HTTP tells it: 404 is how the TUF client
learns that a root is the newest.
"""

import os
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import urllib3
from tuf.api.exceptions import DownloadError, DownloadHTTPError, DownloadLengthMismatchError
from tuf.ngclient.fetcher import FetcherInterface
from tuf.ngclient.urllib3_fetcher import Urllib3Fetcher

from hubproxy.core.record import LARGEST_RECORD

LARGEST_FILE = LARGEST_RECORD
"""Bytes of any file of a list, whatever a signed length says."""

_NAME = re.compile(
    r"metadata/[A-Za-z0-9][A-Za-z0-9._-]*\.json"
    r"|records/(?P<record>[0-9a-f]{2})/(?P=record)[0-9a-f]{62}\.json"
    r"|evidence/(?P<evidence>[0-9a-f]{2})/(?P=evidence)[0-9a-f]{62}"
    r"|boms/(?P<bom>[0-9a-f]{2})/(?P=bom)[0-9a-f]{62}\.cdx\.json"
)
_CHUNK = 256 * 1024


def is_published(name: str) -> bool:
    """Whether a published folder may have a file of this name."""
    return _NAME.fullmatch(name) is not None


class InMemory(FetcherInterface):
    """Downloads into memory: tuf's own go through a file each."""

    def download_bytes(self, url: str, max_length: int) -> bytes:
        pieces = []
        for piece in self.fetch(url):
            max_length -= len(piece)
            if max_length < 0:
                raise DownloadLengthMismatchError(f"{url} is longer than it may be")
            pieces.append(piece)
        return b"".join(pieces)


class FolderFetcher(InMemory):
    """Reads a published folder: on this host, on a share, on a stick."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _fetch(self, url: str) -> Iterator[bytes]:
        return _read(self._path(url))

    def _path(self, name: str) -> Path:
        if not is_published(name):
            raise DownloadHTTPError(f"{name!r} is not the name of a file of a trust list", 404)
        return self._folder / name


class StateFetcher(FolderFetcher):
    """Reads what an earlier refresh kept, under the names that a published folder has."""

    def _path(self, name: str) -> Path:
        kept = super()._path(name).name
        if name.startswith("records/"):
            return self._folder / "policy.json"  # the one that is kept with the list
        if kept.endswith(".root.json"):
            return self._folder / "root_history" / kept
        version, _, unversioned = kept.partition(".")
        return self._folder / (unversioned if version.isdigit() else kept)


class HttpFetcher(InMemory, Urllib3Fetcher):
    """Reads a published folder from a web server.

    Args:
        base: URL of the folder.
        idle: seconds to wait for a connection, and between bytes.
        total: seconds for one file, however steadily it drips.
    """

    def __init__(self, base: str, *, idle: int = 15, total: float = 120.0) -> None:
        super().__init__(socket_timeout=idle, app_user_agent="hubproxy")
        self._base = base.rstrip("/") + "/"
        self._total = total

    def _fetch(self, url: str) -> Iterator[bytes]:
        if not is_published(url):
            raise DownloadHTTPError(f"{url!r} is not the name of a file of a trust list", 404)
        try:
            answer = self._proxy_env.request(
                "GET",
                self._base + url,
                preload_content=False,
                # A list lies where it was said to lie: what redirects could lead anywhere.
                redirect=False,
                timeout=urllib3.Timeout(self.socket_timeout),
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise DownloadError(f"no answer: {error}") from error
        if answer.status != 200:
            answer.close()
            raise DownloadHTTPError(f"it answered with status {answer.status}", answer.status)
        return self._chunks(answer)

    def _chunks(self, response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        # tuf's own waits until a whole chunk is there, so a drip could hold it for days.
        deadline = time.monotonic() + self._total
        try:
            yield from _bounded(iter(lambda: response.read1(_CHUNK), b""), deadline)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise DownloadError(f"broke off: {error}") from error
        finally:
            response.close()


def _read(path: Path) -> Iterator[bytes]:
    """The bytes of a regular file; opened at once, so that what is missing is told at once."""
    try:
        # Without O_NONBLOCK a named pipe would wait for a writer for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DownloadHTTPError(f"there is no {path}", 404) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise DownloadError(f"{path} is not a file")
    return _bounded(_chunks_of(descriptor))


def _chunks_of(descriptor: int) -> Iterator[bytes]:
    try:
        with os.fdopen(descriptor, "rb") as file:
            yield from iter(lambda: file.read(_CHUNK), b"")
    except OSError as error:
        raise DownloadError(f"cannot be read: {error.strerror}") from error


def _bounded(chunks: Iterator[bytes], deadline: float | None = None) -> Iterator[bytes]:
    """Pass chunks on, up to the largest size and until a deadline on the monotonic clock."""
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > LARGEST_FILE:
            raise DownloadLengthMismatchError(f"longer than {LARGEST_FILE} bytes")
        if deadline is not None and time.monotonic() > deadline:
            raise DownloadError("took too long")
        yield chunk
