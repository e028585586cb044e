"""One transfer per module."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from hubproxy.errors import BusyError, HubproxyError, MismatchError, UpstreamError
from hubproxy.service.failures import NegativeCache
from hubproxy.service.flights import Flights
from hubproxy.service.growth import Growth

Job = Callable[[Growth], Awaitable[None]]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Counted:
    """A job that waits to be let go, and counts how often it was begun."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.begun = 0
        self.go_on = asyncio.Event()
        self.cleaned_up = 0
        self._error = error

    async def __call__(self, growth: Growth) -> None:
        self.begun += 1
        try:
            await self.go_on.wait()
            growth.advance(growth.size)
            if self._error is not None:
                raise self._error
        finally:
            self.cleaned_up += 1


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def flights(clock: Clock) -> Flights:
    return Flights(NegativeCache(clock, jitter=lambda: 0.5))


async def test_many_share_one_job(flights: Flights) -> None:
    job = Counted()
    joined = [flights.join("a", 10, job) for _ in range(50)]
    assert [new for _, new in joined] == [True] + [False] * 49
    assert len({id(growth) for growth, _ in joined}) == 1
    assert len(flights) == 1
    job.go_on.set()
    await asyncio.gather(*(growth.whole() for growth, _ in joined))
    await flights.landed()
    assert job.begun == 1
    assert len(flights) == 0


async def test_other_keys_fly_apart(flights: Flights) -> None:
    job = Counted()
    one, _ = flights.join("a", 10, job)
    two, _ = flights.join(("a", "hit"), 10, job)
    assert one is not two
    job.go_on.set()
    await flights.landed()
    assert job.begun == 2


async def test_what_has_landed_can_fly_again(flights: Flights) -> None:
    job = Counted()
    job.go_on.set()
    for _ in range(2):
        growth, new = flights.join("a", 10, job)
        assert new
        await growth.whole()
        await flights.landed()


async def test_a_failure_reaches_all_and_those_who_come_shortly_after(
    flights: Flights, clock: Clock
) -> None:
    job = Counted(UpstreamError("503"))
    waiting = [asyncio.create_task(flights.join("a", 10, job)[0].whole()) for _ in range(50)]
    await asyncio.sleep(0)
    job.go_on.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(result) for result in results] == ["503"] * 50

    with pytest.raises(UpstreamError, match="503"):
        flights.join("a", 10, job)
    assert job.begun == 1
    clock.now += 1.01
    assert flights.join("a", 10, job)[1]
    await flights.landed()


async def test_a_failure_that_was_mended_is_forgotten(flights: Flights) -> None:
    job = Counted(MismatchError("damaged"))
    job.go_on.set()
    flights.join("a", 10, job)
    await flights.landed()
    with pytest.raises(MismatchError):
        flights.join("a", 10, job)
    flights.forget("a")
    assert flights.join("a", 10, job)[1]
    await flights.landed()


async def test_a_crash_reaches_all_and_is_told_as_ours(flights: Flights) -> None:
    job = Counted(ZeroDivisionError())
    job.go_on.set()
    growth, _ = flights.join("a", 10, job)
    with pytest.raises(HubproxyError, match="ZeroDivisionError") as caught:
        await growth.whole()
    assert caught.value.code == "INTERNAL"
    await flights.landed()
    with pytest.raises(HubproxyError, match="ZeroDivisionError"):
        flights.join("a", 10, Counted())


async def test_there_is_an_end_to_how_many_may_wait(flights: Flights) -> None:
    for number in range(1024):
        flights.join(number, 10, Counted())
    with pytest.raises(BusyError, match="1024 modules"):
        flights.join("one more", 10, Counted())
    assert not flights.join(0, 10, Counted())[1]
    await flights.close()


async def test_a_caller_who_goes_away_cancels_nothing(flights: Flights) -> None:
    job = Counted()
    leader = asyncio.create_task(flights.join("a", 10, job)[0].whole())
    follower = asyncio.create_task(flights.join("a", 10, job)[0].whole())
    await asyncio.sleep(0)
    leader.cancel()
    await asyncio.gather(leader, return_exceptions=True)
    job.go_on.set()
    await follower
    assert job.begun == 1


async def test_a_flight_without_any_caller_lands(flights: Flights) -> None:
    job = Counted()
    only = asyncio.create_task(flights.join("a", 10, job)[0].whole())
    await asyncio.sleep(0)
    only.cancel()
    await asyncio.gather(only, return_exceptions=True)
    job.go_on.set()
    await flights.landed()
    assert job.cleaned_up == 1


async def test_closing_gives_up_what_flies_and_waits_for_it(flights: Flights) -> None:
    job = Counted()
    growth, _ = flights.join("a", 10, job)
    waiting = asyncio.create_task(growth.whole())
    while not job.begun:
        await asyncio.sleep(0)
    await flights.close()
    assert job.cleaned_up == 1
    assert len(flights) == 0
    with pytest.raises(UpstreamError, match="given up"):
        await waiting


async def test_closing_leaves_nobody_waiting_for_what_had_not_begun(flights: Flights) -> None:
    growth, _ = flights.join("a", 10, Counted())
    await flights.close()
    assert len(flights) == 0
    with pytest.raises(UpstreamError, match="given up"):
        async with asyncio.timeout(20):
            await growth.whole()
    async with asyncio.timeout(20):
        await flights.landed()
