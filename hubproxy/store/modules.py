"""Modules on disk: archives with their records and names, as the use cases ask for them."""

import asyncio
import hashlib
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import BinaryIO, cast

from hubproxy.core.digest import Descriptor
from hubproxy.core.handle import Handle
from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.record import CHUNK_SIZE, FORMATS, LARGEST_RECORD, Record
from hubproxy.core.trust import Listed
from hubproxy.errors import MismatchError, UnsafeArchiveError
from hubproxy.store.blobs import BlobStore, Held
from hubproxy.store.budget import Budget, Reservation
from hubproxy.store.discovery import Discovery
from hubproxy.store.drafts import Drafts
from hubproxy.store.folder import DataFolder, Part
from hubproxy.store.ingest import repack
from hubproxy.store.intake import Intake, Pipe
from hubproxy.store.refs import Ref, RefStore
from hubproxy.store.sinks import CheckedSink, chunk_mismatch


class Receiving:
    """A known module on its way into the store."""

    def __init__(
        self,
        executor: ThreadPoolExecutor,
        record: Record,
        part: Part,
        limits: ArchiveLimits,
        verified: Callable[[int], None],
        spool: Callable[[], BinaryIO],
    ) -> None:
        self._executor, self._record, self._part = executor, record, part
        self._limits, self._report, self._spool = limits, verified, spool
        self._have = 0

    @property
    def descriptor(self) -> int:
        """The part file. It holds verified bytes only."""
        return self._part.descriptor

    def attempt(self) -> Intake[None]:
        """Check upstream's archive from its first byte; chunks already there stay."""
        return Intake(self._executor, self._check)

    def _check(self, pipe: Pipe) -> None:
        record = self._record
        sink = CheckedSink(record, self._part, have=self._have, verified=self._verified)
        try:
            repack(
                pipe,
                sink,
                limits=self._limits,
                strip=record.root,
                expected_size=record.archive.size,
                hash_files=False,
                spool=self._spool,
            )
        except UnsafeArchiveError as error:
            raise MismatchError(f"{record.handle}: {error}", remedy=error.remedy) from error
        sink.close()

    def _verified(self, size: int) -> None:
        self._have = size
        self._report(size)


