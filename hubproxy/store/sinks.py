"""Where the bytes of a plain tar go: into a part file, chunk by chunk, and through hashes."""

import hashlib
from collections.abc import Callable

from hubproxy.core.record import CHUNK_SIZE, Archive, Chunks, Record
from hubproxy.crc import crc32
from hubproxy.errors import HubproxyError, MismatchError
from hubproxy.store.folder import Part


class _ChunkedSink:
    """Cuts a stream into chunks; a subclass says what becomes of pieces and chunks.

    Pieces go to the file as they come, still warm in the cache: gathering a whole chunk first
    costs more than hashing it.
    """

    def __init__(self) -> None:
        self.size = 0
        self._pending = 0
        self._hash = hashlib.sha256()

    def write(self, piece: bytes, /) -> None:
        while self._pending + len(piece) >= CHUNK_SIZE:
            cut = CHUNK_SIZE - self._pending
            self._take(piece if cut == len(piece) else piece[:cut])
            self._finish_chunk()
            if cut == len(piece):
                return
            piece = piece[cut:]
        if piece:
            self._take(piece)

    def close(self) -> None:
        """Deal with the last, shorter chunk."""
        if self._pending:
            self._finish_chunk()

    def _take(self, piece: bytes) -> None:
        self._hash.update(piece)
        self._piece(self.size + self._pending, piece)
        self._pending += len(piece)

    def _finish_chunk(self) -> None:
        self.size += self._pending
        self._chunk(self._hash.hexdigest())
        self._pending, self._hash = 0, hashlib.sha256()

    def _piece(self, offset: int, piece: bytes) -> None:
        raise NotImplementedError

    def _chunk(self, digest: str) -> None:
        """A chunk has ended, at `size`."""
        raise NotImplementedError


class CheckedSink(_ChunkedSink):
    """Lets a chunk be read only when it is the one that the record names.

    Whoever reads along reads up to what `verified` was told, and the file gets its name only
    when all of it was. A transfer that starts over goes through a new sink: what lies below
    `have` is checked again but not rewritten.

    Args:
        record: names every chunk.
        part: the file.
        have: bytes of the file that an earlier sink has checked.
        verified: called with the number of bytes that may be read, after each chunk.

    """

    def __init__(
        self, record: Record, part: Part, *, have: int, verified: Callable[[int], None]
    ) -> None:
        super().__init__()
        self._record = record
        self._part = part
        self._have = have
        self._verified = verified

    def close(self) -> None:
        super().close()
        if self.size != self._record.archive.size:
            raise MismatchError(
                f"upstream sent {self.size} bytes of tar for {self._record.handle}, "
                f"the record says {self._record.archive.size}"
            )

    def _piece(self, offset: int, piece: bytes) -> None:
        if offset + len(piece) > self._record.archive.size:
            raise MismatchError(
                f"upstream sends more than the {self._record.archive.size} bytes of tar that "
                f"the record of {self._record.handle} names"
            )
        if offset >= self._have:
            self._part.write_at(offset, [piece])

    def _chunk(self, digest: str) -> None:
        number = (self.size - self._pending) // CHUNK_SIZE
        known = self._record.chunks.sha256
        if number >= len(known) or digest != known[number]:
            raise chunk_mismatch(self._record, number, digest)
        if self.size > self._have:
            self._verified(self.size)


class RecordingSink(_ChunkedSink):
    """Writes what nobody has vouched for yet, and learns the digests for its record.

    Args:
        part: the file.
        room: called before each write with the bytes that the file will then have; raises
            when there is no room.

    """

    def __init__(self, part: Part, *, room: Callable[[int], None]) -> None:
        super().__init__()
        self._part = part
        self._room = room
        self._whole = hashlib.sha256()
        self._crc = 0
        self._digests: list[str] = []

    @property
    def archive(self) -> Archive:
        return Archive(f"sha256:{self._whole.hexdigest()}", self.size, self._crc)

    @property
    def chunks(self) -> Chunks:
        return Chunks(CHUNK_SIZE, tuple(self._digests))

    def _piece(self, offset: int, piece: bytes) -> None:
        self._room(offset + len(piece))
        self._whole.update(piece)
        self._crc = crc32(piece, self._crc)
        self._part.write_at(offset, [piece])

    def _chunk(self, digest: str) -> None:
        self._digests.append(digest)


def chunk_mismatch(record: Record, number: int, digest: str) -> HubproxyError:
    """The error for a chunk that is not the one the record names."""
    known = record.chunks.sha256
    wanted = known[number][:16] if number < len(known) else "none"
    return MismatchError(
        f"chunk {number + 1} of {len(known)} of {record.handle} is sha256 {digest[:16]}…, "
        f"the record says {wanted}…; it was withheld",
        remedy="Upstream's bytes have changed: ask a trust officer to look at the module.",
    )
