"""Keep a set of modules in step with upstream: bring what is missing, and tell what has changed.

Nothing that upstream does takes a module away, or puts another in its place.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

from hubproxy.core.fetching import Probed
from hubproxy.core.handle import Handle
from hubproxy.core.record import Record
from hubproxy.errors import HubproxyError, MismatchError, UpstreamNotFoundError
from hubproxy.service.ports import Receiving
from hubproxy.service.transfer import Transfers

State = Literal["brought", "in step", "gone", "changed", "failed"]
"""`gone`: it is here, and upstream has it no longer. `changed`: upstream's bytes are not those of
the record."""


class Probing(Protocol):
    """An upstream that tells what it has without sending it."""

    async def probe(self, exact: Handle, validator: str) -> Probed: ...


class Kept(Protocol):
    """What has come of modules whose transfer was cut short."""

    def size(self, exact: Handle) -> int: ...

    def validator(self, exact: Handle) -> str: ...

    def forget(self, exact: Handle) -> None: ...


class Arrivals(Protocol):
    """Where modules are received."""

    def has(self, record: Record) -> bool: ...

    def drop(self, record: Record) -> None: ...

    def receive(
        self, record: Record, verified: Callable[[int], None]
    ) -> AbstractAsyncContextManager[Receiving]: ...


class Memory(Protocol):
    """What upstream's archive was known by when it was compared last."""

    def validator(self, record: Record) -> str: ...

    def remember(self, record: Record, validator: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Goal:
    """A module that is to be here.

    Args:
        here: whether it is in the store.
    """

    record: Record
    here: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one module."""

    record: Record
    state: State
    code: str = ""
    reason: str = ""
    remedy: str = ""


class Mirror:
    """Brings modules, several at once.

    Args:
        probing: hub -> its upstream.
        settled: told each outcome; what was brought lies in `arrivals` until it is taken over.
        at_once: modules that are looked after at the same time.
    """

    def __init__(
        self,
        *,
        transfers: Transfers,
        probing: Mapping[str, Probing],
        kept: Mapping[str, Kept],
        arrivals: Arrivals,
        memory: Memory,
        settled: Callable[[Outcome], Awaitable[None]],
        at_once: int,
    ) -> None:
        self._transfers, self._probing, self._kept = transfers, probing, kept
        self._arrivals, self._memory, self._settled = arrivals, memory, settled
        self._turns = asyncio.Semaphore(at_once)

    async def sync(self, goals: Sequence[Goal]) -> list[Outcome]:
        """Bring what is not here, and ask upstream about what is.

        Returns:
            What came of each, in the order of `goals`.
        """
        tasks: list[asyncio.Task[Outcome]] = []
        async with asyncio.TaskGroup() as group:
            tasks += (group.create_task(self._one(goal)) for goal in goals)
        return [task.result() for task in tasks]

    async def _one(self, goal: Goal) -> Outcome:
        async with self._turns:
            try:
                work = self._compare if goal.here else self._bring
                outcome = await work(goal.record)
            except MismatchError as error:
                outcome = _told(goal.record, "changed", error, "UPSTREAM_CHANGED")
            except HubproxyError as error:
                outcome = _told(goal.record, "failed", error, error.code)
            await self._settled(outcome)
            return outcome

    async def _bring(self, record: Record) -> Outcome:
        async def anywhere(receiving: Receiving) -> None:
            if not await receiving.from_draft():
                await self._transfers.read(record.exact, receiving)

        if not self._arrivals.has(record):
            await self._receive(record, anywhere)
        return Outcome(record, "brought")

    async def _compare(self, record: Record) -> Outcome:
        """Whether upstream still has what is here; by its bytes, where it may not be."""
        known = self._memory.validator(record)
        try:
            self._transfers.upstream(record.exact.hub)
            probed = await self._probing[record.exact.hub].probe(record.exact, known)
        except UpstreamNotFoundError as error:
            return _told(record, "gone", error, "UPSTREAM_GONE")
        if not probed.same:
            # Without a validator from before, an archive of the same length counts as the same.
            if known or probed.length not in (None, record.origin.size):
                await self._receive(record, partial(self._transfers.read, record.exact))
                self._arrivals.drop(record)
            self._memory.remember(record, probed.validator)
        return Outcome(record, "in step")

    async def _receive(
        self, record: Record, read: Callable[[Receiving], Awaitable[object]]
    ) -> None:
        exact = record.exact
        self._transfers.upstream(exact.hub)
        kept = self._kept[exact.hub]
        while True:
            begun_before = kept.size(exact) > 0
            try:
                async with (
                    self._transfers.turn(),
                    self._arrivals.receive(record, lambda _: None) as receiving,
                ):
                    await read(receiving)
            except MismatchError:
                # What was kept of an earlier transfer may be what is wrong: once more without.
                kept.forget(exact)
                if begun_before:
                    continue
                raise
            self._memory.remember(record, kept.validator(exact))
            kept.forget(exact)
            return


def _told(record: Record, state: State, error: HubproxyError, code: str) -> Outcome:
    return Outcome(record, state, code, str(error), error.remedy)
