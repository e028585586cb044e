"""How much of the disk the archives may have, and which of them go first."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from threading import Lock

from hubproxy.core.digest import Digest
from hubproxy.core.handle import Handle
from hubproxy.core.record import Format
from hubproxy.core.retention import CachedBlob, choose_victims
from hubproxy.errors import StorageFullError
from hubproxy.logs import event
from hubproxy.store.blobs import BlobStore, Held
from hubproxy.store.folder import DataFolder
from hubproxy.store.refs import RefStore


class Budget:
    """Reserves bytes before they are written, and evicts to make room.

    What is pinned, being read or being written is never evicted. Methods may be called from
    any thread.

    Args:
        limit: bytes that archives may have together.
        floor: bytes of the disk that are left free for everything else.
        pinned: patterns of handles (as in the shell, case-sensitive) that stay.

    """

    def __init__(
        self,
        folder: DataFolder,
        blobs: BlobStore,
        refs: RefStore,
        *,
        limit: int,
        floor: int,
        pinned: Sequence[str],
    ) -> None:
        self._folder, self._blobs, self._refs = folder, blobs, refs
        self._limit, self._floor, self._pinned = limit, floor, tuple(pinned)
        self._archives: dict[Digest, Held] = {}
        self._names: dict[Digest, set[tuple[Handle, Format]]] = {}
        self._readers: Counter[Digest] = Counter()
        self._used = 0
        self._reserved = 0
        self._lock = Lock()

    def load(self, keep: frozenset[Digest]) -> None:
        """Take stock of what lies on disk; the blobs in `keep` are no archives."""
        for exact, form, ref in self._refs:
            self._names.setdefault(ref.archive_digest, set()).add((exact, form))
        self._archives = {
            digest: held for digest, held in self._blobs.scan().items() if digest not in keep
        }
        self._used = sum(held.size for held in self._archives.values())

    @property
    def used(self) -> int:
        """Bytes of archives on disk."""
        return self._used

    @contextmanager
    def reading(self, digest: Digest) -> Iterator[None]:
        """Keep an archive from being evicted."""
        with self._lock:
            self._readers[digest] += 1
        try:
            yield
        finally:
            with self._lock:
                self._readers[digest] -= 1
                if not self._readers[digest]:
                    del self._readers[digest]

    def added(self, digest: Digest, held: Held, exact: Handle, form: Format) -> None:
        """An archive has been committed and named."""
        with self._lock:
            old = self._archives.get(digest)
            self._used += held.size - (old.size if old else 0)
            self._archives[digest] = held
            self._names.setdefault(digest, set()).add((exact, form))

    def used_now(self, digest: Digest, at: float) -> None:
        with self._lock:
            held = self._archives.get(digest)
            if held is not None:
                self._archives[digest] = Held(held.size, at)
        self._blobs.touch(digest)

    def forget(self, digest: Digest) -> None:
        """An archive is no longer on disk."""
        with self._lock:
            old = self._archives.pop(digest, None)
            self._used -= old.size if old else 0

    def change(self, delta: int) -> None:
        """Reserve `delta` more bytes, or give some back when negative."""
        with self._lock:
            if delta > 0:
                self._make_room(delta)
            self._reserved += delta

    def _make_room(self, wanted: int) -> None:
        over_limit = self._used + self._reserved + wanted - self._limit
        over_disk = self._floor + self._reserved + wanted - self._folder.free_bytes()
        need = max(over_limit, over_disk)
        if need <= 0:
            return
        victims = choose_victims(map(self._cached, self._archives.items()), need=need)
        if sum(self._archives[digest].size for digest in victims) < need:
            raise StorageFullError(
                f"there is no room for {wanted:,} more bytes: the store holds {self._used:,} of "
                f"{self._limit:,}, the disk has {self._folder.free_bytes():,} left",
                remedy="Raise `store.budget`, unpin modules, or free space on the disk.",
            )
        for digest in victims:
            self._evict(digest)

    def _cached(self, item: tuple[Digest, Held]) -> CachedBlob:
        digest, held = item
        stays = digest in self._readers or any(
            fnmatchcase(str(exact), pattern)
            for exact, _ in self._names.get(digest, ())
            for pattern in self._pinned
        )
        return CachedBlob(digest=digest, size=held.size, used_at=held.used_at, held=stays)

    def _evict(self, digest: Digest) -> None:
        # Names first: a power cut in between leaves an archive without a name, never a
        # name without its archive.
        for exact, form in self._names.pop(digest, set()):
            ref = self._refs.get(exact, form)
            if ref is not None and ref.archive_digest == digest:
                self._refs.drop(exact, form)
        self._blobs.remove(digest)
        size = self._archives.pop(digest).size
        self._used -= size
        event("store.evicted", digest=digest, bytes=size)


class Reservation:
    """Bytes set aside for one module; to be set to 0 when they count as used, or are dropped."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._size = 0

    def grow(self, size: int) -> None:
        """Set the reservation to `size` bytes, evicting if need be.

        Raises:
            StorageFullError: there is no room, also after eviction.
        """
        self._budget.change(size - self._size)
        self._size = size
