"""The trust list in force."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from traceback import walk_tb

import pytest

from hubproxy.core.audit import AuditEvent, timestamp
from hubproxy.core.digest import Descriptor
from hubproxy.core.handle import Handle
from hubproxy.core.policy import Policy
from hubproxy.core.trust import Versions
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.errors import StorageFullError, TrustListError
from hubproxy.service.records import Records
from hubproxy.service.trusted import TrustKeeper
from tests.made import SPICE, describe
from tests.service.lists import (
    IDENTITY,
    NOON,
    RECORD,
    Clock,
    Log,
    Source,
    a_list,
    a_role,
    keeping,
    listed,
)
from tests.stores import Store, open_store

WRONG = TrustListError("HP-T08", "signed by nobody we know")


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
async def keeper(source: Source, clock: Clock, store: Store) -> AsyncIterator[TrustKeeper]:
    async with keeping(source, clock, store.modules) as keeper:
        yield keeper


@contextmanager
def refused(code: str, text: str) -> Iterator[None]:
    with pytest.raises(TrustListError, match=text) as caught:
        yield
    assert caught.value.code == code


def said(keeper: TrustKeeper) -> str:
    """What is to be said while the list is in its grace."""
    return keeper.degraded.message if keeper.degraded else ""


def failed(keeper: TrustKeeper) -> str:
    """Why the last refresh failed."""
    return keeper.error.code if keeper.error else ""


async def test_before_it_was_read_there_is_no_list(keeper: TrustKeeper) -> None:
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


class Slow(Source):
    """A source that answers when it is let go."""

    def __init__(self) -> None:
        super().__init__(kept=a_list(1))
        self.asked, self.go_on = 0, threading.Event()

    def refresh(self) -> TrustSnapshot:
        self.asked += 1
        assert self.go_on.wait(30)
        return a_list(2)


async def test_row_5_a_source_that_never_ends_leaves_the_list_that_was_read_before(
    clock: Clock, store: Store
) -> None:
    slow = Slow()
    async with keeping(slow, clock, store.modules, longest=0.05) as keeper:
        try:
            for _ in range(3):
                await keeper.refresh()
                assert failed(keeper) == "TRUST_UNREACHABLE"
                assert keeper.snapshot() == a_list(1)
            assert slow.asked == 1
        finally:
            slow.go_on.set()
        while keeper.versions.timestamp != 2:  # it is the thread that is waited for
            await keeper.refresh()
        assert (failed(keeper), slow.asked) == ("", 1)


async def test_a_source_that_never_ends_is_given_up_at_the_end(clock: Clock, store: Store) -> None:
    slow = Slow()
    async with keeping(slow, clock, store.modules, longest=0.05) as keeper:
        await keeper.refresh()
    slow.go_on.set()


async def test_row_5_the_grace_goes_on_with_a_newer_list_that_came_expired(
    keeper: TrustKeeper, source: Source, clock: Clock
) -> None:
    await keeper.refresh()
    clock.now += timedelta(days=9)
    source.current, source.kept = TrustListError("HP-T07", "expired"), a_list(2, days=8)

    await keeper.refresh()

    assert (keeper.versions.timestamp, failed(keeper)) == (2, "HP-T07")
    assert "expired on 2024-03-09" in said(keeper)


async def test_row_5_an_expired_list_has_its_grace_and_then_refuses_until_it_is_renewed(
    keeper: TrustKeeper, source: Source, clock: Clock
) -> None:
    await keeper.refresh()
    clock.now += timedelta(days=7) - timedelta(seconds=1)
    keeper.snapshot()
    assert said(keeper) == ""

    clock.now += timedelta(seconds=1)
    keeper.snapshot()
    assert "expired on 2024-03-08 12:00 UTC" in said(keeper)

    clock.now += timedelta(days=14)
    with refused("HP-T07", "expired on 2024-03-08 12:00 UTC, grace of 14 days ended"):
        keeper.snapshot()
    assert said(keeper) == ""
    source.current = a_list(2, days=30)
    await keeper.refresh()
    assert keeper.versions.timestamp == 2
    keeper.snapshot()


async def test_row_5_the_grace_is_as_long_as_the_officers_signed(
    keeper: TrustKeeper, source: Source, clock: Clock
) -> None:
    source.current = a_list(policy=Policy(grace_days=3))
    await keeper.refresh()
    clock.now += timedelta(days=10) - timedelta(seconds=1)
    keeper.snapshot()
    clock.now += timedelta(seconds=1)
    with refused("HP-T07", "grace of 3 days ended"):
        keeper.snapshot()


async def test_at_the_start_what_was_kept_is_better_than_nothing(
    keeper: TrustKeeper, source: Source, clock: Clock
) -> None:
    source.current, source.kept = WRONG, a_list(4)
    await keeper.refresh()
    assert keeper.snapshot() == a_list(4)
    assert keeper.error is WRONG
    clock.now += timedelta(days=8)
    keeper.snapshot()
    clock.now += timedelta(days=14)
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
    source.records.clear()
    async with keeping(source, clock, store.modules) as again:
        assert await again.record(listed(RECORD)) == RECORD
    assert len(source.fetched) == 1


async def test_a_record_that_was_damaged_on_disk_is_fetched_anew(
    keeper: TrustKeeper, source: Source, store: Store, clock: Clock
) -> None:
    await keeper.record(listed(RECORD))
    store.blobs.path(RECORD.descriptor.digest).write_bytes(b"{}")
    async with keeping(source, clock, store.modules) as again:
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
    await records.close()


async def test_a_source_that_hangs_holds_up_no_record_that_is_stored(
    source: Source, store: Store
) -> None:
    hung = [describe(b"%d" % number, f"tfhub.dev/google/m{number}/1") for number in range(40)]
    await store.modules.keep_record(RECORD.encode())
    source.let_go, records = threading.Event(), Records(source, store.modules, threads=2)
    waiting = [asyncio.create_task(records.get(listed(record))) for record in hung]
    try:
        while len(source.fetched) < 2:
            await asyncio.sleep(0.001)
        assert await asyncio.wait_for(records.get(listed(RECORD)), 10) == RECORD
    finally:
        source.let_go.set()
        await records.close()
    assert all(await asyncio.gather(*waiting, return_exceptions=True))


async def test_a_record_that_could_not_be_had_is_not_asked_for_again_at_once(
    source: Source, store: Store
) -> None:
    now, nothing = 0.0, Source()
    records = Records(nothing, store.modules, clock=lambda: now)
    for _ in range(20):
        with refused("HP-T09", "the source is away"):
            await records.get(listed(RECORD))
    assert len(nothing.fetched) == 1
    nothing.records, now = source.records, 60.0
    assert await records.get(listed(RECORD)) == RECORD
    await records.close()


async def test_a_record_that_could_not_be_had_is_found_once_it_is_stored(
    source: Source, store: Store
) -> None:
    source.records.clear()
    records = Records(source, store.modules)
    with refused("HP-T09", "the source is away"):
        await records.get(listed(RECORD))
    await store.modules.keep_record(RECORD.encode())
    assert await records.get(listed(RECORD)) == RECORD
    await records.close()


async def test_a_record_is_read_once_however_many_ask(source: Source, store: Store) -> None:
    records = Records(source, store.modules)
    found = await asyncio.gather(*(records.get(listed(RECORD)) for _ in range(20)))
    assert found == [RECORD] * 20
    assert len(source.fetched) == 1
    await records.close()


async def test_row_4_a_list_that_went_backwards_is_refused_though_the_state_was_wiped(
    keeper: TrustKeeper, source: Source
) -> None:
    source.current = a_list(5)
    await keeper.refresh()
    source.current = a_list(4)
    await keeper.refresh()
    assert keeper.versions.timestamp == 5
    assert failed(keeper) == "HP-T08"
    keeper.snapshot()


async def test_row_4_after_a_start_the_log_remembers_what_was_seen(
    source: Source, clock: Clock, store: Store
) -> None:
    log, seen = Log(), Versions(1, 214, 214, 214)
    source.current = source.kept = a_list(210)
    async with keeping(source, clock, store.modules, log=log, seen=seen) as keeper:
        await keeper.refresh()
        with refused("HP-T08", "went backwards: timestamp 210 offered, 214 already seen"):
            keeper.snapshot()
        source.current = a_list(214)
        await keeper.refresh()
        keeper.snapshot()
    assert [(event.code, event.trust) for event in log.events] == [
        ("HP-T08", seen.full),
        ("", seen.full),
    ]


async def test_a_list_is_on_record_before_it_comes_into_force(
    source: Source, clock: Clock, store: Store
) -> None:
    log = Log()
    async with keeping(source, clock, store.modules, log=log) as keeper:
        await keeper.refresh()
        source.roles["nlp"] = a_role("nlp")
        source.current = a_list(2, policy=Policy(mode="enforce"), teams={"nlp": "a/b"})
        log.failing = True
        await keeper.refresh()
        assert keeper.versions.timestamp == 1
        assert failed(keeper) == "AUDIT_UNAVAILABLE"

        log.failing = False
        await keeper.refresh()
        await keeper.refresh()
        assert keeper.versions.timestamp == 2
        assert failed(keeper) == ""
    first, second = log.events
    assert (first.event, first.record, first.trust) == ("trust", IDENTITY, a_list().versions.full)
    assert first.reason == (
        "in force: 1 targets of the officers, "
        "policy: mode first-use, grace of 14 days, until 2024-03-08 12:00 UTC"
    )
    assert second.reason == (
        "in force: 1 targets of the officers, 1 teams, "
        "policy: mode enforce, grace of 14 days, until 2024-03-08 12:00 UTC"
    )


async def test_what_is_new_about_a_list_is_counted(
    source: Source, clock: Clock, store: Store
) -> None:
    log, other = Log(), describe(b"other")
    async with keeping(source, clock, store.modules, log=log) as keeper:
        for number, names in enumerate(["ab", "bcd", "bcd"], start=1):
            descriptor = (RECORD if number < 3 else other).descriptor
            fresh = a_list(number)
            targets = dict.fromkeys(names, descriptor)
            top = replace(fresh.roles["targets"], targets=targets, revoked=frozenset("b"))
            source.current = replace(fresh, roles={"targets": top})
            await keeper.refresh()
    told = [event.reason.split(", policy")[0].split(", until")[0] for event in log.events]
    assert told == [
        "in force: 2 targets of the officers, 1 revoked",
        "in force: 3 targets of the officers, 2 new, 1 gone, 1 revoked",
        "in force: 3 targets of the officers, 3 changed, 1 revoked",
    ]


async def test_a_failure_is_on_record_once_until_it_changes(
    source: Source, clock: Clock, store: Store
) -> None:
    log = Log()
    async with keeping(source, clock, store.modules, log=log) as keeper:
        await keeper.refresh()
        for error in (WRONG, WRONG, TrustListError("TRUST_UNREACHABLE", "no answer")):
            source.current = error
            await keeper.refresh()
        source.current = a_list()
        await keeper.refresh()
        await keeper.refresh()
    assert log.told[1:] == [
        "HP-T08: the trust list was not refreshed: signed by nobody we know",
        "TRUST_UNREACHABLE: the trust list was not refreshed: no answer",
        ": the trust list can be read again, and is the same",
    ]
    assert {event.trust for event in log.events} == {a_list().versions.full}


async def test_a_grace_that_begins_or_ends_is_on_record_once(
    source: Source, clock: Clock, store: Store
) -> None:
    log = Log()
    source.current = a_list(teams={"nlp": "tfhub.dev/nlp/*/*/*"})
    source.roles["nlp"] = a_role("nlp", days=1)
    async with keeping(source, clock, store.modules, log=log) as keeper:
        await keeper.refresh()
        await keeper.known(Handle.parse("tfhub.dev/nlp/bert/1"))
        for days in (2, 2, 8, 8, 16, 22):
            clock.now = NOON + timedelta(days=days)
            await keeper.refresh()
    nlp = "HP-T07: trust list of team nlp expired on 2024-03-02 12:00 UTC"
    until = "what is stored is served until"
    assert log.told[1:] == [
        f"{nlp}; {until} 2024-03-16 12:00 UTC",
        f"HP-T07: trust list expired on 2024-03-08 12:00 UTC; {until} 2024-03-22 12:00 UTC",
        f"{nlp}, grace of 14 days ended",
        "HP-T07: trust list expired on 2024-03-08 12:00 UTC, grace of 14 days ended",
    ]


async def test_row_23_with_a_clock_behind_the_log_nothing_is_answered_or_read(
    source: Source, clock: Clock, store: Store
) -> None:
    log = Log()
    newest = NOON + timedelta(days=3)
    async with keeping(source, clock, store.modules, log=log, newest=newest) as keeper:
        source.kept = a_list()
        await keeper.refresh()
        with refused("HP-T14", "clock is behind the last audited event by 3 days"):
            keeper.snapshot()
        assert keeper.versions == Versions()

        clock.now = newest
        await keeper.refresh()
        keeper.snapshot()
        clock.now -= timedelta(hours=1)
        with refused("HP-T14", "by 1 hour"):
            keeper.snapshot()
    assert [event.code for event in log.events] == ["HP-T14", ""]
    assert {event.time for event in log.events} == {timestamp(newest)}


async def test_refreshes_at_the_same_time_take_the_list_forward_only(
    source: Source, clock: Clock, store: Store
) -> None:
    """A reload and the timer: the earlier answer must not come into force after the later."""

    class Slow(Log):
        async def append(self, event: AuditEvent) -> None:
            for _ in range(20 if event.trust.startswith("root 1, timestamp 1,") else 1):
                await asyncio.sleep(0)
            await super().append(event)

    async with keeping(source, clock, store.modules, log=Slow()) as keeper:
        first = asyncio.create_task(keeper.refresh())
        for _ in range(3):
            await asyncio.sleep(0)
        while not keeper._refreshing.locked():
            await asyncio.sleep(0)
        source.current = a_list(2)
        await asyncio.gather(first, keeper.refresh())
        assert keeper.versions.timestamp == 2


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

    async with keeping(source, clock, Full()) as keeper:
        assert await keeper.record(listed(RECORD)) == RECORD
