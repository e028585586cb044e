"""One transfer from upstream: attempts, resuming, and patience with what is broken."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic
from typing import TypeVar

from hubproxy.core.fetching import Resume
from hubproxy.core.handle import Handle
from hubproxy.errors import DeniedError, UpstreamError, UpstreamNotFoundError
from hubproxy.logs import event
from hubproxy.service.failures import CircuitBreaker
from hubproxy.service.ports import Attempts, Feed, Upstream

T = TypeVar("T")
_LONGEST_PAUSE = 10.0
"""Seconds for which an upstream that says when to come back is waited for."""


class Transfers:
    """Reads modules from their hubs, a few at once.

    Args:
        upstreams: hub -> where its misses go.
        attempts: how often one transfer is begun or resumed before it has failed.
        at_once: how many transfers run at the same time; others wait for their turn.
        answered: told the hub and the seconds until its answer began.
        moved: told, after each piece, the handle, the bytes of upstream's archive that have
            come, and how many there will be, if upstream says.
        sleep: waits that many seconds between attempts.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        upstreams: Mapping[str, Upstream],
        *,
        attempts: int,
        at_once: int,
        answered: Callable[[str, float], None] = lambda _hub, _seconds: None,
        moved: Callable[[Handle, int, int | None], None] = lambda _handle, _taken, _total: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._upstreams = upstreams
        self._attempts, self._answered, self._moved = attempts, answered, moved
        self._sleep, self._clock = sleep, clock
        self._turns = asyncio.Semaphore(at_once)
        self._breakers = {hub: CircuitBreaker(clock) for hub in upstreams}

    def upstream(self, hub: str) -> Upstream:
        """Where a hub's misses go.

        Raises:
            DeniedError: no such hub is configured.
        """
        try:
            return self._upstreams[hub]
        except KeyError:
            raise DeniedError(
                "UNKNOWN_HUB",
                404,
                f"{hub} is not a hub that this proxy serves",
                remedy=f'Add a [[hub]] table with host = "{hub}" to hubproxy.toml.',
            ) from None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one's turn: to be taken before room is reserved and files are opened."""
        async with self._turns:
            yield

    async def read(self, exact: Handle, into: Attempts[T]) -> tuple[T, str]:
        """Feed a module's archive to `into`, resuming where a transfer broke.

        Returns:
            What `into` made of the bytes, and the URL they came from.

        Raises:
            HubproxyError: upstream failed for good, or `into` refused what it sent.
        """
        upstream, breaker = self.upstream(exact.hub), self._breakers[exact.hub]
        resume: Resume | None = None
        async with AsyncExitStack() as feeds:
            feed: Feed[T] | None = None
            stuck = 0
            for attempt in range(1, self._attempts + 1):
                breaker.check(exact.hub)
                taken, validator = (resume.offset, resume.validator) if resume else (0, "")
                asked, answered = self._clock(), False
                try:
                    async with upstream.open(exact, resume=resume) as incoming:
                        breaker.succeeded()  # it answers: what breaks off now is one module's
                        answered = True
                        self._answered(exact.hub, self._clock() - asked)
                        taken, validator, stuck = incoming.offset, incoming.validator, -1
                        if feed is None or taken == 0:
                            await feeds.aclose()
                            feed = await feeds.enter_async_context(into.attempt())
                        total = None if incoming.length is None else taken + incoming.length
                        async for piece in incoming.body:
                            await feed.write(piece)
                            taken += len(piece)
                            self._moved(exact, taken, total)
                        return await feed.finish(), incoming.url
                except UpstreamError as error:
                    if isinstance(error, UpstreamNotFoundError):
                        breaker.succeeded()
                    elif error.transient and not answered:
                        breaker.failed()
                    if not error.transient or attempt == self._attempts:
                        raise
                    wait = error.retry_after or 0.0
                    if wait > _LONGEST_PAUSE:
                        raise  # it has said when; whoever asks until then is told the same
                    event("pull.broken", handle=exact, offset=taken, reason=error)
                # A server that twice refuses to go on is asked for all of it.
                stuck += 1
                resume = Resume(taken, validator) if validator and taken and stuck < 2 else None
                pause = 0.2 * 2**attempt * (0.5 + random.random())
                await self._sleep(max(pause, wait))
        raise AssertionError("unreachable: the last attempt returns or raises")
