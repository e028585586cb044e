"""A trust list as a bundle carries it."""

from collections.abc import Callable, Iterator

import msgspec
from tuf.api.exceptions import DownloadHTTPError

from hubproxy.errors import TrustListError
from hubproxy.trust.fetcher import InMemory, is_published


class BundleFetcher(InMemory):
    """Reads the files that a bundle has.

    Args:
        read: gives a file by its published name, or None.
    """

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self._read = read

    def _fetch(self, url: str) -> Iterator[bytes]:
        data = self._read(url) if is_published(url) else None
        if data is None:
            raise DownloadHTTPError(f"the bundle has no {url}", 404)
        return iter((data,))


class _Own(msgspec.Struct, frozen=True):
    contents: str = ""


class _Signed(msgspec.Struct, frozen=True):
    hubproxy: _Own = _Own()


class _Timestamp(msgspec.Struct, frozen=True):
    signed: _Signed


def bound_contents(timestamp: bytes) -> str:
    """The digest of what a verified timestamp was signed to go with; empty where it says nothing.

    Raises:
        TrustListError: HP-T09 what it says is malformed.
    """
    try:
        return msgspec.json.decode(timestamp, type=_Timestamp).signed.hubproxy.contents
    except msgspec.MsgspecError as error:
        raise TrustListError("HP-T09", f"timestamp.json is malformed: {error}") from error
