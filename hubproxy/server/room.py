"""Memory for the proxy's own pages while their clients take them, or do not."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from hubproxy.errors import BusyError

SMALL = 64 * 1024
"""Bytes of a page that is not counted: a connection's buffer has as many."""


class Room:
    """Bounds the pages in flight, altogether and for each caller; one page is always let in.

    Args:
        size: bytes of all of them.
        share: bytes of one caller's.
    """

    def __init__(self, *, size: int = 64 * 1024**2, share: int = 16 * 1024**2) -> None:
        self._size, self._share = size, share
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, caller: str, count: int) -> Iterator[None]:
        """Count so many bytes while the block runs.

        Raises:
            BusyError: there is no room for them now.
        """
        mine, all_of_them = self._taken[caller], self._taken.total()
        if (mine and mine + count > self._share) or (
            all_of_them and all_of_them + count > self._size
        ):
            raise BusyError(
                f"{all_of_them:,} bytes of pages wait to be taken, {mine:,} of them for you",
                remedy="Take what was asked for, and ask again.",
            )
        self._taken[caller] += count
        try:
            yield
        finally:
            self._taken[caller] -= count
            if not self._taken[caller]:
                del self._taken[caller]
