"""Reading a module that no record describes yet: whole, checked, and then described."""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO

from hubproxy.core.digest import Digest
from hubproxy.core.formats import detect_format
from hubproxy.core.handle import Handle
from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.original import Original, OriginalHash
from hubproxy.core.record import FileEntry, Origin, Record, tree_digest
from hubproxy.store.budget import Reservation
from hubproxy.store.folder import Part, disk_errors
from hubproxy.store.intake import Intake, Pipe
from hubproxy.store.sinks import RecordingSink
from hubproxy.store.threads import in_thread
from hubproxy.unpack.ingest import Source, Unpacked, repack


@dataclass(frozen=True, slots=True)
class Found:
    """What one pass over an archive has learned."""

    unpacked: Unpacked
    sink: RecordingSink
    original: Original
    original_size: int


class Discovery:
    """A part file with a module in it that is not known yet. `drop` it in the end.

    Args:
        new_part: makes an empty part file.
        room: called with the bytes the part will have; raises when there is no room.
        spool: makes a temporary file, for archives that cannot be read from their front.
        reservation: what is set aside for it, where there is a budget.
        originals: what to compute of upstream's archive besides its sha256.
    """

    def __init__(
        self,
        *,
        executor: Executor,
        limits: ArchiveLimits,
        new_part: Callable[[], Part],
        room: Callable[[int], None],
        spool: Callable[[], BinaryIO],
        reservation: Reservation | None = None,
        originals: frozenset[OriginalHash] = frozenset(),
    ) -> None:
        self._executor, self._limits = executor, limits
        self._originals = originals
        self._new_part, self._room, self._spool = new_part, room, spool
        self.part = new_part()
        self.reservation = reservation

    def attempt(self) -> Intake[Found]:
        """Read upstream's archive from its first byte, over whatever an earlier attempt left."""
        with disk_errors():
            os.ftruncate(self.part.descriptor, 0)
        return Intake(self._executor, self._read)

    @property
    def descriptor(self) -> int:
        """The part file, which has another one after `describe`."""
        return self.part.descriptor

    def original(self, found: Found) -> Original:
        """The digests of what upstream sent, those that were asked for."""
        return found.original

    async def describe(self, exact: Handle, found: Found, *, url: str, decided_at: str) -> Record:
        """The record of what was read. A module under one top folder is given its root here."""
        unpacked, root = found.unpacked, ""
        sink, changes = found.sink, unpacked.changes
        if unpacked.top and detect_format(_paths(unpacked)) == "other":
            inner = [path.removeprefix(f"{unpacked.top}/") for path in _paths(unpacked)]
            if detect_format(inner) != "other":
                root = unpacked.top
                unpacked, sink = await in_thread(partial(self._reroot, root))
                changes = (*changes, *unpacked.changes)
        files: tuple[FileEntry, ...] = unpacked.files
        return Record(
            handle=str(exact),
            format=detect_format(_paths(unpacked)),
            archive=sink.archive,
            chunks=sink.chunks,
            files=files,
            tree=str(tree_digest(files)),
            origin=Origin(
                url,
                found.unpacked.media_type,
                str(Digest.of_hex(found.original.sha256)),
                found.original_size,
            ),
            root=root,
            changes=changes,
            decided_at=decided_at,
        )

    def drop(self) -> None:
        self.part.drop()

    def _read(self, pipe: Pipe) -> Found:
        source = _Hashing(pipe, self._originals)
        sink = RecordingSink(self.part, room=self._room)
        with disk_errors():
            unpacked = repack(source, sink, limits=self._limits, spool=self._spool)
        sink.close()
        return Found(unpacked, sink, source.original, source.size)

    def _reroot(self, top: str) -> tuple[Unpacked, RecordingSink]:
        old, self.part = self.part, self._new_part()
        try:
            with old.path.open("rb", buffering=0) as source:
                sink = RecordingSink(self.part, room=lambda size: self._room(size + old_size))
                old_size = os.fstat(old.descriptor).st_size
                unpacked = repack(source, sink, limits=self._limits, strip=top)
                sink.close()
        finally:
            old.drop()
        self._room(sink.size)
        return replace(unpacked, top=""), sink


class _Hashing:
    """A source that learns the digests of what passes."""

    def __init__(self, source: Source, also: frozenset[OriginalHash]) -> None:
        self._source = source
        names: set[OriginalHash] = {"sha256", *also}
        self._hashes = {name: hashlib.new(name) for name in names}
        self.size = 0

    def read(self, size: int, /) -> bytes:
        piece = self._source.read(size)
        for one in self._hashes.values():
            one.update(piece)
        self.size += len(piece)
        return piece

    @property
    def original(self) -> Original:
        return Original(**{name: one.hexdigest() for name, one in self._hashes.items()})


def _paths(unpacked: Unpacked) -> list[str]:
    return [entry.path for entry in unpacked.files]
