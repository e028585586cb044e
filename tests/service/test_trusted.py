"""The trust list in force."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from traceback import walk_tb

import pytest

from hubproxy.core.digest import Descriptor, Digest
from hubproxy.core.record import Record
from hubproxy.core.trust import Listed, Versions
from hubproxy.core.trustlist import Role, TrustSnapshot
from hubproxy.errors import StorageFullError, TrustListError
from hubproxy.service.records import Records
from hubproxy.service.trusted import TrustKeeper
from tests.made import SPICE, describe
from tests.stores import Store, open_store

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
RECORD = describe(b"an archive")
WRONG = TrustListError("HP-T08", "signed by nobody we know")


def a_list(version: int = 1, *, days: int = 7) -> TrustSnapshot:
    versions = Versions(root=1, timestamp=version, snapshot=version, targets=version)
    targets = {f"{SPICE}/saved_model.json": RECORD.descriptor}
    expires = NOON + timedelta(days=days)
    return TrustSnapshot(versions, expires, {"targets": Role("targets", version, expires, targets)})


@dataclass
class Source:
    """A list's source; what is an error is raised."""

    current: TrustSnapshot | Exception = field(default_factory=a_list)
    kept: TrustSnapshot | TrustListError = field(
        default_factory=lambda: TrustListError("HP-T09", "nothing was kept")
    )
    records: dict[Digest, bytes] = field(default_factory=dict)
    fetched: list[Digest] = field(default_factory=list)

    def refresh(self) -> TrustSnapshot:
        if isinstance(self.current, Exception):
            raise self.current
        return self.current

    def cached(self) -> TrustSnapshot:
        if isinstance(self.kept, Exception):
            raise self.kept
        return self.kept

    def fetch_record(self, wanted: Descriptor) -> bytes:
        self.fetched.append(wanted.digest)
        if wanted.digest not in self.records:
            raise TrustListError("HP-T09", "the source is away")
        return self.records[wanted.digest]


def listed(record: Record) -> Listed:
    return Listed(record.exact, record.format, record.descriptor)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def source() -> Source:
    return Source(records={RECORD.descriptor.digest: RECORD.encode()})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as store:
        yield store


@pytest.fixture
def keeper(source: Source, clock: Clock, store: Store) -> TrustKeeper:
    return TrustKeeper(source, store.modules, clock=clock)


@contextmanager
def refused(code: str, text: str) -> Iterator[None]:
    with pytest.raises(TrustListError, match=text) as caught:
        yield
    assert caught.value.code == code


def test_before_it_was_read_there_is_no_list(keeper: TrustKeeper) -> None:
    with refused("HP-T09", "has not been read yet"):
        keeper.snapshot()
    assert keeper.versions == Versions()
    assert keeper.expires is None


async def test_a_list_that_was_read_is_in_force(keeper: TrustKeeper) -> None:
    await keeper.refresh()
    assert keeper.snapshot() == a_list()
    assert keeper.versions.timestamp == 1
    assert keeper.expires == NOON + timedelta(days=7)
    assert keeper.error is None


async def test_a_newer_list_takes_its_place(keeper: TrustKeeper, source: Source) -> None:
    await keeper.refresh()
    source.current = a_list(2)
    await keeper.refresh()
    assert keeper.versions.timestamp == 2


async def test_a_bad_list_changes_nothing_but_the_error(
    keeper: TrustKeeper, source: Source
) -> None:
    await keeper.refresh()
    source.current, source.kept = WRONG, a_list(9)
    await keeper.refresh()
    assert keeper.snapshot() == a_list()
    assert keeper.error is WRONG
    source.current = a_list(2)
    await keeper.refresh()
    assert keeper.error is None


async def test_a_list_that_has_expired_refuses_until_it_is_renewed(
    keeper: TrustKeeper, source: Source, clock: Clock
) -> None:
    await keeper.refresh()
    clock.now += timedelta(days=7) - timedelta(seconds=1)
    keeper.snapshot()
    clock.now += timedelta(seconds=1)
    with refused("HP-T07", "expired on 2024-03-08 12:00"):
        keeper.snapshot()
    source.current = a_list(2, days=14)
    await keeper.refresh()
    assert keeper.versions.timestamp == 2
    keeper.snapshot()


async def test_at_the_start_what_was_kept_is_better_than_nothing(
    keeper: TrustKeeper, source: Source, clock: Clock
) -> None:
    source.current, source.kept = WRONG, a_list(4)
    await keeper.refresh()
    assert keeper.snapshot() == a_list(4)
    assert keeper.error is WRONG
    clock.now += timedelta(days=8)
    with refused("HP-T07", "expired"):
        keeper.snapshot()


