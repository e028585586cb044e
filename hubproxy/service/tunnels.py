"""What the audit log is told of the forward port's other connections."""

import asyncio
from collections.abc import Coroutine
from time import monotonic
from typing import Any
from uuid import uuid4

from hubproxy.errors import AuditUnavailableError, HubproxyError
from hubproxy.service.recording import Entry, Recorder


class Tunnels:
    """Puts on record whom somebody wanted to reach through the proxy, and what came of it.

    Args:
        recorder: writes the events.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._writing: set[asyncio.Task[None]] = set()

    async def opened(self, authority: str, caller: str) -> Entry:
        """Have it accepted that a tunnel is opened, before a byte passes.

        Raises:
            AuditUnavailableError: it was not, so the tunnel must not be opened.
        """
        entry = _entry(authority, caller)
        await self._recorder.write(entry, event="tunnel", outcome="served", status=200)
        return entry

    def closed(self, entry: Entry, size: int) -> None:
        """Put on record how much has passed a tunnel, in both directions together."""

        async def write() -> None:
            try:
                await self._recorder.write(
                    entry, event="tunnel-closed", outcome="served", size=size
                )
            except AuditUnavailableError:
                return  # the log has said so itself, and nothing is served by this

        self._keep(write())

    async def refused(self, authority: str, caller: str, error: HubproxyError) -> None:
        """Put on record that somebody was not let through; also when he does not wait for it.

        Raises:
            AuditUnavailableError: it was not recorded.
        """
        await asyncio.shield(
            self._keep(
                self._recorder.write(
                    _entry(authority, caller),
                    event="tunnel",
                    outcome="refused" if error.status < 500 else "failed",
                    status=error.status,
                    code=error.code,
                    reason=str(error),
                )
            )
        )

    async def settled(self) -> None:
        """Wait until all that was to be written is written."""
        if self._writing:
            await asyncio.wait(self._writing)

    def _keep(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        return task


def _entry(authority: str, caller: str) -> Entry:
    return Entry(uuid4().hex, caller, authority, monotonic())
