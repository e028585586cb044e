"""Taking in what was staged: on record first, then the archives and their names, then the list.

What waits is taken in before anybody is served, so a process that is killed in the middle leaves
nothing by half that a client could see.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

from hubproxy.core.audit import AuditEvent, timestamp
from hubproxy.core.record import Record
from hubproxy.core.staged import Ready
from hubproxy.errors import HubproxyError
from hubproxy.logs import event
from hubproxy.service.ports import AuditLog

_AT_ONCE = 256


class Batch(Protocol):
    """One batch that is ready. Every method waits for the disk."""

    async def open(self) -> tuple[Ready, Sequence[Record]]:
        """What it is, and the records of the modules that it brings."""
        ...

    async def take(self, records: Sequence[Record]) -> None:
        """Move its archives into the store, name them, and publish its list.

        Raises:
            StorageFullError: there is no room for all of it; nothing was taken.
        """
        ...


class Adopting:
    """Takes batches in. For the owner of the data folder.

    Args:
        waiting: those that are ready.
        clock: stamps events.
    """

    def __init__(
        self,
        waiting: Callable[[], Sequence[Batch]],
        audit: AuditLog,
        clock: Callable[[], datetime],
    ) -> None:
        self._waiting, self._audit, self._clock = waiting, audit, clock

    async def adopt(self) -> list[HubproxyError]:
        """Take in everything that waits.

        Returns:
            Why batches could not be taken in; they go on waiting.
        """
        errors: list[HubproxyError] = []
        for batch in await asyncio.to_thread(self._waiting):
            try:
                ready, records = await batch.open()
                await self._record(ready, records)
                await batch.take(records)
            except HubproxyError as error:
                event("adopt.failed", logging.ERROR, code=error.code, reason=error)
                errors.append(error)
            else:
                event("adopt.done", event=ready.event, modules=len(records))
        return errors

    async def _record(self, ready: Ready, records: Sequence[Record]) -> None:
        size = sum(record.archive.size for record in records)
        await self._append(ready, ready.id, reason=ready.reason, bytes=size)
        fields: list[dict[str, Any]] = [
            {
                "handle": record.handle,
                "format": record.format,
                "record": str(record.descriptor.digest),
                "archive": record.archive.digest,
                "bytes": record.archive.size,
            }
            for record in records
        ]
        fields += [
            {"handle": told.handle, "code": told.code, "reason": told.reason} for told in ready.told
        ]
        for start in range(0, len(fields), _AT_ONCE):
            some = enumerate(fields[start : start + _AT_ONCE], start)
            await asyncio.gather(
                *(self._append(ready, f"{ready.id}.{number}", **one) for number, one in some)
            )

    async def _append(self, ready: Ready, unique: str, **fields: Any) -> None:
        # What a crash has written twice has one id, and so is one event.
        await self._audit.append(
            AuditEvent(
                id=unique,
                time=timestamp(self._clock()),
                event=ready.event,
                caller=ready.caller,
                **fields,
            )
        )
