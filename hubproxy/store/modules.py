"""Modules on disk: archives with their records and names, as the use cases ask for them."""

import asyncio
import hashlib
import logging
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from functools import partial
from typing import BinaryIO

from hubproxy.core.digest import Descriptor
from hubproxy.core.handle import Handle
from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.original import OriginalHash
from hubproxy.core.record import CHUNK_SIZE, FORMATS, LARGEST_RECORD, Record
from hubproxy.core.trust import Listed
from hubproxy.errors import HubproxyError, MismatchError, StorageFailedError
from hubproxy.logs import event
from hubproxy.store.blobs import BlobStore, Held
from hubproxy.store.budget import Budget, Reservation
from hubproxy.store.discovery import Discovery
from hubproxy.store.drafts import Drafts
from hubproxy.store.folder import DataFolder, Part, disk_errors
from hubproxy.store.receiving import Receiving
from hubproxy.store.refs import Ref, RefStore
from hubproxy.store.room import SteppedRoom, zip_room
from hubproxy.store.sinks import chunk_mismatch
from hubproxy.store.spool import open_spool
from hubproxy.store.staging import Stage
from hubproxy.store.takein import release, take_in
from hubproxy.store.threads import in_thread

_BULK = 4


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
        # Of its own, so that small reads never wait for archives that are read through.
        self._bulk = ThreadPoolExecutor(_BULK, thread_name_prefix="store")

    def close(self) -> None:
        self._executor.shutdown()
        self._bulk.shutdown()

    @property
    def used(self) -> int:
        """Bytes of archives on disk."""
        return self._budget.used

    def open(self, record: Record) -> tuple[int, bool] | None:
        """A descriptor of the archive, and whether it has been proven since the start.

        An archive that came here under another name, or without one, counts as not proven
        until it has this name as well.

        None when it is not here. The caller closes the descriptor.
        """
        descriptor = self._blobs.open(record)
        if descriptor is None:
            return None
        self._budget.used_now(record.archive_digest, time.time())
        ref = self._refs.get(record.exact, record.format)
        named = ref is not None and ref.archive == record.archive.digest
        return descriptor, named and self._blobs.proven(record, descriptor)

    def reading(self, record: Record) -> AbstractContextManager[None]:
        """Keep the archive from being evicted meanwhile."""
        return self._budget.reading(record.archive_digest)

    async def prove(self, record: Record, descriptor: int, verified: Callable[[int], None]) -> None:
        """Read an archive through and compare each chunk, saying how far it is good.

        Raises:
            MismatchError: a chunk differs or cannot be read; the archive has been moved to
                quarantine.
        """
        given_up = threading.Event()

        def work() -> None:
            self._prove(record, descriptor, verified, given_up)

        await in_thread(work, self._bulk, give_up=given_up.set)

    @asynccontextmanager
    async def receive(
        self, record: Record, verified: Callable[[int], None]
    ) -> AsyncIterator[Receiving]:
        """A place for a module whose record is known: committed on leaving, if it is whole.

        Raises:
            MismatchError: it is not whole; nothing is left of it.
            StorageFullError: there is no room for it, also after eviction.
        """
        async with self._reserved(record.archive.size) as reservation:

            def report(size: int) -> None:
                reservation.wrote(size)
                verified(size)

            def spool() -> BinaryIO:
                return self._spool(partial(zip_room, record, reservation))

            with self._part() as part:
                receiving = Receiving(
                    self._executor, record, part, self._limits, report, spool, self._drafts
                )
                yield receiving
                if not receiving.whole:
                    raise MismatchError(f"{record.handle} was left before its end")
                await in_thread(lambda: self._commit(record, part, reservation), self._bulk)

    @asynccontextmanager
    async def discover(
        self, originals: frozenset[OriginalHash] = frozenset()
    ) -> AsyncIterator[Discovery]:
        """A place for a module that no record describes yet; gone again unless `adopt`ed.

        Args:
            originals: what to compute of upstream's archive besides its sha256.
        """
        async with self._reserved(0) as reservation:
            room = SteppedRoom(reservation)
            discovery = Discovery(
                executor=self._executor,
                limits=self._limits,
                new_part=self._folder.new_part,
                room=room.part,
                spool=lambda: self._spool(room.spool),
                reservation=reservation,
                originals=originals,
            )
            try:
                yield discovery
            finally:
                discovery.drop()

    async def adopt(self, discovery: Discovery, record: Record) -> None:
        """Keep a discovered module, and pin its handle to what was found."""

        def work() -> None:
            self._commit(record, discovery.part, discovery.reservation)
            with disk_errors(), self._budget.naming():
                self._pins.put(record.exact, record.format, Ref.of(record))

        await in_thread(work, self._bulk)

    async def take_in(
        self, stage: Stage, records: Sequence[Record], released: Sequence[str]
    ) -> None:
        """Take in the staged archives of some records, and keep them from ever being evicted.

        Args:
            released: what may be evicted from now on, by its paths on the list.

        Raises:
            StorageFullError: there is no room for all of them; nothing was taken.
        """

        def work() -> None:
            release(released, self._refs, self._budget)
            take_in(stage, records, self._blobs, self._refs, self._budget)

        await in_thread(work, self._bulk)
        for record in records:
            self._drafts.drop(record)

    def pin(self, exact: Handle) -> Listed | None:
        """The record that first use has pinned a handle to.

        Raises:
            StorageFailedError: the pin is damaged. It is not made anew: upstream may have
                changed since, and nobody could tell.
        """
        if self._pins.lost(exact):
            raise StorageFailedError(
                f"what first use pinned {exact} to cannot be read any more",
                remedy=f"Ask a trust officer: `hubproxy trust approve {exact}`",
            )
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
        except (OSError, MismatchError):
            return None

    async def keep_record(self, text: bytes) -> None:
        await asyncio.to_thread(self._blobs.put, text)

    def _commit(self, record: Record, part: Part, reservation: Reservation | None) -> None:
        # Archive, then record, then name; the caller acknowledges after that.
        with disk_errors():
            self._blobs.commit(record, part)
            with self._budget.naming():
                self._name(record, reservation)
            self._drafts.drop(record)

    def _name(self, record: Record, reservation: Reservation | None = None) -> None:
        self._blobs.put(record.encode())
        before = self._refs.get(record.exact, record.format)
        ref = Ref.of(record, kept=before is not None and before.kept)
        if before != ref:
            self._refs.put(record.exact, record.format, ref)
        held = Held(record.archive.size, time.time())
        self._budget.added(
            record.archive_digest, held, record.exact, record.format, reservation=reservation
        )

    def _prove(
        self,
        record: Record,
        descriptor: int,
        verified: Callable[[int], None],
        given_up: threading.Event,
    ) -> None:
        if not self._blobs.proven(record, descriptor):
            offset = 0
            for number, known in enumerate(record.chunks.sha256):
                if given_up.is_set():
                    return
                digest, size = _read_chunk(descriptor, offset)
                if digest != known:
                    with disk_errors():
                        self._blobs.quarantine(record.archive_digest)
                    self._budget.forget(record.archive_digest)
                    raise chunk_mismatch(record, number, digest)
                offset += size
                verified(offset)
            self._blobs.prove(record, descriptor)
        verified(record.archive.size)
        self._name_found(record)

    def _name_found(self, record: Record) -> None:
        """Name an archive that was found without this name: a crash, or another handle's."""
        try:
            with disk_errors(), self._budget.naming():
                if self._blobs.has(Descriptor(record.archive_digest, record.archive.size)):
                    self._name(record)
        except HubproxyError as error:
            # It is as good without; the next one who asks brings it here again.
            event("store.not_named", level=logging.WARNING, handle=record.handle, reason=error)

    @asynccontextmanager
    async def _reserved(self, size: int) -> AsyncIterator[Reservation]:
        # In a thread: making room deletes files.
        reservation = Reservation(self._budget)
        try:
            await in_thread(lambda: reservation.grow(size), self._bulk)
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

    def _spool(self, room: Callable[[int], None]) -> BinaryIO:
        return open_spool(self._folder.sub("tmp"), room)


def _read_chunk(descriptor: int, offset: int) -> tuple[str, int]:
    """The sha256 of what can be read of a chunk, and its size in bytes."""
    try:
        piece = os.pread(descriptor, CHUNK_SIZE, offset)
    except OSError as error:
        event("store.unreadable", level=logging.ERROR, offset=offset, error=error.strerror)
        piece = b""
    return hashlib.sha256(piece).hexdigest(), len(piece)
