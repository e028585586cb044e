"""Serve one request: resolve -> admit -> judge -> find -> [ fetch -> check -> commit ] -> record.

There is no other way to a blob. Whoever wants bytes gets a `Pulled`, and must have the
answer accepted by the audit log to open it.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Literal
from uuid import uuid4

from hubproxy.core.audit import AuditEvent, Outcome, timestamp
from hubproxy.core.handle import Handle
from hubproxy.core.record import Format, Record
from hubproxy.core.trust import Listed, Mode, Verdict, judge, unlisted
from hubproxy.errors import (
    DeniedError,
    HubproxyError,
    MismatchError,
    StorageFailedError,
    TrustListError,
)
from hubproxy.service.fetch import fetch_first, fetch_known
from hubproxy.service.flights import Flights
from hubproxy.service.growth import Growth
from hubproxy.service.ports import AuditLog, Modules
from hubproxy.service.transfer import Transfers
from hubproxy.service.trusted import TrustKeeper


@dataclass(slots=True)
class Entry:
    """What the audit log will say of a request, as far as it is known."""

    id: str
    caller: str
    asked: str
    started: float
    exact: str = ""
    record: Record | None = None
    record_digest: str = ""
    cache: Literal["hit", "miss", ""] = ""


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes that may be sent: an open file, and how far it may be read while it grows."""

    descriptor: int
    growth: Growth | None


@dataclass(frozen=True, slots=True)
class Admitted:
    """A module that the mode lets in, and whether officers have signed its record."""

    listed: Listed
    reviewed: bool


@dataclass(slots=True)
class Pulled:
    """A module that may be served. Its bytes are had by `accept` alone."""

    record: Record
    entry: Entry
    reviewed: bool
    _cache: "PullThrough"
    _body: Body

    @property
    def growing(self) -> bool:
        """Whether bytes are still to be verified, so that an answer must not look complete."""
        growth = self._body.growth
        return growth is not None and growth.verified < self.record.archive.size

    async def reach(self, offset: int) -> None:
        """Wait until the byte at `offset` of the archive is verified.

        Raises:
            HubproxyError: it never will be.
        """
        if self._body.growth is not None:
            await self._body.growth.reach(offset)

    async def whole(self) -> None:
        """Wait until every byte is verified, for a client that cannot be told otherwise.

        Raises:
            HubproxyError: they never will be.
        """
        await self.reach(self.record.archive.size - 1)

    async def accept(self, *, status: int, size: int, outcome: Outcome = "served") -> Body:
        """Put the answer on record, and get the bytes for it.

        Args:
            status: of the answer.
            size: bytes the answer's body will have.
            outcome: `served`, or `not-modified`.

        Raises:
            AuditUnavailableError: the answer cannot be recorded, so it must not be given.
        """
        await self._cache.write(self.entry, outcome=outcome, status=status, size=size)
        return self._body

    async def aborted(self, *, sent: int, reason: str) -> None:
        """Put on record that the answer ended early."""
        await self._cache.write(
            self.entry, event="aborted", outcome="aborted", size=sent, reason=reason
        )


