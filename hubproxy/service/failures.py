"""What failed lately: remembered briefly, so that a broken upstream is left in peace."""

import random
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from hubproxy.errors import (
    HubproxyError,
    StorageFailedError,
    StorageFullError,
    TrustListError,
    UpstreamError,
    UpstreamNotFoundError,
)

_MOST = 10_000


@dataclass(slots=True)
class _Failure:
    error: HubproxyError
    until: float
    times: int


class NegativeCache:
    """The last failure of each fetch, told again until it is time to try once more.

    Args:
        clock: seconds, monotonic.
        jitter: a random number from 0 to 1.

    """

    def __init__(
        self, clock: Callable[[], float], jitter: Callable[[], float] = random.random
    ) -> None:
        self._clock, self._jitter = clock, jitter
        self._failures: dict[Hashable, _Failure] = {}

    def check(self, key: Hashable) -> None:
        """Raise the remembered failure of `key`, if it is still to be believed."""
        failure = self._failures.get(key)
        if failure is not None and self._clock() < failure.until:
            raise failure.error.with_traceback(None)

    def failed(self, key: Hashable, error: HubproxyError) -> None:
        """Remember a failure: doubling from 1 s to 60 s, longer for what asking cannot mend."""
        times = 1 + (self._failures[key].times if key in self._failures else 0)
        seconds: float = min(60, 2 ** min(times - 1, 6))
        if isinstance(error, UpstreamNotFoundError):
            seconds = 60
        elif isinstance(error, UpstreamError) and error.retry_after is not None:
            seconds = max(seconds, error.retry_after)
        elif not _may_pass(error):
            seconds = max(seconds, 30)
        seconds *= 0.75 + self._jitter() / 2
        self._failures.pop(key, None)
        self._failures[key] = _Failure(error, self._clock() + seconds, times)
        if len(self._failures) > _MOST:
            del self._failures[next(iter(self._failures))]

    def succeeded(self, key: Hashable) -> None:
        self._failures.pop(key, None)


def _may_pass(error: HubproxyError) -> bool:
    """Whether it may be over in a moment: an upstream's bad minute, a disk until it has room."""
    if isinstance(error, UpstreamError):
        return error.transient
    if isinstance(error, TrustListError):
        return error.code == "TRUST_UNREACHABLE"
    return isinstance(error, StorageFullError | StorageFailedError)


class CircuitBreaker:
    """Stops asking an upstream that does not answer at all, and tries one request now and then.

    Args:
        clock: seconds, monotonic.
        threshold: failures in a row that open it.
        jitter: a random number from 0 to 1.

    """

    def __init__(
        self,
        clock: Callable[[], float],
        threshold: int = 5,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._clock, self._threshold, self._jitter = clock, threshold, jitter
        self._failures = 0
        self._closed_again = 0.0

    @property
    def open(self) -> bool:
        return self._failures >= self._threshold and self._clock() < self._closed_again

    def check(self, hub: str) -> None:
        """Raise while the breaker is open.

        Raises:
            UpstreamError: the hub has failed too often to be asked now.
        """
        if self.open:
            seconds = self._closed_again - self._clock()
            raise UpstreamError(
                f"{hub} failed {self._failures} times in a row; next try in {seconds:.0f} s",
                remedy="Modules already in the store are served meanwhile.",
                retry_after=seconds,
            )
        if self._failures >= self._threshold:
            # One request goes ahead to try; the others wait for what it finds.
            self._closed_again = self._clock() + 10

    def failed(self) -> None:
        self._failures += 1
        if self._failures >= self._threshold:
            seconds = min(300.0, 5.0 * 2 ** min(self._failures - self._threshold, 6))
            self._closed_again = self._clock() + seconds * (0.75 + self._jitter() / 2)

    def succeeded(self) -> None:
        self._failures = 0
