"""The records that the list names: from memory, the store, or the list's source."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

from hubproxy.core.digest import Descriptor, Digest
from hubproxy.core.record import Record
from hubproxy.core.trust import Listed
from hubproxy.errors import HubproxyError, TrustListError
from hubproxy.logs import event
from hubproxy.service.beside import Beside
from hubproxy.service.failures import NegativeCache
from hubproxy.service.ports import Modules, TrustSource

_IN_MEMORY = 16 * 1024 * 1024


class Records:
    """Reads each record once, however many ask for it at the same time.

    The source is asked in threads of its own: one that hangs holds up nothing that is stored.

    Args:
        memory: bytes of records that are kept at hand; the least recently used go first.
        threads: that may wait for the source at the same time.
    """

    def __init__(
        self,
        source: TrustSource,
        modules: Modules,
        *,
        memory: int = _IN_MEMORY,
        threads: int = 4,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._source, self._modules, self._memory = source, modules, memory
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="records")
        self._failures = NegativeCache(clock)
        self.beside = Beside(modules)
        self._known: OrderedDict[Digest, tuple[Record, int]] = OrderedDict()
        self._reading: dict[Digest, asyncio.Task[Record]] = {}
        self._size = 0

    async def close(self) -> None:
        """Give up what is being read, and wait for the threads."""
        for task in self._reading.values():
            task.cancel()
        await asyncio.gather(*self._reading.values(), return_exceptions=True)
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)

    async def get(self, listed: Listed) -> Record:
        """The record that the list names.

        Raises:
            TrustListError: it cannot be had, or is not what the list says.
        """
        digest = listed.record.digest
        known = self._known.get(digest)
        if known is not None:
            self._known.move_to_end(digest)
            return known[0]
        task = self._reading.get(digest)
        if task is None:
            task = self._reading[digest] = asyncio.create_task(self._read(listed))
            task.add_done_callback(lambda _: self._reading.pop(digest, None))
        # Shielded: who hangs up must not take the record away from the others.
        return await asyncio.shield(task)

    async def _read(self, listed: Listed) -> Record:
        text = await self._modules.read_record(listed.record)
        if text is None:
            text = await self._fetch(listed.record)
            await self._keep(listed, text)
        try:
            record = await asyncio.to_thread(Record.decode, text)
        except ValueError as error:
            raise TrustListError(
                "HP-T09",
                f"the record of {listed.exact} cannot be read: {error}",
                remedy="Ask a trust officer to approve the module again.",
            ) from error
        self.beside.note(text)
        self._remember(listed.record.digest, record, len(text))
        return record

    async def _fetch(self, wanted: Descriptor) -> bytes:
        """Ask the source for a record; what failed a moment ago is not tried again at once."""
        self._failures.check(wanted.digest)
        loop = asyncio.get_running_loop()
        try:
            text = await loop.run_in_executor(self._threads, self._source.fetch_record, wanted)
        except TrustListError as error:
            self._failures.failed(wanted.digest, error)
            raise
        self._failures.succeeded(wanted.digest)
        return text

    async def _keep(self, listed: Listed, text: bytes) -> None:
        try:
            await self._modules.keep_record(text)
        except HubproxyError as error:
            # It is verified: a full disk must not keep what is stored from being served.
            event("record.not_kept", level=logging.WARNING, handle=listed.exact, reason=error)

    def _remember(self, digest: Digest, record: Record, size: int) -> None:
        self._known[digest] = record, size
        self._size += size
        while self._size > self._memory and len(self._known) > 1:
            _, (_, dropped) = self._known.popitem(last=False)
            self._size -= dropped
