"""Modules with the records that an officer would have signed, made in memory."""

import hashlib
import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from hubproxy.core.digest import Digest
from hubproxy.core.handle import Handle
from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.record import (
    CHUNK_SIZE,
    Archive,
    Chunks,
    FileEntry,
    Origin,
    Record,
    tree_digest,
)
from hubproxy.unpack.ingest import repack
from tests.archives import Kept, tar_of

SPICE = "tfhub.dev/google/spice/2"
NOON = "2024-03-01T12:00:00.000Z"


@dataclass(frozen=True)
class Made:
    """A module: what upstream sends, the plain tar that clients get, and its record."""

    upstream: bytes
    plain: bytes
    record: Record

    @property
    def handle(self) -> Handle:
        return self.record.exact

    @property
    def digest(self) -> Digest:
        return self.record.archive_digest


def describe(
    plain: bytes, handle: str = SPICE, *, files: tuple[FileEntry, ...] = (), licence: str = ""
) -> Record:
    """A record of these bytes, whether or not they are a tar."""
    digest = f"sha256:{hashlib.sha256(plain).hexdigest()}"
    chunks = tuple(
        hashlib.sha256(plain[at : at + CHUNK_SIZE]).hexdigest()
        for at in range(0, len(plain), CHUNK_SIZE)
    )
    return Record(
        handle=handle,
        format="saved_model",
        archive=Archive(digest, len(plain), zlib.crc32(plain)),
        chunks=Chunks(CHUNK_SIZE, chunks),
        files=files,
        tree=str(tree_digest(files)),
        origin=Origin(f"https://{handle}", "application/x-tar", digest, len(plain)),
        licence=licence,
        decided_at=NOON,
    )


def make(handle: str = SPICE, files: Mapping[str, bytes] | None = None, *, size: int = 0) -> Made:
    """A module of these files, or of one file, so that the plain tar has `size` bytes."""
    if files is None:
        contents = Random(f"{handle} {size}").randbytes(size - 2048 if size else 100)
        files = {"saved_model.pb": contents}
    upstream = tar_of(files)
    output = Kept()
    unpacked = repack(io.BytesIO(upstream), output, limits=ArchiveLimits())
    assert not size or len(output.whole) == size
    return Made(upstream, output.whole, describe(output.whole, handle, files=unpacked.files))