async def test_at_the_start_without_anything_kept_the_reason_is_told(
    keeper: TrustKeeper, source: Source
) -> None:
    source.current = WRONG
    await keeper.refresh()
    for _ in range(50):
        with pytest.raises(TrustListError, match="nobody we know") as caught:
            keeper.snapshot()
    assert len(list(walk_tb(caught.value.__traceback__))) < 10
    source.current = a_list()
    await keeper.refresh()
    keeper.snapshot()


async def test_a_record_is_fetched_once_and_kept(
    keeper: TrustKeeper, source: Source, store: Store, clock: Clock
) -> None:
    for _ in range(3):
        assert await keeper.record(listed(RECORD)) == RECORD
    assert len(source.fetched) == 1
    again = TrustKeeper(source, store.modules, clock=clock)
    source.records.clear()
    assert await again.record(listed(RECORD)) == RECORD
    assert len(source.fetched) == 1


async def test_a_record_that_was_damaged_on_disk_is_fetched_anew(
    keeper: TrustKeeper, source: Source, store: Store, clock: Clock
) -> None:
    await keeper.record(listed(RECORD))
    store.blobs.path(RECORD.descriptor.digest).write_bytes(b"{}")
    again = TrustKeeper(source, store.modules, clock=clock)
    assert await again.record(listed(RECORD)) == RECORD
    assert len(source.fetched) == 2
    assert store.blobs.read(RECORD.descriptor) == RECORD.encode()


async def test_a_record_that_cannot_be_had_refuses(keeper: TrustKeeper, source: Source) -> None:
    source.records.clear()
    with refused("HP-T09", "the source is away"):
        await keeper.record(listed(RECORD))


async def test_a_record_that_is_none_refuses(keeper: TrustKeeper, source: Source) -> None:
    source.records[RECORD.descriptor.digest] = b"{}"
    with refused("HP-T09", f"the record of {SPICE} cannot be read"):
        await keeper.record(listed(RECORD))


async def test_the_least_recently_used_records_leave_memory(source: Source, store: Store) -> None:
    described = [describe(b"x", f"tfhub.dev/google/spice/{number}") for number in range(4)]
    for record in described:
        source.records[record.descriptor.digest] = record.encode()
    records = Records(source, store.modules, memory=3 * described[0].descriptor.size)
    for record in described:
        await records.get(listed(record))
        await records.get(listed(described[0]))
    for record in (described[0], described[1]):
        store.blobs.remove(record.descriptor.digest)
        source.records.clear()
    assert await records.get(listed(described[0])) == described[0]
    with pytest.raises(TrustListError):
        await records.get(listed(described[1]))


async def test_a_record_is_read_once_however_many_ask(source: Source, store: Store) -> None:
    records = Records(source, store.modules)
    found = await asyncio.gather(*(records.get(listed(RECORD)) for _ in range(20)))
    assert found == [RECORD] * 20
    assert len(source.fetched) == 1


async def test_a_list_that_went_backwards_is_refused_though_the_state_was_wiped(
    keeper: TrustKeeper, source: Source
) -> None:
    source.current = a_list(5)
    await keeper.refresh()
    source.current = a_list(4)
    await keeper.refresh()
    assert keeper.versions.timestamp == 5
    assert keeper.error is not None
    assert keeper.error.code == "HP-T08"


async def test_it_is_kept_fresh_though_a_refresh_crashes(
    keeper: TrustKeeper, source: Source
) -> None:
    source.current = ZeroDivisionError()
    keeping = asyncio.create_task(keeper.keep_fresh(0))
    for _ in range(20):
        await asyncio.sleep(0)
    source.current = a_list(5)
    async with asyncio.timeout(20):
        while keeper.versions.timestamp != 5:
            await asyncio.sleep(0)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_a_full_disk_keeps_no_record_from_being_used(
    tmp_path: Path, source: Source, clock: Clock
) -> None:
    class Full:
        async def read_record(self, wanted: Descriptor) -> bytes | None:
            return None

        async def keep_record(self, text: bytes) -> None:
            raise StorageFullError("the store's disk is full")

    keeper = TrustKeeper(source, Full(), clock=clock)  # type: ignore[arg-type]  # all that it asks
    assert await keeper.record(listed(RECORD)) == RECORD
