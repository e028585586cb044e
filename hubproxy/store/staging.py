"""What is on its way into the store, written by a process that does not own the data folder.

    staged/lock             held by whoever writes here
    staged/<name>/          one batch
      blobs/<hex>           archives, whole and checked
      records/<hex>         records
      list/...              files of a trust list, by their published names
      tmp/                  parts
      ready.json            written last: from now on the owner of the data folder takes it in

A batch without `ready.json` is invisible, and is gone on with by whoever began it. With it, it is
a redo log: the owner takes it in before anybody is served, however often that is cut short.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from hubproxy.core.digest import Digest
from hubproxy.core.record import Record
from hubproxy.core.staged import Ready
from hubproxy.errors import DataFolderError, StorageFailedError
from hubproxy.files import fsync_folder, make_folder, write_whole
from hubproxy.store.folder import Part, disk_errors

_READY = "ready.json"
_PRIVATE = 0o700


class Stage:
    """One batch. Every method that touches the disk blocks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def blobs(self) -> Path:
        """Where whole archives lie, each under the sha256 of it in hex."""
        return self.folder / "blobs"

    @property
    def list(self) -> Path:
        return self.folder / "list"

    @property
    def is_ready(self) -> bool:
        return (self.folder / _READY).exists()

    def begin(self) -> None:
        """Make it, if missing, and drop parts that nobody writes any more."""
        with disk_errors():
            shutil.rmtree(self.folder / "tmp", ignore_errors=True)
            for name in ("blobs", "records", "tmp"):
                make_folder(self.folder / name, mode=_PRIVATE)

    def path(self, digest: Digest) -> Path:
        return self.blobs / digest.hex

    def has(self, record: Record) -> bool:
        """Whether the record's archive lies here whole."""
        try:
            return self.path(record.archive_digest).stat().st_size == record.archive.size
        except OSError:
            return False

    def new_part(self) -> Part:
        return Part.create(self.folder / "tmp")

    def new_path(self) -> Path:
        """A name for a new file of one's own on the way to `keep`."""
        return self.folder / "tmp" / f"{os.getpid()}.{os.urandom(8).hex()}"

    def keep(self, record: Record, path: Path) -> None:
        """Give a whole and flushed file of `new_path` its place."""
        with disk_errors():
            path.rename(self.path(record.archive_digest))
            fsync_folder(self.blobs)

    def put_record(self, record: Record) -> str:
        """Keep a record; returns its digest, `sha256:<hex>`."""
        text = record.encode()
        digest = hashlib.sha256(text).hexdigest()
        with disk_errors():
            write_whole(self.folder / "records" / digest, text, mode=0o600)
        return f"sha256:{digest}"

    def put_list_file(self, name: str, data: bytes) -> None:
        """Keep a verified file of the list; `name` is its published one."""
        path = self.list / name
        with disk_errors():
            make_folder(path.parent, mode=_PRIVATE)
            write_whole(path, data)

    def record(self, digest: str) -> Record:
        """A record that was put here.

        Raises:
            StorageFailedError: it is lost or damaged.
        """
        wanted = Digest.parse(digest)
        try:
            text = (self.folder / "records" / wanted.hex).read_bytes()
            if hashlib.sha256(text).hexdigest() != wanted.hex:
                raise ValueError("other bytes")
            return Record.decode(text)
        except (OSError, ValueError) as error:
            raise StorageFailedError(
                f"the record {digest} in {self.folder} cannot be read: {error}",
                remedy=f"Remove {self.folder}, and bring its modules in again.",
            ) from error

    def ready(self, what: Ready) -> None:
        """Let the owner of the data folder take it in."""
        with disk_errors():
            write_whole(self.folder / _READY, msgspec.json.encode(what), mode=0o600)

    def read(self) -> Ready:
        """What a ready batch is.

        Raises:
            StorageFailedError: that cannot be read.
        """
        try:
            return msgspec.json.decode((self.folder / _READY).read_bytes(), type=Ready)
        except (OSError, msgspec.MsgspecError) as error:
            raise StorageFailedError(
                f"{self.folder / _READY} cannot be read: {error}",
                remedy=f"Remove {self.folder}, and bring its modules in again.",
            ) from error

    def drop(self) -> None:
        """Remove it: `ready.json` first, as it promises all the rest."""
        with disk_errors():
            (self.folder / _READY).unlink(missing_ok=True)
            if self.folder.is_dir():
                fsync_folder(self.folder)
            shutil.rmtree(self.folder, ignore_errors=True)


class Staging:
    """The batches of a data folder."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._folder = data / "staged"

    def stage(self, name: str) -> Stage:
        return Stage(self._folder / name)

    def waiting(self) -> list[Stage]:
        """Those that are ready, by name."""
        if not self._folder.is_dir():
            return []
        found = (Stage(path) for path in sorted(self._folder.iterdir()) if path.is_dir())
        return [stage for stage in found if stage.is_ready]

    def recover(self, work: Stage, prefix: str) -> None:
        """Put what lies in batches that were never handed over back to where it was received.

        Args:
            work: where that is.
            prefix: of the names of those batches.
        """
        with disk_errors():
            for path in sorted(self._folder.glob(f"{prefix}*")):
                batch = Stage(path)
                if batch.is_ready:
                    continue
                for blob in batch.blobs.glob("*"):
                    blob.rename(work.blobs / blob.name)
                fsync_folder(work.blobs)
                shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def writing(self, told: Callable[[str], None]) -> Iterator[None]:
        """Write here alone; waits for whoever does.

        Args:
            told: is told that somebody does.

        Raises:
            DataFolderError: the folder cannot be made or written.
        """
        try:
            make_folder(self._folder, mode=_PRIVATE)
            lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DataFolderError(
                f"the data folder {self._data} cannot be used: {error.strerror}",
                remedy="Run this as the user that the daemon runs as, or mend `data`.",
            ) from error
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                told("another mirror or import is at work here: waiting until it has ended")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)
