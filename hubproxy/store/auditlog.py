"""The audit log: an event is accepted when its line has been written and fsynced.

One thread writes. Whatever is queued while a flush is under way goes into the next one, so that
all of it shares the cost of one flush.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Self
from uuid import uuid4

from hubproxy import logs
from hubproxy.core.audit import AuditEvent, timestamp
from hubproxy.errors import AuditUnavailableError
from hubproxy.store.auditread import read
from hubproxy.store.auditsegments import Segments

__all__ = ["AuditLog", "read"]

_REMEDY = "Free space on the disk of the audit folder, or mend it: nothing is served until then."


class _Queued(NamedTuple):
    line: bytes
    accepted: asyncio.Future[None]


class AuditLog:
    """Appends events. An async context manager; `close` loses nothing that was queued.

    Args:
        folder: made if missing. One process at a time may write there.
        segment_bytes: a segment that would grow beyond this is followed by a new one.
        wait_seconds: how long an event waits for room in the queue.
        queue_length: events that may wait for the disk.
        ballast_bytes: of a file that is given up when the disk is full.
        now: the time of the events that the log itself writes.
    """

    def __init__(
        self,
        folder: Path,
        *,
        segment_bytes: int = 64 * 1024 * 1024,
        wait_seconds: float = 1.0,
        queue_length: int = 8192,
        ballast_bytes: int = 8 * 1024 * 1024,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._segments = Segments(folder, segment_bytes=segment_bytes, ballast_bytes=ballast_bytes)
        self._wait_seconds = wait_seconds
        self._room = asyncio.Semaphore(queue_length)
        self._queue: queue.SimpleQueue[_Queued | None] = queue.SimpleQueue()
        self._now = now
        self._thread: threading.Thread | None = None
        self._failure = ""

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def failure(self) -> str:
        """Why the last write failed, or empty when it did not: for the health check."""
        return self._failure

    async def open(self) -> None:
        """Cut what a crash left unfinished, say so in the log, and accept events.

        Raises:
            AuditUnavailableError: the folder cannot be used.
        """
        try:
            await asyncio.to_thread(self._recover)
        except OSError as error:
            raise AuditUnavailableError(
                f"the audit log cannot be opened: {_reason(error)}", remedy=_REMEDY
            ) from error
        # A daemon, as a process that forgot to close must still be able to end.
        self._thread = threading.Thread(target=self._write, name="audit", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Write what is queued, and stop. Fine when it was never opened."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(thread.join)
            self._segments.close()

    async def append(self, event: AuditEvent) -> None:
        """Write one event; on return it is on disk.

        A caller that is cancelled while its event is queued leaves it there: it is written.

        Raises:
            AuditUnavailableError: it was not written, and will not be.
        """
        line = event.encode()
        if self._room.locked():
            await self._wait_for_room()
        else:
            await self._room.acquire()
        if self._thread is None:
            self._room.release()
            raise AuditUnavailableError("the audit log is closed", remedy="Ask again later.")
        accepted = asyncio.get_running_loop().create_future()
        self._queue.put(_Queued(line, accepted))
        await accepted

    async def _wait_for_room(self) -> None:
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._room.acquire()
        except TimeoutError:
            raise AuditUnavailableError(
                "the audit log does not keep up: its queue is full", remedy=_REMEDY
            ) from None

    def _recover(self) -> None:
        cut = self._segments.open()
        if cut:
            recovered = AuditEvent(
                id=uuid4().hex,
                time=timestamp(self._now()),
                event="recovered",
                reason=f"{cut} bytes were cut off the end, from the first that were no whole event",
                bytes=cut,
            )
            self._segments.owe(recovered.encode())
            with suppress(OSError):  # then it goes before the first event
                self._segments.append(b"")

    def _write(self) -> None:
        """What the thread does: one write and one flush for all that is queued."""
        more = True
        while more:
            batch = [self._queue.get()]
            with suppress(queue.Empty):
                while True:
                    batch.append(self._queue.get_nowait())
            more = batch[-1] is not None
            waiting = [queued for queued in batch if queued is not None]
            failure = ""
            try:
                self._segments.append(b"".join(queued.line for queued in waiting))
            except Exception as error:  # noqa: BLE001  # nobody may wait for this thread for ever
                failure = _reason(error)
                logs.event("audit.failed", logging.ERROR, error=failure, events=len(waiting))
            if waiting:
                loop = waiting[0].accepted.get_loop()
                with suppress(RuntimeError):  # the loop is gone, and with it whoever waited
                    loop.call_soon_threadsafe(self._settle, waiting, failure)
            self._segments.keep_ballast()

    def _settle(self, batch: list[_Queued], failure: str) -> None:
        self._failure = failure
        for _, accepted in batch:
            self._room.release()
            if accepted.done():  # whoever waited was cancelled
                continue
            if failure:
                accepted.set_exception(
                    AuditUnavailableError(
                        f"the audit log cannot be written: {failure}", remedy=_REMEDY
                    )
                )
            else:
                accepted.set_result(None)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
