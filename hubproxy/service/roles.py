"""Reading the teams' roles of the list: each once, however many ask for it."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

from hubproxy.core.trust import Versions
from hubproxy.core.trustlist import Role, TrustSnapshot
from hubproxy.errors import TrustListError
from hubproxy.logs import event
from hubproxy.service.failures import NegativeCache
from hubproxy.service.ports import TrustSource

_Key = tuple[Versions, str]


class Roles:
    """Reads roles in threads of its own, so that a source that hangs holds up nothing else.

    Args:
        source: of the list.
        found: is given each role that was read, with the list it belongs to.
        threads: that may wait for the source at the same time.
    """

    def __init__(
        self,
        source: TrustSource,
        found: Callable[[TrustSnapshot, Role], None],
        *,
        threads: int = 4,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._source, self._found = source, found
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="trust")
        self._reading: dict[_Key, asyncio.Task[Exception | None]] = {}
        self._failures = NegativeCache(clock)

    async def close(self) -> None:
        """Give up what is being read, and wait for the threads."""
        for task in self._reading.values():
            task.cancel()
        await asyncio.gather(*self._reading.values(), return_exceptions=True)
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)

    async def read(self, snapshot: TrustSnapshot, name: str) -> None:
        """Have a role of a list read; what failed a moment ago is not tried again at once.

        Raises:
            TrustListError: it cannot be had, or is not what the list says.
        """
        key = (snapshot.versions, name)
        task = self._reading.get(key)
        if task is None:
            self._failures.check(key)
            task = self._reading[key] = asyncio.create_task(self._read(key, snapshot))
            task.add_done_callback(lambda _: self._reading.pop(key, None))
        # Shielded: who hangs up must not take the role away from the others.
        error = await asyncio.shield(task)
        if error is not None:
            raise error.with_traceback(None)

    async def read_ahead(self, current: Callable[[], TrustSnapshot | None]) -> None:
        """Read what nobody has asked for yet: a source that goes away then cuts no look-up.

        Args:
            current: gives the list in force, which may change meanwhile.
        """
        tried: set[_Key] = set()
        while (snapshot := current()) is not None:
            unread = (name for name in snapshot.delegated if name not in snapshot.roles)
            name = next((name for name in unread if (snapshot.versions, name) not in tried), None)
            if name is None:
                return
            tried.add((snapshot.versions, name))
            try:
                await self.read(snapshot, name)
            except Exception as error:  # noqa: BLE001  # the others are to be read all the same
                event("trust.role_unread", level=logging.WARNING, role=name, reason=error)

    async def _read(self, key: _Key, snapshot: TrustSnapshot) -> Exception | None:
        """Read a role; what is raised is given back, as perhaps nobody waits for it any more."""
        loop = asyncio.get_running_loop()
        try:
            loaded = await loop.run_in_executor(
                self._threads, self._source.load_role, snapshot, key[1]
            )
        except TrustListError as error:
            self._failures.failed(key, error)
            return error
        except Exception as error:  # noqa: BLE001  # told to whoever waits
            return error
        self._failures.succeeded(key)
        for role in loaded.roles.values():
            self._found(snapshot, role)
        return None
