"""How fast a body may and must come. Seconds are the event loop's, which no clock change moves."""

import asyncio


class Bucket:
    """Bounds the bytes per second that all users of one bucket take together.

    Args:
        rate: bytes per second; None for no bound.
    """

    def __init__(self, rate: int | None) -> None:
        self._rate = rate
        self._free_at = 0.0

    async def take(self, size: int) -> None:
        """Wait until `size` more bytes are within the rate."""
        if self._rate is None:
            return
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now) + size / self._rate
        await asyncio.sleep(self._free_at - now)


class Progress:
    """Tells a trickle from a transfer.

    Only time spent waiting for upstream counts: a reader that dawdles is not upstream's fault.

    Args:
        rate: bytes per second that must be reached on average.
        window: seconds of waiting over which the average is taken.
    """

    def __init__(self, *, rate: float, window: float) -> None:
        self._rate, self._window = rate, window
        self._waited, self._bytes = 0.0, 0

    def add(self, size: int, waited: float) -> bool:
        """Count a piece; False when the window that it ends was too slow."""
        self._waited += waited
        self._bytes += size
        if self._waited < self._window:
            return True
        enough = self._bytes >= self._rate * self._waited
        self._waited, self._bytes = 0.0, 0
        return enough
