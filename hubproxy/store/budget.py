"""How much of the disk the archives may have, and which of them go first."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from threading import Lock

from hubproxy.core.digest import Digest
from hubproxy.core.handle import Handle
from hubproxy.core.record import Format
from hubproxy.core.retention import CachedBlob, choose_victims
from hubproxy.errors import StorageFullError
from hubproxy.logs import event
from hubproxy.store.blobs import BlobStore, Held
from hubproxy.store.folder import DataFolder, disk_errors
from hubproxy.store.refs import RefStore


class Budget:
    """Reserves bytes before they are written, and evicts to make room.

    What is pinned, kept, being read or being written is never evicted. Methods may be called from
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
        self._written = 0  # of what is reserved: counted by the disk already
        self._lock = Lock()
        self._naming = Lock()  # held for as long as the disk takes; `_lock` never is

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

    def added(
        self,
        digest: Digest,
        held: Held,
        exact: Handle,
        form: Format,
        *,
        reservation: "Reservation | None" = None,
    ) -> None:
        """An archive has been committed and named.

        Args:
            reservation: what was set aside for it; given back in the same moment, so that
                its bytes never count twice.
        """
        with self._lock:
            if reservation is not None:
                self._reserved -= reservation.size
                self._written -= reservation.written
                reservation.size = reservation.written = 0
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
        """Reserve `delta` more bytes, or give some back when negative.

        Raises:
            StorageFullError: there is no room, also after eviction.
            StorageFailedError: the disk reported an error while room was made.
        """
        if delta <= 0:
            with self._lock:
                self._reserved += delta
            return
        with self._naming:
            with self._lock:
                victims = self._choose(delta)
                self._reserved += delta
            try:
                while victims:
                    self._evict(victims[0])
                    victims.pop(0)
            except BaseException:
                with self._lock:
                    self._reserved -= delta
                    for victim in victims:
                        self._take(victim)
                raise

    @contextmanager
    def naming(self) -> Iterator[None]:
        """For setting names: meanwhile no eviction drops any. Blocks while one is under way."""
        with self._naming:
            yield

    def wrote(self, delta: int) -> None:
        """So many bytes of what is reserved lie on the disk now, or no longer when negative."""
        with self._lock:
            self._written += delta

    def _choose(self, wanted: int) -> list["_Victim"]:
        """What must go. It is not counted any more when this returns."""
        over_limit = self._used + self._reserved + wanted - self._limit
        unwritten = self._reserved - self._written
        over_disk = self._floor + unwritten + wanted - self._folder.free_bytes()
        need = max(over_limit, over_disk)
        if need <= 0:
            return []
        victims = choose_victims(map(self._cached, self._archives.items()), need=need)
        if sum(self._archives[digest].size for digest in victims) < need:
            raise StorageFullError(
                f"there is no room for {wanted:,} more bytes: the store holds {self._used:,} of "
                f"{self._limit:,}, the disk has {self._folder.free_bytes():,} left",
                remedy="Raise `store.budget`, unpin modules, or free space on the disk.",
            )
        return [self._give_up(digest) for digest in victims]

    def _give_up(self, digest: Digest) -> "_Victim":
        held = self._archives.pop(digest)
        self._used -= held.size
        return _Victim(digest, held, self._names.pop(digest, set()))

    def _take(self, victim: "_Victim") -> None:
        self._archives[victim.digest] = victim.held
        self._names[victim.digest] = victim.names
        self._used += victim.held.size

    def _cached(self, item: tuple[Digest, Held]) -> CachedBlob:
        digest, held = item
        names = self._names.get(digest, ())
        stays = digest in self._readers or any(self._stays(exact, form) for exact, form in names)
        return CachedBlob(digest=digest, size=held.size, used_at=held.used_at, held=stays)

    def _stays(self, exact: Handle, form: Format) -> bool:
        ref = self._refs.get(exact, form)
        if ref is not None and ref.kept:
            return True
        return any(fnmatchcase(str(exact), pattern) for pattern in self._pinned)

    def _evict(self, victim: "_Victim") -> None:
        # Names first: a power cut in between leaves an archive without a name, never a
        # name without its archive.
        with disk_errors():
            for exact, form in victim.names:
                ref = self._refs.get(exact, form)
                if ref is not None and ref.archive_digest == victim.digest:
                    self._refs.drop(exact, form)
            self._blobs.remove(victim.digest)
        event("store.evicted", digest=victim.digest, bytes=victim.held.size)


@dataclass(frozen=True, slots=True)
class _Victim:
    digest: Digest
    held: Held
    names: set[tuple[Handle, Format]]


class Reservation:
    """Bytes set aside for one module; to be set to 0 unless they have become an archive."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.size = 0
        self.written = 0

    def wrote(self, size: int) -> None:
        """Say that `size` bytes of it lie on the disk."""
        self._budget.wrote(size - self.written)
        self.written = size

    def grow(self, size: int) -> None:
        """Set the reservation to `size` bytes, evicting if need be.

        Raises:
            StorageFullError: there is no room, also after eviction.
            StorageFailedError: the disk reported an error while room was made.
        """
        self._budget.change(size - self.size)
        self.size = size
        if self.written > size:
            self.wrote(size)
