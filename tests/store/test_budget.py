"""Reserving and evicting."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from hubproxy.core.digest import Descriptor, Digest
from hubproxy.core.handle import Handle
from hubproxy.errors import StorageFailedError, StorageFullError
from hubproxy.store.blobs import Held
from hubproxy.store.budget import Budget, Reservation
from hubproxy.store.refs import Ref
from tests.stores import Store, open_store

SIZE = 1000


def handle(name: str) -> Handle:
    return Handle.parse(f"tfhub.dev/{name}/1")


def keep(store: Store, name: str, used_at: float, *, size: int = SIZE) -> Digest:
    """Keep an archive of `size` bytes under a name, as if last used at that time."""
    found = store.blobs.put(name.encode().ljust(size, b"."))
    ref = Ref(str(Digest.of_hex("0" * 64)), 1, str(found.digest))
    store.refs.put(handle(name), "saved_model", ref)
    store.budget.added(found.digest, Held(size, used_at), handle(name), "saved_model")
    return found.digest


def names(store: Store) -> set[str]:
    """Which modules are there: name and archive, in memory and on disk."""
    named = {exact.path for exact, _, _ in store.refs}
    for exact, _, ref in store.refs:
        assert store.blobs.has(Descriptor(ref.archive_digest, SIZE)), f"{exact} leads nowhere"
    assert len(store.blobs.scan()) == len(named)
    assert store.budget.used == SIZE * len(named)
    return named


@contextmanager
def three_kept(folder: Path, **options: object) -> Iterator[Store]:
    with open_store(folder, limit=3 * SIZE, **options) as store:  # type: ignore[arg-type]  # passed on
        for used_at, name in enumerate(("a/x", "b/x", "c/x")):
            keep(store, name, used_at)
        yield store


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    with three_kept(tmp_path) as store:
        Reservation(store.budget).grow(1)
        assert names(store) == {"b/x", "c/x"}
        Reservation(store.budget).grow(SIZE)
        assert names(store) == {"c/x"}


def test_what_was_just_used_goes_last(tmp_path: Path) -> None:
    with three_kept(tmp_path) as store:
        (first,) = (ref.archive_digest for exact, _, ref in store.refs if exact.path == "a/x")
        store.budget.used_now(first, 10)
        Reservation(store.budget).grow(2 * SIZE)
        assert names(store) == {"a/x"}


def test_the_order_of_use_outlives_a_restart(tmp_path: Path) -> None:
    with three_kept(tmp_path) as store:
        for used_at, name in enumerate(("c/x", "a/x", "b/x")):
            (digest,) = (ref.archive_digest for exact, _, ref in store.refs if exact.path == name)
            os.utime(store.blobs.path(digest), (1000 + used_at, 5))
    with open_store(tmp_path, limit=3 * SIZE) as store:
        assert store.budget.used == 3 * SIZE
        Reservation(store.budget).grow(1)
        assert names(store) == {"a/x", "b/x"}


@pytest.mark.parametrize("pattern", ["tfhub.dev/a/*", "*/a/x/?", "tfhub.dev/a/x/1"])
def test_what_is_pinned_stays(tmp_path: Path, pattern: str) -> None:
    with three_kept(tmp_path, pinned=[pattern]) as store:
        Reservation(store.budget).grow(2 * SIZE)
        assert names(store) == {"a/x"}
        with pytest.raises(StorageFullError):
            Reservation(store.budget).grow(SIZE)
        assert names(store) == {"a/x"}


def test_patterns_tell_case(tmp_path: Path) -> None:
    with three_kept(tmp_path, pinned=["tfhub.dev/A/*"]) as store:
        Reservation(store.budget).grow(3 * SIZE)
        assert names(store) == set()


def test_an_archive_with_two_names_stays_when_one_is_pinned_and_goes_with_both(
    tmp_path: Path,
) -> None:
    with three_kept(tmp_path, pinned=["*/mirror/*"]) as store:
        (_, _, ref), *_ = (found for found in store.refs if found[0].path == "a/x")
        store.refs.put(handle("mirror/x"), "saved_model", ref)
        held = Held(SIZE, 0)
        store.budget.added(ref.archive_digest, held, handle("mirror/x"), "saved_model")
        Reservation(store.budget).grow(2 * SIZE)
        assert {exact.path for exact, _, _ in store.refs} == {"a/x", "mirror/x"}
    with open_store(tmp_path, limit=3 * SIZE) as store:
        Reservation(store.budget).grow(3 * SIZE)
        assert names(store) == set()


def test_what_is_read_stays_until_the_last_reader_has_gone(tmp_path: Path) -> None:
    with three_kept(tmp_path) as store:
        (first,) = (ref.archive_digest for exact, _, ref in store.refs if exact.path == "a/x")
        with store.budget.reading(first):
            with store.budget.reading(first):
                pass
            Reservation(store.budget).grow(2 * SIZE)
            assert names(store) == {"a/x"}
        Reservation(store.budget).grow(SIZE)
        assert names(store) == set()


def test_when_all_that_may_go_is_not_enough_nothing_goes(tmp_path: Path) -> None:
    with three_kept(tmp_path) as store:
        with pytest.raises(StorageFullError, match="no room for 3,001 more bytes") as caught:
            Reservation(store.budget).grow(3 * SIZE + 1)
        assert caught.value.status == 507
        assert names(store) == {"a/x", "b/x", "c/x"}
        Reservation(store.budget).grow(3 * SIZE)


def test_a_reservation_that_was_refused_holds_nothing(tmp_path: Path) -> None:
    with open_store(tmp_path, limit=SIZE) as store:
        reservation = Reservation(store.budget)
        with pytest.raises(StorageFullError):
            reservation.grow(SIZE + 1)
        reservation.grow(0)
        Reservation(store.budget).grow(SIZE)


def test_a_reservation_that_is_given_back_can_be_had_again(tmp_path: Path) -> None:
    with open_store(tmp_path, limit=SIZE) as store:
        for _ in range(3):
            reservation = Reservation(store.budget)
            reservation.grow(SIZE // 2)
            reservation.grow(SIZE)
            reservation.wrote(SIZE)
            with pytest.raises(StorageFullError):
                Reservation(store.budget).grow(1)
            reservation.grow(0)


def test_an_archive_that_is_kept_again_counts_once(tmp_path: Path) -> None:
    with three_kept(tmp_path) as store:
        keep(store, "a/x", 5)
        assert store.budget.used == 3 * SIZE


def test_what_was_reserved_for_an_archive_never_counts_beside_it(tmp_path: Path) -> None:
    """Else the next one would be refused, or evict something, for room that there is."""
    with open_store(tmp_path, limit=2 * SIZE) as store:
        reservation = Reservation(store.budget)
        reservation.grow(SIZE)
        reservation.wrote(SIZE)
        digest = store.blobs.put(b"x" * SIZE).digest
        held = Held(SIZE, 0)
        store.budget.added(digest, held, handle("a/x"), "saved_model", reservation=reservation)
        Reservation(store.budget).grow(SIZE)
        reservation.grow(0)
        assert list(store.blobs.scan()) == [digest]


def test_an_archive_that_is_gone_does_not_count(tmp_path: Path) -> None:
    with three_kept(tmp_path) as store:
        digest = keep(store, "a/x", 5)
        store.budget.forget(digest)
        store.budget.forget(digest)
        store.budget.used_now(digest, 7)
        assert store.budget.used == 2 * SIZE


def test_the_floor_of_the_disk_is_kept(tmp_path: Path) -> None:
    with open_store(tmp_path, floor=1 << 60) as store:
        keep(store, "a/x", 0)
        with pytest.raises(StorageFullError, match="the disk has"):
            Reservation(store.budget).grow(1)
        assert names(store) == {"a/x"}


class SmallDisk:
    """A data folder whose disk has a size."""

    def __init__(self, path: Path, free: int) -> None:
        self.path, self.free = path, free

    def free_bytes(self) -> int:
        return self.free


def test_what_is_reserved_and_written_is_not_asked_of_the_disk_twice(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        disk = SmallDisk(tmp_path, free=20 * SIZE)
        budget = Budget(
            disk,  # type: ignore[arg-type]  # a folder with a disk of its own
            store.blobs,
            store.refs,
            limit=100 * SIZE,
            floor=SIZE,
            pinned=(),
        )
        first = Reservation(budget)
        first.grow(15 * SIZE)
        with pytest.raises(StorageFullError):
            Reservation(budget).grow(5 * SIZE)

        disk.free -= 10 * SIZE
        first.wrote(10 * SIZE)

        Reservation(budget).grow(4 * SIZE)
        with pytest.raises(StorageFullError):
            Reservation(budget).grow(SIZE)
        disk.free += 10 * SIZE
        first.grow(0)
        Reservation(budget).grow(15 * SIZE)


def test_several_at_once_never_get_more_than_there_is(tmp_path: Path) -> None:
    most, lock, held = 0, threading.Lock(), 0
    with open_store(tmp_path, limit=10 * SIZE) as store:
        for number in range(10):
            keep(store, f"a/{number}x", number)

        def use(number: int) -> int:
            nonlocal most, held
            got = 0
            for step in range(30):
                reservation = Reservation(store.budget)
                size = SIZE * (1 + (number + step) % 4)
                try:
                    reservation.grow(size)
                except StorageFullError:
                    continue
                got += 1
                with lock:
                    held += size
                    most = max(most, held)
                with lock:
                    held -= size
                reservation.grow(0)
            return got

        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(use, range(8))) > 0
        assert most <= 10 * SIZE
        assert names(store) is not None
        Reservation(store.budget).grow(10 * SIZE)
        assert names(store) == set()


def test_names_are_dropped_before_the_archive(tmp_path: Path) -> None:
    """Shown from its end: the archive cannot be removed, and its name has gone already."""
    with three_kept(tmp_path) as store:
        digest = keep(store, "a/x", 0)
        blob = store.blobs.path(digest)
        blob.unlink()
        blob.mkdir()
        with pytest.raises(StorageFailedError):
            Reservation(store.budget).grow(1)
        assert {exact.path for exact, _, _ in store.refs} == {"b/x", "c/x"}

        assert store.budget.used == 3 * SIZE  # it still counts, and can be evicted later
        blob.rmdir()
        Reservation(store.budget).grow(1)
        assert store.budget.used == 2 * SIZE


def test_an_eviction_holds_up_nobody_who_reads(tmp_path: Path) -> None:
    with three_kept(tmp_path) as store, store.budget.naming(), ThreadPoolExecutor(1) as threads:
        evicting = threads.submit(Reservation(store.budget).grow, SIZE)
        (last,) = (ref.archive_digest for exact, _, ref in store.refs if exact.path == "c/x")
        with store.budget.reading(last):
            store.budget.used_now(last, 7)
        assert not evicting.done()
        store.budget._naming.release()
        evicting.result(60)
        store.budget._naming.acquire()
        assert names(store) == {"b/x", "c/x"}


def test_a_name_that_leads_elsewhere_by_now_is_kept(tmp_path: Path) -> None:
    with three_kept(tmp_path) as store:
        found = store.blobs.put(b"a newer archive of a/x")
        ref = Ref(str(Digest.of_hex("0" * 64)), 1, str(found.digest))
        store.refs.put(handle("a/x"), "saved_model", ref)
        Reservation(store.budget).grow(1)
        assert store.refs.get(handle("a/x"), "saved_model") == ref


def test_records_are_no_archives(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        record = store.blobs.put(b"a record")
        archive = store.blobs.put(b"an archive")
        ref = Ref(str(record.digest), record.size, str(archive.digest))
        store.refs.put(handle("a/x"), "saved_model", ref)
    with open_store(tmp_path, limit=10) as store:
        assert store.budget.used == archive.size
        Reservation(store.budget).grow(10)
        assert store.blobs.has(record)
        assert not store.blobs.has(archive)
