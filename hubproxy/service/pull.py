"""Serve one request: resolve -> admit -> judge -> find -> [ fetch -> check -> commit ] -> record.

There is no other way to a blob. Whoever wants bytes gets a `Pulled`, and must have the
answer accepted by the audit log to open it.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Literal

from hubproxy.core.audit import Outcome
from hubproxy.core.handle import Handle
from hubproxy.core.record import Format, Record
from hubproxy.errors import DeniedError, HubproxyError, MismatchError, StorageFailedError
from hubproxy.service.admission import Admission, Admitted
from hubproxy.service.fetch import fetch_known
from hubproxy.service.flights import Flights
from hubproxy.service.growth import Growth
from hubproxy.service.ports import Modules
from hubproxy.service.recording import Entry, Recorder
from hubproxy.service.transfer import Transfers


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes that may be sent: an open file, and how far it may be read while it grows."""

    descriptor: int
    growth: Growth | None


@dataclass(frozen=True, slots=True)
class Pulled:
    """A module that may be served. Its bytes are had by `accept` alone."""

    record: Record
    entry: Entry
    reviewed: bool
    _recorder: Recorder
    _again: Callable[[], Awaitable[None]]
    _body: Body

    @property
    def growing(self) -> bool:
        """Whether bytes are still to be verified, so that an answer must not look complete."""
        growth = self._body.growth
        return growth is not None and growth.verified < self.record.archive.size

    async def ready(self, offset: int) -> None:
        """Wait until the byte at `offset` of the archive is verified, and may still be served.

        Raises:
            HubproxyError: it never will be, or may not be any more; this is on record already.
        """
        async with self._recorder.refusals(self.entry):
            if self._body.growth is not None:
                try:
                    await self._body.growth.reach(offset)
                except MismatchError as error:
                    raise self.explained(error) from error
            await self._again()

    def explained(self, error: HubproxyError) -> HubproxyError:
        """What a failed check means: of bytes that first use had pinned, something else."""
        return _explained(error, self.record, reviewed=self.reviewed)

    async def refuse(self, error: HubproxyError) -> None:
        """Put on record that the request cannot be answered as it was made."""
        await self._recorder.refuse(self.entry, error)

    async def accept(self, *, status: int, size: int, outcome: Outcome = "served") -> Body:
        """Put the answer on record, and get the bytes for it.

        Args:
            status: of the answer.
            size: bytes the answer's body will have.
            outcome: `served`, or `not-modified`.

        Raises:
            AuditUnavailableError: the answer cannot be recorded, so it must not be given.
        """
        warnings = self.entry.warnings
        await self._recorder.write(
            self.entry,
            outcome=outcome,
            status=status,
            size=size,
            code=warnings[0].code if warnings else "",
            reason="; ".join(warning.message for warning in warnings),
        )
        return self._body

    async def aborted(self, *, sent: int, reason: str, code: str = "") -> None:
        """Put on record that the answer ended early, after `sent` bytes of its body."""
        await self._recorder.write(
            self.entry, event="aborted", outcome="aborted", size=sent, reason=reason, code=code
        )


class PullThrough:
    """Serves modules from the store, and brings in what may be served."""

    def __init__(
        self,
        *,
        admission: Admission,
        modules: Modules,
        transfers: Transfers,
        flights: Flights,
        recorder: Recorder,
    ) -> None:
        self._admission, self._modules, self._transfers = admission, modules, transfers
        self._flights, self._recorder = flights, recorder

    @asynccontextmanager
    async def pull(
        self, handle: Handle, formats: tuple[Format, ...], *, caller: str
    ) -> AsyncIterator[Pulled]:
        """Find or fetch a module that may be served, and keep it while it is sent.

        Raises:
            HubproxyError: it may not, or cannot, be served; this is on record already.
        """
        async with AsyncExitStack() as held:
            async with self._recorder.recorded(handle, caller) as entry:
                admitted = await self._admission.admit(handle, formats, entry)
                record = await self._admission.judge(admitted, entry)
                held.enter_context(self._modules.reading(record))
                body = await self._find(admitted, record, entry)
                held.callback(os.close, body.descriptor)

                async def again() -> None:
                    await self._admission.again(admitted, formats, entry)

                await again()
            yield Pulled(record, entry, admitted.reviewed, self._recorder, again, body)

    @asynccontextmanager
    async def look(
        self, handle: Handle, formats: tuple[Format, ...], *, caller: str
    ) -> AsyncIterator[Pulled]:
        """As `pull`, for a client that wants no bytes: nothing is fetched for it.

        Raises:
            HubproxyError: the module may not be served; this is on record already.
        """
        async with self._recorder.recorded(handle, caller) as entry:
            admitted = await self._admission.known(handle, formats, entry)
            record = await self._admission.judge(admitted, entry)
            opened = self._modules.open(record)
            if opened is None:
                self._admission.fetching(admitted)
            else:
                os.close(opened[0])
            entry.cache = "miss" if opened is None else "hit"
        yield Pulled(record, entry, admitted.reviewed, self._recorder, _nothing, Body(-1, None))

    async def _find(self, admitted: Admitted, record: Record, entry: Entry) -> Body:
        """The archive, whole or growing, with its first chunk verified."""
        for _ in range(3):
            opened = self._modules.open(record)
            if opened is not None and opened[1]:
                entry.cache = entry.cache or "hit"
                return Body(opened[0], None)
            if opened is None:
                self._admission.fetching(admitted)
            else:
                os.close(opened[0])
            cache: Literal["hit", "miss"] = "hit" if opened else "miss"
            job = self._prove if opened else self._fetch
            key = (record.descriptor.digest, cache)
            entry.cache = cache
            try:
                growth, _ = self._flights.join(
                    key,
                    record.archive.size,
                    lambda growth, job=job: job(record, growth),  # type: ignore[misc]  # bound now
                )
                await growth.reach(0)
            except MismatchError as error:
                if cache == "hit":
                    # It was damaged and is in quarantine: fetch it anew.
                    self._flights.forget(key)
                    continue
                raise _explained(error, record, reviewed=admitted.reviewed) from error
            descriptor = growth.open()
            if descriptor is not None:
                return Body(descriptor, growth)
            await growth.whole()
        raise StorageFailedError(
            f"{record.handle} was brought into the store but cannot be opened",
            remedy="Run `hubproxy fsck`; another program may be changing the data folder.",
        )

    async def _fetch(self, record: Record, growth: Growth) -> None:
        await fetch_known(record, growth, transfers=self._transfers, modules=self._modules)

    async def _prove(self, record: Record, growth: Growth) -> None:
        """Read an archive found on disk, before its first byte leaves in this process."""
        opened = self._modules.open(record)
        if opened is None:
            raise MismatchError(f"the archive of {record.handle} has gone from the store")
        with _closing(opened[0]), growth.written(opened[0]):
            await self._modules.prove(record, opened[0], growth.advance)


async def _nothing() -> None:
    """What is only looked at is not waited for."""


def _explained(error: HubproxyError, record: Record, *, reviewed: bool) -> HubproxyError:
    if reviewed or not isinstance(error, MismatchError):
        return error
    return DeniedError(
        "HP-T11",
        502,
        f"first use on {record.decided_at[:10]} pinned {record.handle} to other bytes: {error}",
        remedy=f"Ask a trust officer to look, then `hubproxy trust approve {record.handle}`",
    )


@contextmanager
def _closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)