class PullThrough:
    """Serves modules from the store, and brings in what the trust list names.

    Args:
        clock: the time, timezone-aware UTC.

    """

    def __init__(
        self,
        *,
        trust: TrustKeeper,
        modules: Modules,
        transfers: Transfers,
        flights: Flights,
        audit: AuditLog,
        mode: Mode,
        clock: Callable[[], datetime],
    ) -> None:
        self._trust, self._modules, self._transfers = trust, modules, transfers
        self._flights, self._audit = flights, audit
        self._mode, self._clock = mode, clock

    @asynccontextmanager
    async def pull(
        self, handle: Handle, formats: tuple[Format, ...], *, caller: str
    ) -> AsyncIterator[Pulled]:
        """Find or fetch a module that may be served, and keep it while it is sent.

        Raises:
            HubproxyError: it may not, or cannot, be served; this is on record already.
        """
        async with AsyncExitStack() as held:
            async with self._recorded(handle, caller) as entry:
                admitted = await self._admit(handle, formats, entry)
                record = await self._judge(admitted, entry)
                held.enter_context(self._modules.reading(record))
                body = await self._find(record, entry, reviewed=admitted.reviewed)
                held.callback(os.close, body.descriptor)
                await self._admit_again(admitted, formats, entry)
            yield Pulled(record, entry, admitted.reviewed, self, body)

    @asynccontextmanager
    async def look(
        self, handle: Handle, formats: tuple[Format, ...], *, caller: str
    ) -> AsyncIterator[Pulled]:
        """As `pull`, for a client that wants no bytes: nothing is fetched for it.

        Raises:
            HubproxyError: the module may not be served; this is on record already.
        """
        async with self._recorded(handle, caller) as entry:
            admitted = await self._admit(handle, formats, entry)
            record = await self._judge(admitted, entry)
            opened = self._modules.open(record)
            if opened is not None:
                os.close(opened[0])
            entry.cache = "miss" if opened is None else "hit"
        yield Pulled(record, entry, admitted.reviewed, self, Body(-1, None))

    async def write(
        self,
        entry: Entry,
        *,
        event: str = "answer",
        outcome: Outcome,
        status: int = 0,
        size: int = 0,
        code: str = "",
        reason: str = "",
    ) -> None:
        """Have an event accepted by the audit log.

        Raises:
            AuditUnavailableError: it was not.
        """
        record = entry.record
        await self._audit.append(
            AuditEvent(
                id=entry.id,
                time=timestamp(self._clock()),
                event=event,
                caller=entry.caller,
                handle=entry.exact or entry.asked,
                format=record.format if record else "",
                record=entry.record_digest,
                archive=record.archive.digest if record else "",
                outcome=outcome,
                code=code,
                reason=reason,
                status=status,
                cache=entry.cache,
                bytes=size,
                ms=round((monotonic() - entry.started) * 1000),
                trust=str(self._trust.versions),
            )
        )

    @asynccontextmanager
    async def _recorded(self, handle: Handle, caller: str) -> AsyncIterator[Entry]:
        """Put a refusal on record before it is told."""
        entry = Entry(uuid4().hex, caller, str(handle), monotonic())
        try:
            yield entry
        except HubproxyError as error:
            await self.write(
                entry,
                outcome="refused" if error.status < 500 else "failed",
                status=error.status,
                code=error.code,
                reason=str(error),
            )
            raise

    async def _admit(self, handle: Handle, formats: tuple[Format, ...], entry: Entry) -> Admitted:
        """What the list says the handle is; or what first use has pinned, in that mode."""
        self._transfers.upstream(handle.hub)
        snapshot = self._trust.snapshot()
        exact = snapshot.exact(handle)
        entry.exact = str(exact)
        listed, reviewed = snapshot.find(exact, formats), True
        if listed is None:
            if self._mode != "first-use" or exact.version is None:
                raise _denied(unlisted(handle, snapshot.versions))
            listed, reviewed = await self._first_use(exact, formats), False
        entry.record_digest = str(listed.record.digest)
        return Admitted(listed, reviewed)

    async def _first_use(self, exact: Handle, formats: tuple[Format, ...]) -> Listed:
        pinned = self._modules.pin(exact, formats)
        if pinned is None:
            growth, _ = self._flights.join(exact, 1, lambda _: self._pin(exact))
            await growth.whole()
            pinned = self._modules.pin(exact, formats)
        if pinned is None:
            raise DeniedError(
                "HP-T05", 502, f"{exact} is not a module of a format that was asked for"
            )
        text = await self._modules.read_record(pinned)
        if text is None:
            raise StorageFailedError(
                f"the record that first use pinned {exact} to is gone",
                remedy=f"Ask a trust officer: `hubproxy trust approve {exact}`",
            )
        return Listed(exact, Record.decode(text).format, pinned)

    async def _pin(self, exact: Handle) -> None:
        await fetch_first(
            exact,
            transfers=self._transfers,
            into=self._modules,
            decided_at=timestamp(self._clock()),
        )

    async def _judge(self, admitted: Admitted, entry: Entry) -> Record:
        listed = admitted.listed
        record = entry.record = await self._trust.record(listed)
        verdict = judge(record, listed)
        if verdict is not None:
            raise _denied(verdict)
        return record

    async def _admit_again(
        self, before: Admitted, formats: tuple[Format, ...], entry: Entry
    ) -> None:
        """The list may have changed while the module was fetched."""
        exact = before.listed.exact
        if await self._admit(exact, formats, entry) != before:
            raise TrustListError(
                "HP-T01",
                f"the trust list changed while {exact} was fetched",
                remedy="Ask again: the new record is in force.",
            )

    async def _find(self, record: Record, entry: Entry, *, reviewed: bool) -> Body:
        """The archive, whole or growing, with its first chunk verified."""
        for _ in range(3):
            opened = self._modules.open(record)
            if opened is not None and opened[1]:
                entry.cache = entry.cache or "hit"
                return Body(opened[0], None)
            if opened is not None:
                os.close(opened[0])
            cache: Literal["hit", "miss"] = "hit" if opened else "miss"
            job = self._prove if opened else self._fetch
            growth, _ = self._flights.join(
                (record.descriptor.digest, cache),
                record.archive.size,
                lambda growth, job=job: job(record, growth),  # type: ignore[misc]  # bound now
            )
            entry.cache = cache
            try:
                await growth.reach(0)
            except MismatchError as error:
                if cache == "hit":
                    continue  # It was damaged and is in quarantine: fetch it anew.
                if not reviewed:
                    raise _pinned(record, error) from error
                raise
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


def _denied(verdict: Verdict) -> DeniedError:
    return DeniedError(verdict.code, verdict.status, verdict.message, remedy=verdict.remedy)


def _pinned(record: Record, error: MismatchError) -> DeniedError:
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
