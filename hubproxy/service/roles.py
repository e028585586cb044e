"""Reading the teams' roles of the list: each once, however many ask for it."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import monotonic

from hubproxy.core.trust import Versions
from hubproxy.core.trustlist import TOP, Delegation, Role, TrustSnapshot
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

    async def read_each(
        self, snapshot: TrustSnapshot, names: Iterable[str], *, seconds: float
    ) -> TrustListError | None:
        """Have several roles read; tells why one could not be, at the latest after `seconds`."""
        reading = (self.read(snapshot, name) for name in sorted(names))
        try:
            answers = await asyncio.wait_for(
                asyncio.gather(*reading, return_exceptions=True), seconds
            )
        except TimeoutError:
            return TrustListError("TRUST_UNREACHABLE", f"no answer within {seconds:.1f} s")
        error = next((error for error in answers if error is not None), None)
        if error is None or isinstance(error, TrustListError):
            return error
        return TrustListError("TRUST_UNREACHABLE", f"a role could not be read: {error!r}")

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
            if snapshot.roles.get(role.name) is not role:
                self._found(snapshot, role)
        return None


def lend(fresh: TrustSnapshot, before: TrustSnapshot) -> tuple[TrustSnapshot, set[str]]:
    """A new list with roles of the one before where its own were not read yet; and which these are.

    So who keeps a team's file back has no more power than who keeps the whole list back: what the
    team listed is good for as long as the list that said so last. A role whose keys have changed
    is not lent: perhaps they were stolen. Nor is one that a team delegates to.
    """
    lent = set()
    for now in fresh.roles[TOP].delegations:
        was, role = before.delegation(now.role), before.roles.get(now.role)
        if role is None or now.role in fresh.roles or not signed_alike(was, now):
            continue
        fresh = fresh.with_role(replace(role, expires=min(role.expires, before.expires)))
        lent.add(now.role)
    return fresh, lent


def take_back(snapshot: TrustSnapshot) -> TrustSnapshot:
    """The list without the roles that teams delegate to: they were read by what a team has lent."""
    kept = {TOP, *(one.role for one in snapshot.roles[TOP].delegations)}
    roles = {name: role for name, role in snapshot.roles.items() if name in kept}
    return replace(snapshot, roles=roles)


def signed_alike(was: Delegation | None, now: Delegation | None) -> bool:
    """Whether a role that was good by the one delegation is so by the other."""
    return was is not None and now is not None and was.signed_alike(now)
