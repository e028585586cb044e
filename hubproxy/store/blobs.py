"""Bytes by digest: complete and immutable, always."""

import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from hubproxy.core.digest import Descriptor, Digest
from hubproxy.core.record import Record
from hubproxy.errors import MismatchError
from hubproxy.files import fsync_folder
from hubproxy.store.folder import DataFolder, Part, storage_error

_TOUCH_EVERY = 60.0
_READ = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Held:
    """A blob on disk: its size, and when it was last used (seconds since the epoch)."""

    size: int
    used_at: float


class BlobStore:
    """Blobs under `blobs/sha256/ab/<hex>`.

    What was checked since this process started is remembered by file identity, so that a
    blob found on disk is read through once before its first byte leaves (`proven`), and
    again when another file has taken its place.
    """

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder
        self._root = folder.sub("blobs", "sha256")
        self._proven: dict[Digest, tuple[tuple[str, ...], tuple[int, int, int]]] = {}

    def path(self, digest: Digest) -> Path:
        return blob_path(self._folder.path, digest)

    def scan(self) -> dict[Digest, Held]:
        """Every blob on disk."""
        found = {}
        for group in os.scandir(self._root):
            if not group.is_dir(follow_symlinks=False):
                continue
            for entry in os.scandir(group.path):
                try:
                    digest = Digest.of_hex(entry.name)
                except ValueError:
                    continue
                stat = entry.stat(follow_symlinks=False)
                found[digest] = Held(stat.st_size, stat.st_atime)
        return found

    def has(self, wanted: Descriptor) -> bool:
        """Whether a blob of that digest and size lies here."""
        try:
            return self.path(wanted.digest).stat().st_size == wanted.size
        except OSError:
            return False

    def put(self, content: bytes) -> Descriptor:
        """Keep some bytes; they survive a power cut when this returns."""
        digest = Digest.of_hex(hashlib.sha256(content).hexdigest())
        wanted = Descriptor(digest, len(content))
        if not self.has(wanted):
            part = self._folder.new_part()
            try:
                part.write_at(0, [content])
                part.become(self.path(digest))
            finally:
                part.drop()
        return wanted

    def read(self, wanted: Descriptor) -> bytes:
        """The bytes of a small blob, checked against its digest.

        Raises:
            FileNotFoundError: there is no such blob.
            MismatchError: it is damaged; it has been moved to quarantine.
        """
        content = self.path(wanted.digest).read_bytes()
        if hashlib.sha256(content).hexdigest() != wanted.digest.hex:
            self.quarantine(wanted.digest)
            raise MismatchError(f"the stored blob {wanted.digest} was damaged; it was moved away")
        return content

    def open(self, record: Record) -> int | None:
        """A descriptor of the record's archive, or None when it is not here whole.

        Raises:
            HubproxyError: the disk reported an error.
        """
        try:
            descriptor = os.open(self.path(record.archive_digest), os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise storage_error(error) from error
        if os.fstat(descriptor).st_size != record.archive.size:
            os.close(descriptor)
            self.quarantine(record.archive_digest)
            return None
        return descriptor

    def proven(self, record: Record, descriptor: int) -> bool:
        """Whether this very file was checked against this chunk list since the start."""
        known = self._proven.get(record.archive_digest)
        return known == (record.chunks.sha256, _identity(descriptor))

    def prove(self, record: Record, descriptor: int) -> None:
        """Remember that every chunk of the file was found to be the record's."""
        self._proven[record.archive_digest] = (record.chunks.sha256, _identity(descriptor))

    def commit(self, record: Record, part: Part) -> None:
        """Give a part, checked against the record chunk by chunk, its place."""
        part.become(self.path(record.archive_digest))
        self.prove(record, part.descriptor)

    def touch(self, digest: Digest) -> None:
        """Note that a blob was used, at most once a minute."""
        path = self.path(digest)
        try:
            stat = path.stat()
            if time.time() - stat.st_atime > _TOUCH_EVERY:
                os.utime(path, ns=(time.time_ns(), stat.st_mtime_ns))
        except OSError:
            return  # A mark that is late costs an eviction in a worse order, nothing else.

    def remove(self, digest: Digest) -> None:
        """Delete a blob, durably. Those who read it keep their open file."""
        self._proven.pop(digest, None)
        path = self.path(digest)
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            fsync_folder(path.parent)

    def quarantine(self, digest: Digest) -> Path:
        """Move a damaged blob out of the way; what is kept of it is for a person to look at."""
        self._proven.pop(digest, None)
        away = self._folder.sub("quarantine") / f"{digest.hex}.{time.time_ns()}"
        path = self.path(digest)
        if path.exists():
            path.rename(away)
            fsync_folder(path.parent)
            fsync_folder(away.parent)
        return away

    def rehash(self, digest: Digest) -> bool:
        """Whether a blob's bytes still have its digest. Reads all of it."""
        whole = hashlib.sha256()
        with self.path(digest).open("rb", buffering=0) as file:
            while piece := file.read(_READ):
                whole.update(piece)
        return whole.hexdigest() == digest.hex


def blob_path(data: Path, digest: Digest) -> Path:
    """Where a blob of a data folder lies, if it is there."""
    return data / "blobs" / digest.algorithm / digest.hex[:2] / digest.hex


def read_beside(data: Path, digest: Digest, *, most: int) -> bytes | None:
    """A small blob of a data folder that another process may own; None unless it is whole.

    Args:
        data: the data folder.
        most: bytes that it may have.
    """
    path = blob_path(data, digest)
    try:
        content = path.read_bytes() if path.stat().st_size <= most else b""
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == digest.hex else None


def _identity(descriptor: int) -> tuple[int, int, int]:
    stat = os.fstat(descriptor)
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
