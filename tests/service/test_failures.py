"""What failed lately."""

from traceback import walk_tb

import pytest

from hubproxy.errors import (
    HubproxyError,
    MismatchError,
    StorageFailedError,
    StorageFullError,
    TrustListError,
    UpstreamError,
    UpstreamNotFoundError,
)
from hubproxy.service.failures import CircuitBreaker, NegativeCache


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def failures(clock: Clock) -> NegativeCache:
    return NegativeCache(clock, jitter=lambda: 0.5)


def seconds_of(failures: NegativeCache, clock: Clock, key: str = "a") -> float:
    """For how long a failure is told, to a quarter of a second."""
    began, waited = clock.now, 0.0
    while True:
        clock.now = began + waited
        try:
            failures.check(key)
        except HubproxyError:
            waited += 0.25
        else:
            return waited


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (UpstreamError("reset"), 1),
        (UpstreamError("busy", retry_after=7), 7),
        (UpstreamError("busy", retry_after=0), 1),
        (UpstreamError("forbidden", transient=False), 30),
        (UpstreamNotFoundError("gone", transient=False), 60),
        (MismatchError("wrong bytes"), 30),
        (StorageFullError("full"), 1),
        (StorageFailedError("EIO"), 1),
        (TrustListError("TRUST_UNREACHABLE", "away"), 1),
        (TrustListError("HP-T09", "forged"), 30),
    ],
    ids=str,
)
def test_a_failure_is_told_again_for_a_while(
    failures: NegativeCache, clock: Clock, error: HubproxyError, seconds: float
) -> None:
    failures.check("a")
    failures.failed("a", error)
    with pytest.raises(type(error), match=str(error)):
        failures.check("a")
    failures.check("b")
    assert seconds_of(failures, clock) == seconds


def test_each_failure_is_told_twice_as_long_up_to_a_minute(
    failures: NegativeCache, clock: Clock
) -> None:
    told = []
    for _ in range(9):
        failures.failed("a", UpstreamError("reset"))
        told.append(seconds_of(failures, clock))
    assert told == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    failures.succeeded("a")
    failures.failed("a", UpstreamError("reset"))
    assert seconds_of(failures, clock) == 1


@pytest.mark.parametrize(("jitter", "seconds"), [(0, 30), (0.5, 40), (1, 50)])
def test_the_times_of_many_keys_spread(clock: Clock, jitter: float, seconds: float) -> None:
    failures = NegativeCache(clock, jitter=lambda: jitter)
    failures.failed("a", UpstreamError("x", retry_after=40))
    assert seconds_of(failures, clock) == seconds


def test_a_success_is_no_failure(failures: NegativeCache) -> None:
    failures.succeeded("a")
    failures.failed("a", MismatchError("wrong"))
    failures.succeeded("a")
    failures.check("a")


def test_the_oldest_of_too_many_failures_is_forgotten(failures: NegativeCache) -> None:
    for key in range(10_001):
        failures.failed(key, MismatchError("wrong"))
    failures.check(0)
    for key in (1, 10_000):
        with pytest.raises(MismatchError):
            failures.check(key)


def test_an_error_told_to_many_does_not_keep_the_frames_of_all(failures: NegativeCache) -> None:
    failures.failed("a", MismatchError("wrong"))
    for _ in range(50):
        with pytest.raises(MismatchError) as caught:
            failures.check("a")
    assert len(list(walk_tb(caught.value.__traceback__))) < 10


def a_breaker(clock: Clock, failures: int = 0) -> CircuitBreaker:
    breaker = CircuitBreaker(clock, threshold=3, jitter=lambda: 0.5)
    for _ in range(failures):
        breaker.failed()
    return breaker


def test_a_breaker_opens_after_failures_in_a_row(clock: Clock) -> None:
    breaker = a_breaker(clock, 2)
    breaker.check("tfhub.dev")
    breaker.succeeded()
    breaker.failed()
    breaker.failed()
    breaker.check("tfhub.dev")
    breaker.failed()
    assert breaker.open
    with pytest.raises(UpstreamError, match=r"tfhub.dev failed 3 times in a row; next try in 5 s"):
        breaker.check("tfhub.dev")


def test_an_open_breaker_says_when_to_come_back(clock: Clock) -> None:
    breaker = a_breaker(clock, 3)
    clock.now += 2
    with pytest.raises(UpstreamError) as caught:
        breaker.check("tfhub.dev")
    assert caught.value.retry_after == 3
    assert "already in the store are served" in caught.value.remedy


def test_one_tries_while_the_others_wait_for_what_it_finds(clock: Clock) -> None:
    breaker = a_breaker(clock, 3)
    clock.now += 5
    assert not breaker.open
    breaker.check("tfhub.dev")
    with pytest.raises(UpstreamError):
        breaker.check("tfhub.dev")
    breaker.succeeded()
    breaker.check("tfhub.dev")
    breaker.check("tfhub.dev")


def test_one_who_tries_and_never_tells_is_followed_by_another(clock: Clock) -> None:
    breaker = a_breaker(clock, 3)
    clock.now += 5
    breaker.check("tfhub.dev")
    clock.now += 10
    breaker.check("tfhub.dev")


def test_it_stays_open_twice_as_long_each_time_up_to_five_minutes(clock: Clock) -> None:
    breaker, waits = a_breaker(clock, 2), []
    for _ in range(8):
        breaker.failed()
        with pytest.raises(UpstreamError) as caught:
            breaker.check("tfhub.dev")
        assert caught.value.retry_after is not None
        waits.append(caught.value.retry_after)
        clock.now += waits[-1]
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300]


def test_a_hub_that_is_down_for_ever_is_still_tried(clock: Clock) -> None:
    breaker = a_breaker(clock, 5000)
    assert breaker.open
    clock.now += 300
    breaker.check("tfhub.dev")
