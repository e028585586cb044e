"""One transfer: attempts, resuming, and patience."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from hubproxy.core.fetching import Incoming, Resume
from hubproxy.core.handle import Handle
from hubproxy.errors import (
    DeniedError,
    MismatchError,
    UpstreamError,
    UpstreamNotFoundError,
)
from hubproxy.service.transfer import Transfers

SPICE = Handle.parse("tfhub.dev/google/spice/2")
WHOLE = bytes(range(200))
ETAG = '"one"'


@dataclass(frozen=True)
class Reply:
    """What one request is answered: bytes [start, end) of WHOLE, and then perhaps an error.

    With `error` and no bytes at all, the answer does not even begin.
    """

    start: int = 0
    end: int = len(WHOLE)
    error: Exception | None = None
    validator: str = ETAG


@dataclass
class Hub:
    """An upstream that plays back replies, the last one for ever."""

    replies: list[Reply]
    asked: list[Resume | None] = field(default_factory=list)

    def check(self, exact: Handle) -> None:
        """It may be asked."""

    @asynccontextmanager
    async def open(self, exact: Handle, *, resume: Resume | None = None) -> AsyncIterator[Incoming]:
        self.asked.append(resume)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if reply.error is not None and reply.start == reply.end:
            raise reply.error
        yield Incoming(
            offset=reply.start,
            length=None,
            media_type="application/gzip",
            validator=reply.validator,
            url=f"https://{exact}",
            body=self._body(reply),
        )

    async def _body(self, reply: Reply) -> AsyncIterator[bytes]:
        for at in range(reply.start, reply.end, 7):
            yield WHOLE[at : min(at + 7, reply.end)]
        if reply.error is not None:
            raise reply.error


class Sink:
    """Keeps what it was fed, one text for each attempt."""

    def __init__(self, refuse_at: int = 1000) -> None:
        self.attempts: list[bytes] = []
        self.open = 0
        self._refuse_at = refuse_at

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator["Sink"]:
        self.attempts.append(b"")
        self.open += 1
        assert self.open == 1
        try:
            yield self
        finally:
            self.open -= 1

    async def write(self, piece: bytes) -> None:
        self.attempts[-1] += piece
        if len(self.attempts[-1]) > self._refuse_at:
            raise MismatchError("chunk 1 is wrong")

    async def finish(self) -> bytes:
        return self.attempts[-1]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def transfers(
    hub: Hub,
    clock: Clock,
    *,
    attempts: int = 4,
    at_once: int = 8,
    answered: Callable[[str, float], None] = lambda _hub, _seconds: None,
) -> Transfers:
    return Transfers(
        {"tfhub.dev": hub},
        attempts=attempts,
        at_once=at_once,
        answered=answered,
        sleep=clock.sleep,
        clock=clock,
    )


BROKEN = UpstreamError("connection reset")


def offsets(hub: Hub) -> list[int]:
    return [resume.offset if resume else 0 for resume in hub.asked]


async def test_a_good_transfer_is_read_once(clock: Clock) -> None:
    hub, sink, answered = Hub([Reply()]), Sink(), []
    got = transfers(hub, clock, answered=lambda name, _: answered.append(name)).read(SPICE, sink)
    assert await got == (WHOLE, "https://tfhub.dev/google/spice/2")
    assert hub.asked == [None]
    assert sink.attempts == [WHOLE]
    assert sink.open == 0
    assert clock.slept == []
    assert answered == ["tfhub.dev"]


async def test_a_broken_transfer_goes_on_where_it_stopped(clock: Clock) -> None:
    hub = Hub([Reply(0, 50, BROKEN), Reply(50, 120, BROKEN), Reply(120)])
    sink = Sink()
    assert (await transfers(hub, clock).read(SPICE, sink))[0] == WHOLE
    assert hub.asked == [None, Resume(50, ETAG), Resume(120, ETAG)]
    assert sink.attempts == [WHOLE]


async def test_a_hub_that_starts_over_is_read_from_the_start(clock: Clock) -> None:
    hub, sink = Hub([Reply(0, 50, BROKEN), Reply(validator='"two"')]), Sink()
    assert (await transfers(hub, clock).read(SPICE, sink))[0] == WHOLE
    assert sink.attempts == [WHOLE[:50], WHOLE]


async def test_the_validator_of_the_answer_in_hand_is_asked_for(clock: Clock) -> None:
    hub = Hub([Reply(0, 50, BROKEN), Reply(0, 80, BROKEN, '"two"'), Reply(80, validator='"two"')])
    await transfers(hub, clock).read(SPICE, Sink())
    assert hub.asked == [None, Resume(50, ETAG), Resume(80, '"two"')]


async def test_without_a_validator_nothing_is_resumed(clock: Clock) -> None:
    hub, sink = Hub([Reply(0, 50, BROKEN, ""), Reply()]), Sink()
    await transfers(hub, clock).read(SPICE, sink)
    assert hub.asked == [None, None]
    assert sink.attempts == [WHOLE[:50], WHOLE]


async def test_before_the_first_byte_there_is_nothing_to_resume(clock: Clock) -> None:
    hub = Hub([Reply(0, 0, BROKEN), Reply()])
    await transfers(hub, clock).read(SPICE, Sink())
    assert hub.asked == [None, None]


async def test_a_hub_that_twice_does_not_go_on_is_asked_for_all(clock: Clock) -> None:
    refused = Reply(0, 0, UpstreamError("416"))
    hub, sink = Hub([Reply(0, 50, BROKEN), refused, refused, Reply()]), Sink()
    assert (await transfers(hub, clock).read(SPICE, sink))[0] == WHOLE
    assert offsets(hub) == [0, 50, 50, 0]
    assert sink.attempts == [WHOLE[:50], WHOLE]


async def test_attempts_end(clock: Clock) -> None:
    hub, sink = Hub([Reply(0, 50, BROKEN), Reply(50, 51, BROKEN)]), Sink()
    with pytest.raises(UpstreamError, match="connection reset"):
        await transfers(hub, clock, attempts=3).read(SPICE, sink)
    assert len(hub.asked) == 3
    assert len(clock.slept) == 2
    assert sink.open == 0


async def test_pauses_grow(clock: Clock) -> None:
    hub = Hub([Reply(0, 0, BROKEN)])
    with pytest.raises(UpstreamError):
        await transfers(hub, clock, attempts=4).read(SPICE, Sink())
    for number, seconds in enumerate(clock.slept, start=1):
        assert 0.1 * 2**number <= seconds <= 0.3 * 2**number


async def test_what_asking_cannot_mend_is_not_asked_again(clock: Clock) -> None:
    hub = Hub([Reply(0, 0, UpstreamError("403", transient=False))])
    with pytest.raises(UpstreamError, match="403"):
        await transfers(hub, clock).read(SPICE, Sink())
    assert len(hub.asked) == 1


async def test_a_hub_that_says_when_is_waited_for(clock: Clock) -> None:
    hub = Hub([Reply(0, 0, UpstreamError("503", retry_after=9)), Reply()])
    await transfers(hub, clock).read(SPICE, Sink())
    assert clock.slept == [9]


async def test_a_hub_that_says_much_later_is_left_in_peace(clock: Clock) -> None:
    hub = Hub([Reply(0, 0, UpstreamError("429", retry_after=3600))])
    with pytest.raises(UpstreamError) as caught:
        await transfers(hub, clock).read(SPICE, Sink())
    assert caught.value.retry_after == 3600
    assert len(hub.asked) == 1


async def test_what_the_sink_refuses_is_not_asked_for_again(clock: Clock) -> None:
    hub, sink = Hub([Reply()]), Sink(refuse_at=100)
    with pytest.raises(MismatchError):
        await transfers(hub, clock).read(SPICE, sink)
    assert len(hub.asked) == 1
    assert sink.open == 0


async def test_an_unknown_hub_is_named_with_the_setting_that_would_add_it(clock: Clock) -> None:
    unknown = Handle.parse("models.example.org/a/1")
    with pytest.raises(DeniedError, match="not a hub that this proxy serves") as caught:
        await transfers(Hub([Reply()]), clock).read(unknown, Sink())
    assert caught.value.status == 404
    assert 'host = "models.example.org"' in caught.value.remedy


async def test_a_hub_that_does_not_answer_is_left_in_peace(clock: Clock) -> None:
    hub = Hub([Reply(0, 0, BROKEN)])
    some = transfers(hub, clock, attempts=1)
    for _ in range(5):
        with pytest.raises(UpstreamError, match="connection reset"):
            await some.read(SPICE, Sink())
    for _ in range(20):
        with pytest.raises(UpstreamError, match="5 times in a row"):
            await some.read(SPICE, Sink())
    assert len(hub.asked) == 5

    clock.now += 10
    hub.replies = [Reply()]
    assert (await some.read(SPICE, Sink()))[0] == WHOLE
    assert (await some.read(SPICE, Sink()))[0] == WHOLE


async def test_a_module_that_always_breaks_off_closes_the_hub_to_no_other(clock: Clock) -> None:
    hub = Hub([Reply(0, 50, BROKEN, "")])
    some = transfers(hub, clock)
    for _ in range(5):
        with pytest.raises(UpstreamError, match="connection reset"):
            await some.read(SPICE, Sink())
    hub.replies = [Reply()]
    assert (await some.read(SPICE.at(3), Sink()))[0] == WHOLE


async def test_a_hub_that_answers_404_is_there(clock: Clock) -> None:
    hub = Hub([Reply(0, 0, BROKEN)])
    some = transfers(hub, clock, attempts=1)
    for _ in range(5):
        with pytest.raises(UpstreamError):
            await some.read(SPICE, Sink())
    clock.now += 10
    hub.replies = [Reply(0, 0, UpstreamNotFoundError("404", transient=False))]
    for _ in range(5):
        with pytest.raises(UpstreamNotFoundError):
            await some.read(SPICE, Sink())


@dataclass
class Slow:
    """An upstream that answers when told to, and counts how many ask at once."""

    go_on: asyncio.Event
    now: int = 0
    most: int = 0

    def check(self, exact: Handle) -> None:
        """It may be asked."""

    def open(
        self, exact: Handle, *, resume: Resume | None = None
    ) -> AbstractAsyncContextManager[Incoming]:
        return self._open(exact)

    @asynccontextmanager
    async def _open(self, exact: Handle) -> AsyncIterator[Incoming]:
        self.now += 1
        self.most = max(self.most, self.now)
        await self.go_on.wait()
        async with Hub([Reply()]).open(exact) as incoming:
            yield incoming
        self.now -= 1


async def test_only_so_many_run_at_once() -> None:
    slow = Slow(asyncio.Event())
    some = Transfers({"tfhub.dev": slow}, attempts=1, at_once=3)

    async def read(sink: Sink) -> bytes:
        async with some.turn():
            return (await some.read(SPICE, sink))[0]

    reading = [asyncio.create_task(read(Sink())) for _ in range(10)]
    while slow.now < 3:
        await asyncio.sleep(0)
    for _ in range(10):
        await asyncio.sleep(0)
    slow.go_on.set()
    assert set(await asyncio.gather(*reading)) == {WHOLE}
    assert slow.most == 3


async def test_a_transfer_that_is_cancelled_gives_its_turn_back() -> None:
    slow, sink = Slow(asyncio.Event()), Sink()
    some = Transfers({"tfhub.dev": slow}, attempts=1, at_once=1)

    async def read() -> None:
        async with some.turn():
            await some.read(SPICE, sink)

    reading = asyncio.create_task(read())
    while not slow.now:
        await asyncio.sleep(0)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    slow.go_on.set()
    async with asyncio.timeout(20), some.turn():
        assert (await some.read(SPICE, sink))[0] == WHOLE
    assert sink.open == 0