class ModuleStore:
    """The store that the use cases see. Every method that waits for the disk is async."""

    def __init__(
        self,
        folder: DataFolder,
        blobs: BlobStore,
        refs: RefStore,
        pins: RefStore,
        budget: Budget,
        drafts: Drafts,
        *,
        limits: ArchiveLimits,
        fetches: int,
    ) -> None:
        self._folder, self._blobs, self._refs, self._pins = folder, blobs, refs, pins
        self._budget, self._drafts, self._limits = budget, drafts, limits
        self._executor = ThreadPoolExecutor(fetches, thread_name_prefix="unpack")

    def close(self) -> None:
        self._executor.shutdown()

    @property
    def used(self) -> int:
        """Bytes of archives on disk."""
        return self._budget.used

    def open(self, record: Record) -> tuple[int, bool] | None:
        """A descriptor of the archive, and whether it has been proven since the start.

        None when it is not here. The caller closes the descriptor.
        """
        descriptor = self._blobs.open(record)
        if descriptor is None:
            return None
        self._budget.used_now(record.archive_digest, time.time())
        return descriptor, self._blobs.proven(record, descriptor)

    def reading(self, record: Record) -> AbstractContextManager[None]:
        """Keep the archive from being evicted meanwhile."""
        return self._budget.reading(record.archive_digest)

    async def prove(self, record: Record, descriptor: int, verified: Callable[[int], None]) -> None:
        """Read an archive through and compare each chunk, saying how far it is good.

        Raises:
            MismatchError: a chunk differs; the archive has been moved to quarantine.
        """
        await asyncio.to_thread(self._prove, record, descriptor, verified)

    @asynccontextmanager
    async def receive(
        self, record: Record, verified: Callable[[int], None]
    ) -> AsyncIterator[Receiving]:
        """A place for a module whose record is known; gone again unless `commit`ted.

        Raises:
            StorageFullError: there is no room for it, also after eviction.
        """
        async with self._reserved(record.archive.size):
            with self._part() as part:
                try:
                    yield Receiving(
                        self._executor, record, part, self._limits, verified, self._spool
                    )
                except MismatchError:
                    self._drafts.reject(record.handle)
                    raise
                await asyncio.to_thread(self._commit, record, part)

    @asynccontextmanager
    async def discover(self) -> AsyncIterator[Discovery]:
        """A place for a module that no record describes yet; gone again unless `adopt`ed."""
        async with self._reserved(0) as reservation:
            discovery = Discovery(
                executor=self._executor,
                limits=self._limits,
                new_part=self._folder.new_part,
                room=_growing(reservation),
                spool=self._spool,
            )
            try:
                yield discovery
            finally:
                discovery.drop()

    async def adopt(self, discovery: Discovery, record: Record) -> None:
        """Keep a discovered module, and pin its handle to what was found."""

        def work() -> None:
            self._commit(record, discovery.part)
            self._pins.put(record.exact, record.format, _ref(record))

        await asyncio.to_thread(work)

    def pin(self, exact: Handle) -> Listed | None:
        """The record that first use has pinned a handle to."""
        for form in FORMATS:
            ref = self._pins.get(exact, form)
            if ref is not None:
                return Listed(exact, form, Descriptor(ref.record_digest, ref.record_size))
        return None

    async def read_record(self, wanted: Descriptor) -> bytes | None:
        """A record's bytes, checked; None when it is not here."""
        if wanted.size > LARGEST_RECORD:
            raise MismatchError(f"the record {wanted.digest} has {wanted.size:,} bytes: too many")
        try:
            return await asyncio.to_thread(self._blobs.read, wanted)
        except (FileNotFoundError, MismatchError):
            return None

    async def keep_record(self, text: bytes) -> None:
        await asyncio.to_thread(self._blobs.put, text)

    def _commit(self, record: Record, part: Part) -> None:
        # Archive, then record, then name; the caller acknowledges after that.
        self._blobs.commit(record, part)
        self._blobs.put(record.encode())
        self._refs.put(record.exact, record.format, _ref(record))
        held = Held(record.archive.size, time.time())
        self._budget.added(record.archive_digest, held, record.exact, record.format)
        self._drafts.drop(record.handle)

    def _prove(self, record: Record, descriptor: int, verified: Callable[[int], None]) -> None:
        offset = 0
        for number, known in enumerate(record.chunks.sha256):
            piece = os.pread(descriptor, CHUNK_SIZE, offset)
            digest = hashlib.sha256(piece).hexdigest()
            if digest != known:
                self._blobs.quarantine(record.archive_digest)
                self._budget.forget(record.archive_digest)
                raise chunk_mismatch(record, number, digest)
            offset += len(piece)
            verified(offset)
        self._blobs.prove(record, descriptor)

    @asynccontextmanager
    async def _reserved(self, size: int) -> AsyncIterator[Reservation]:
        # In a thread: making room deletes files.
        reservation = Reservation(self._budget)
        try:
            await asyncio.to_thread(reservation.grow, size)
            yield reservation
        finally:
            reservation.grow(0)

    @contextmanager
    def _part(self) -> Iterator[Part]:
        part = self._folder.new_part()
        try:
            yield part
        finally:
            part.drop()

    def _spool(self) -> BinaryIO:
        return cast("BinaryIO", tempfile.TemporaryFile(dir=self._folder.sub("tmp")))


def _ref(record: Record) -> Ref:
    found = record.descriptor
    return Ref(str(found.digest), found.size, record.archive.digest)


def _growing(reservation: Reservation) -> Callable[[int], None]:
    """Reserve in steps of 64 MiB, so that small modules do not ask for much."""
    step, granted = 64 * 1024 * 1024, 0

    def room(size: int) -> None:
        nonlocal granted
        if size > granted:
            granted = -(-size // step) * step
            reservation.grow(granted)

    return room
