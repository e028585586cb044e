"""Where a trust list is read from: a folder, a web server, or what was verified before.

Names are those inside a published folder, such as `metadata/3.targets.json`, and no name can
lead out of it. A file that is not there is told as HTTP tells it: 404 is how the TUF client
learns that a root is the newest.
"""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import urllib3
from tuf.api.exceptions import DownloadError, DownloadHTTPError, DownloadLengthMismatchError
from tuf.ngclient.fetcher import FetcherInterface
from tuf.ngclient.urllib3_fetcher import Urllib3Fetcher
from urllib3.util import parse_url

from hubproxy.core.record import LARGEST_RECORD
from hubproxy.errors import ConfigError
from hubproxy.trust.deadline import Deadline, under_deadlines

LARGEST_FILE = LARGEST_RECORD
"""Bytes of any file of a list, whatever a signed length says."""

_NAME = re.compile(
    r"metadata/[A-Za-z0-9][A-Za-z0-9._-]*\.json"
    r"|records/(?P<record>[0-9a-f]{2})/(?P=record)[0-9a-f]{62}\.json"
    r"|evidence/(?P<evidence>[0-9a-f]{2})/(?P=evidence)[0-9a-f]{62}"
    r"|boms/(?P<bom>[0-9a-f]{2})/(?P=bom)[0-9a-f]{62}\.cdx\.json"
)
_CHUNK = 256 * 1024
_TOO_LONG = "took too long"


def is_published(name: str) -> bool:
    """Whether a published folder may have a file of this name."""
    return _NAME.fullmatch(name) is not None


def fetcher_of(source: str) -> FetcherInterface:
    """Who reads a published folder, or its http(s) URL.

    Raises:
        ConfigError: a URL of another scheme.
    """
    if source.startswith(("http://", "https://")):
        return HttpFetcher(source)
    if "://" in source:
        raise ConfigError(
            f"a trust list cannot be read from {source}",
            remedy="Set `trust.source` to a folder, or to an http or https URL.",
        )
    return FolderFetcher(Path(source))


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
        total: seconds for one file, whatever of it drips, and however steadily.
    """

    def __init__(self, base: str, *, idle: int = 15, total: float = 120.0) -> None:
        super().__init__(socket_timeout=idle, app_user_agent="hubproxy")
        self._base = base.rstrip("/") + "/"
        self._total = total

    def _fetch(self, url: str) -> Iterator[bytes]:
        if not is_published(url):
            raise DownloadHTTPError(f"{url!r} is not the name of a file of a trust list", 404)
        deadline = Deadline(self._total)
        try:
            answer = self._ask(self._place(url), deadline)
            if answer.status != 200:
                answer.close()
                raise DownloadHTTPError(f"it answered with status {answer.status}", answer.status)
        except BaseException:
            deadline.close()
            raise
        return self._read(answer, deadline)

    def _ask(self, url: str, deadline: Deadline) -> urllib3.BaseHTTPResponse:
        where = parse_url(url)
        manager = self._proxy_env.get_pool_manager(where.scheme, where.host)
        try:
            with deadline:
                return under_deadlines(manager).request(
                    "GET",
                    url,
                    preload_content=False,
                    # A list lies where it was said to lie: what redirects could lead anywhere.
                    redirect=False,
                    # The next refresh comes soon, and a deadline is for all tries together.
                    retries=False,
                    timeout=urllib3.Timeout(self.socket_timeout),
                )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise DownloadError(_TOO_LONG if deadline.over else f"no answer: {error}") from error

    def _place(self, name: str) -> str:
        """The URL of a file by its name in a published folder."""
        return self._base + name

    def _read(self, answer: urllib3.BaseHTTPResponse, deadline: Deadline) -> Iterator[bytes]:
        try:
            for chunk in _bounded(iter(lambda: answer.read1(_CHUNK), b"")):
                if deadline.over:
                    break
                yield chunk
            if deadline.over:  # what looks like the end may be where the socket was shut
                raise DownloadError(_TOO_LONG)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise DownloadError(_TOO_LONG if deadline.over else f"broke off: {error}") from error
        finally:
            deadline.close()
            answer.close()


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


def _bounded(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Pass chunks on, up to the largest size."""
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > LARGEST_FILE:
            raise DownloadLengthMismatchError(f"longer than {LARGEST_FILE} bytes")
        yield chunk
