"""What the audit log is told of each request."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Literal
from uuid import uuid4

from hubproxy.core.audit import AuditEvent, Outcome, timestamp
from hubproxy.core.handle import Handle
from hubproxy.core.record import Record
from hubproxy.core.trust import Verdict, Versions
from hubproxy.errors import HubproxyError
from hubproxy.service.ports import AuditLog


@dataclass(slots=True)
class Entry:
    """A request, as far as it is known; `warnings` go with an answer that is given all the same."""

    id: str
    caller: str
    asked: str
    started: float
    exact: str = ""
    record: Record | None = None
    record_digest: str = ""
    cache: Literal["hit", "miss", ""] = ""
    warnings: tuple[Verdict, ...] = ()


class Recorder:
    """Writes events.

    Args:
        audit: where they are accepted.
        versions: of the trust list in force.
        clock: the time, timezone-aware UTC.
    """

    def __init__(
        self, audit: AuditLog, versions: Callable[[], Versions], clock: Callable[[], datetime]
    ) -> None:
        self._audit, self._versions, self._clock = audit, versions, clock

    @asynccontextmanager
    async def recorded(self, handle: Handle, caller: str) -> AsyncIterator[Entry]:
        """Begin a request. A refusal inside is on record before it goes on."""
        entry = Entry(uuid4().hex, caller, str(handle), monotonic())
        async with self.refusals(entry):
            yield entry

    @asynccontextmanager
    async def refusals(self, entry: Entry) -> AsyncIterator[None]:
        """Put a refusal inside on record before it goes on; also one that nobody foresaw."""
        try:
            yield
        except HubproxyError as error:
            await self.refuse(entry, error)
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            await self.write(entry, outcome="failed", status=500, code="INTERNAL", reason=reason)
            raise

    async def refuse(self, entry: Entry, error: HubproxyError) -> None:
        """Have a refusal accepted by the audit log.

        Raises:
            AuditUnavailableError: it was not.
        """
        await self.write(
            entry,
            outcome="refused" if error.status < 500 else "failed",
            status=error.status,
            code=error.code,
            reason=str(error),
        )

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
                trust=str(self._versions()),
            )
        )
