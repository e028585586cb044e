"""One transfer per module, however many wait."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable

from hubproxy.errors import BusyError, HubproxyError
from hubproxy.logs import event
from hubproxy.service.failures import NegativeCache
from hubproxy.service.growth import Growth

_MOST = 1024


class Flights:
    """Runs each job once at a time, in a task that no caller owns.

    A caller who goes away cancels nothing; a failure reaches every caller, and those who
    come shortly after it.
    """

    def __init__(self, failures: NegativeCache) -> None:
        self._failures = failures
        self._flying: dict[Hashable, tuple[Growth, asyncio.Task[None]]] = {}

    def __len__(self) -> int:
        return len(self._flying)

    def join(
        self, key: Hashable, size: int, job: Callable[[Growth], Awaitable[None]]
    ) -> tuple[Growth, bool]:
        """The growth of the running job for `key`, or of a new one, and whether it is new.

        Raises:
            HubproxyError: the job failed lately.
        """
        flying = self._flying.get(key)
        if flying is not None:
            return flying[0], False
        self._failures.check(key)
        if len(self._flying) >= _MOST:
            raise BusyError(f"{_MOST} modules are waiting to be fetched already")
        growth = Growth(size)
        task = asyncio.create_task(self._fly(key, growth, job))
        self._flying[key] = growth, task
        return growth, True

    def forget(self, key: Hashable) -> None:
        """Do not tell an earlier failure of `key` again: what it was about has been mended."""
        self._failures.succeeded(key)

    async def landed(self) -> None:
        """Wait until nothing is running."""
        while self._flying:
            await asyncio.wait([task for _, task in self._flying.values()])

    async def close(self) -> None:
        """Give up what is still running, and wait until it has cleaned up."""
        tasks = [task for _, task in self._flying.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # What was cancelled before its first step has told nobody.
        for growth, _ in self._flying.values():
            growth.end(asyncio.CancelledError())
        self._flying.clear()

    async def _fly(
        self, key: Hashable, growth: Growth, job: Callable[[Growth], Awaitable[None]]
    ) -> None:
        try:
            await job(growth)
        except HubproxyError as error:
            self._failures.failed(key, error)
            growth.end(error)
        except asyncio.CancelledError as error:
            growth.end(error)
            raise
        except Exception as error:  # noqa: BLE001  # whatever it was, nobody may wait for ever
            event("flight.crashed", level=logging.ERROR, key=key, error=repr(error))
            crash = HubproxyError(f"the fetch failed: {type(error).__name__}: {error}")
            self._failures.failed(key, crash)
            growth.end(crash)
        else:
            self._failures.succeeded(key)
            growth.end()
        finally:
            del self._flying[key]
