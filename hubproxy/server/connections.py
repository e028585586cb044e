"""Every open connection: how many an address has, and how long each one may wait.

One sweep a second looks at all of them, which costs less than a timer for each.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from hubproxy.errors import HubproxyError
from hubproxy.logs import event

_LONGEST_SWEEP = 1.0


class TooManyConnectionsError(HubproxyError):
    """One address has as many connections as it may have."""

    code = "TOO_MANY_CONNECTIONS"
    status = 429


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client may take, in seconds.

    Args:
        head: from the first byte of a request's head to its last, and for a TLS handshake.
        idle: without a request.
        stall: without taking a byte of an answer.
    """

    head: float = 10
    idle: float = 60
    stall: float = 60


class Waiting(Protocol):
    """A connection, as the sweep sees it."""

    address: str
    deadline: float

    def expire(self) -> None: ...
    def stop(self) -> None: ...
    def abort(self) -> None: ...


class Connections:
    """The connections of one daemon, over all of its ports.

    Args:
        per_client: how many one address may have.
        patience: how long each may wait.
    """

    def __init__(self, *, per_client: int, patience: Patience) -> None:
        self.patience = patience
        self._per_client = per_client
        self._waiting: set[Waiting] = set()
        self._by_address: Counter[str] = Counter()
        self._none_left: asyncio.Event | None = None
        self.stopping = False
        """Whether an answer is the last one of its connection."""
        self._quiet: dict[str, tuple[float, int]] = {}

    def __len__(self) -> int:
        return sum(self._by_address.values())

    def watch(self, one: Waiting) -> None:
        """Have a connection's deadline looked at."""
        self._waiting.add(one)

    def forget(self, one: Waiting) -> None:
        self._waiting.discard(one)
        if self._none_left is not None and not self._waiting:
            self._none_left.set()

    def enter(self, address: str) -> None:
        """Count a connection; `leave` must follow.

        Raises:
            TooManyConnectionsError: the address has too many with this one.
        """
        self._by_address[address] += 1
        if self._by_address[address] > self._per_client:
            raise TooManyConnectionsError(
                f"{address} has more than {self._per_client} connections",
                remedy="Close some, or raise `server.connections_per_client`.",
            )

    def leave(self, address: str) -> None:
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def stop(self) -> None:
        """Close those on which nothing is being answered, and each other one when that is done."""
        self.stopping = True
        for one in list(self._waiting):
            one.stop()

    async def end(self) -> None:
        """Close all, whatever they are doing, and wait until they are gone."""
        for one in list(self._waiting):
            one.abort()
        if self._waiting:
            self._none_left = asyncio.Event()
            await self._none_left.wait()

    @asynccontextmanager
    async def swept(self) -> AsyncIterator[None]:
        """End those whose deadline has passed, while the block runs."""
        task = asyncio.create_task(self._sweep())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _sweep(self) -> None:
        shortest = min(self.patience.head, self.patience.idle)
        every = max(0.01, min(_LONGEST_SWEEP, shortest / 4))
        while True:
            await asyncio.sleep(every)
            now = monotonic()
            for one in [one for one in self._waiting if one.deadline < now]:
                one.expire()

    def unreadable(self, name: str, address: str, error: BaseException) -> None:
        """Log what could not be read: a line of a name a second, and nothing of what it holds."""
        now = monotonic()
        quiet_until, passed_over = self._quiet.get(name, (0.0, 0))
        if now < quiet_until:
            self._quiet[name] = quiet_until, passed_over + 1
            return
        what = getattr(error, "code", None) or getattr(error, "reason", None)
        event(name, caller=address, error=what or type(error).__name__, passed_over=passed_over)
        self._quiet[name] = now + 1, 0
