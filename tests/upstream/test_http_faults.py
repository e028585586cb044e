"""Upstreams that fail, lie, dawdle or never end."""

import asyncio
import gc

import pytest

from hubproxy.errors import UpstreamError, UpstreamNotFoundError
from hubproxy.upstream.http import HttpUpstream, Timeouts
from tests import faults
from tests.faults import Fault
from tests.origin import Origin
from tests.upstream.conftest import ARCHIVE, PATH, SPICE, Taken, hub

SOON = Timeouts(connect=5, first_byte=0.2, idle=0.2)


async def refused(upstream: HttpUpstream, why: str) -> tuple[UpstreamError, Taken]:
    taken = Taken()
    with pytest.raises(UpstreamError, match=why) as caught:
        await taken.take(upstream)
    assert "tf-hub-format" not in str(caught.value)
    return caught.value, taken


# Statuses


@pytest.mark.parametrize(
    ("code", "transient"),
    [
        *((204, False), (300, False), (304, False), (400, False), (401, False), (403, False)),
        *((404, False), (410, False), (416, False), (418, False), (429, True), (451, False)),
        *((500, True), (502, True), (503, True), (504, True), (599, True)),
    ],
)
async def test_a_status_says_whether_to_ask_again(
    origin: Origin, upstream: HttpUpstream, code: int, transient: bool
) -> None:
    origin.misbehave(PATH, faults.status(code, "So sorry"))
    error, taken = await refused(upstream, f"upstream answered {code} So sorry$")
    assert error.transient is transient
    assert isinstance(error, UpstreamNotFoundError) is (code in (404, 410))
    assert taken.incoming is None
    assert len(origin.requests) == 1


async def test_a_reason_is_cut_and_cleaned(origin: Origin, upstream: HttpUpstream) -> None:
    origin.misbehave(PATH, faults.status(403, "\x1b[31mno" + "x" * 500))
    error, _ = await refused(upstream, "403|proper HTTP")
    assert str(error).isprintable()
    origin.misbehave(PATH, faults.status(403, "no\xff" + "x" * 500))
    error, _ = await refused(upstream, "answered 403 no")
    assert str(error).isascii()
    assert len(str(error)) < 200


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("120", 120), ("0", 0), ("999999999999", 86_400), ("", None), ("soon", None)),
        *(("-5", None), ("1.5", None), ("Thu, 01 Jan 1970 00:02:00 GMT", 20)),
        *(("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Fri, 01 Jan 2100 00:00:00 GMT", 86_400)),
        *(("Thu, 01 Jan 1970 00:02:00 -0000", 20), ("Thu, 99 Jan 1970 00:00:00 GMT", None)),
    ],
)
@pytest.mark.parametrize("code", [429, 503])
async def test_upstream_says_when_to_ask_again(
    origin: Origin, code: int, text: str, seconds: float | None
) -> None:
    origin.misbehave(PATH, faults.status(code, "Busy", retry_after=text))
    async with HttpUpstream(hub(origin), clock=lambda: 100.0) as upstream:
        error, _ = await refused(upstream, str(code))
    assert error.retry_after == seconds


# Answers that are not what was asked for


@pytest.mark.parametrize(
    ("fault", "why", "transient"),
    [
        (faults.web_page(), "a web page", False),
        (Fault(headers=(("Content-Encoding", "gzip"),)), "Content-Encoding", False),
        (Fault(headers=(("Content-Encoding", "identity, br"),)), "Content-Encoding", False),
        (
            Fault(headers=(("Transfer-Encoding", "gzip, chunked"),), framing="chunked"),
            "strange",
            True,
        ),
        (Fault(lengths=("300000", "300000")), "proper HTTP", True),
        (Fault(lengths=("300000", "5")), "proper HTTP", True),
        (Fault(lengths=("-1",)), "proper HTTP", True),
        (Fault(lengths=("+300000",)), "proper HTTP", True),
        (Fault(lengths=("5, 5",)), "proper HTTP", True),
        (Fault(lengths=("300000",), framing="chunked"), "proper HTTP", True),
        (Fault(lengths=("9" * 40,)), "proper HTTP", True),
        (Fault(endless="headers"), "proper HTTP", True),
        (
            Fault(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: a\x00b\r\n\r\nok"),
            "proper HTTP",
            True,
        ),
        (
            Fault(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX y: z\r\n\r\nok"),
            "proper HTTP",
            True,
        ),
        (Fault(raw=b"SSH-2.0-OpenSSH_9\r\n"), "proper HTTP", True),
        (Fault(raw=b""), "connection broke", True),
        (Fault(raw=b"HTTP/1.1 200 OK\r\nContent-Le"), "connection broke", True),
        (Fault(headers=(("ETag", '"a"'), ("etag", '"b"'))), "ETag twice", True),
    ],
)
async def test_an_answer_that_is_not_one_is_refused(
    origin: Origin, upstream: HttpUpstream, fault: Fault, why: str, transient: bool
) -> None:
    origin.misbehave(PATH, fault)
    error, taken = await refused(upstream, why)
    assert error.transient is transient
    assert taken.incoming is None
    assert len(origin.requests) == 1
    assert (await Taken().take(upstream)).body == ARCHIVE


# Bodies that end early, late or never


@pytest.mark.parametrize("at", [0, 1, 100_000, 299_999])
@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_body_that_ends_early_is_an_error(
    origin: Origin, upstream: HttpUpstream, at: int, framing: faults.Framing
) -> None:
    origin.misbehave(PATH, faults.truncated(at, framing))
    error, taken = await refused(upstream, "connection broke")
    assert error.transient
    assert ARCHIVE.startswith(taken.body)
    assert (await Taken().take(upstream)).body == ARCHIVE


async def test_a_reset_is_an_error(origin: Origin, upstream: HttpUpstream) -> None:
    origin.misbehave(PATH, faults.reset(200_000))
    error, taken = await refused(upstream, "connection broke")
    assert error.transient
    assert ARCHIVE.startswith(taken.body)


async def test_a_length_that_is_too_large_is_an_error(
    origin: Origin, upstream: HttpUpstream
) -> None:
    origin.misbehave(PATH, Fault(lengths=("300001",), cut=300_000))
    _, taken = await refused(upstream, "connection broke")
    assert taken.body == ARCHIVE


async def test_what_follows_an_answer_is_never_read(origin: Origin, upstream: HttpUpstream) -> None:
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    origin.misbehave(PATH, Fault(after=forged), Fault(lengths=("299990",)))
    assert (await Taken().take(upstream)).body == ARCHIVE
    assert (await Taken().take(upstream)).body == ARCHIVE[:299_990]
    assert (await Taken().take(upstream)).body == ARCHIVE
    assert origin.connections == 3


async def test_a_length_over_the_limit_is_refused_unread(origin: Origin) -> None:
    async with HttpUpstream(hub(origin), largest=len(ARCHIVE) - 1) as upstream:
        error, taken = await refused(upstream, "larger than the 299999 bytes")
    assert not error.transient
    assert taken.incoming is None


@pytest.mark.parametrize("framing", ["chunked", "close"])
async def test_an_endless_body_is_cut_at_the_limit(origin: Origin, framing: faults.Framing) -> None:
    origin.misbehave(PATH, Fault(endless="body", framing=framing))
    async with HttpUpstream(hub(origin), largest=1_000_000) as upstream:
        error, taken = await refused(upstream, "larger than")
        await origin.idle()
    assert not error.transient
    assert len(taken.body) <= 1_000_000


async def test_a_body_of_just_the_limit_is_taken(origin: Origin) -> None:
    async with HttpUpstream(hub(origin), largest=len(ARCHIVE)) as upstream:
        assert (await Taken().take(upstream)).body == ARCHIVE


# Time


async def test_an_upstream_that_never_answers_is_given_up(origin: Origin) -> None:
    origin.misbehave(PATH, Fault(raw=b"HTTP/1.1 100 Continue\r\n\r\n" * 3, hold=True))
    async with HttpUpstream(hub(origin), timeouts=SOON) as upstream:
        error, _ = await refused(upstream, r"no answer within 0\.2 s")
        await origin.idle()
    assert error.transient


async def test_a_stall_is_given_up(origin: Origin) -> None:
    origin.misbehave(PATH, faults.stalled(100_000))
    async with HttpUpstream(hub(origin), timeouts=SOON) as upstream:
        error, taken = await refused(upstream, r"nothing came for 0\.2 s, after 100000 bytes")
        await origin.idle()
    assert error.transient
    assert taken.body == ARCHIVE[:100_000]


async def test_a_trickle_is_given_up(origin: Origin) -> None:
    origin.misbehave(PATH, faults.slow(10, 0.01))
    times = Timeouts(total_rate=1_000_000, window=0.1)
    async with HttpUpstream(hub(origin), timeouts=times) as upstream:
        error, taken = await refused(upstream, "slower than 1e.06 bytes/s")
        await origin.idle()
    assert error.transient
    assert ARCHIVE.startswith(taken.body)


async def test_a_reader_that_dawdles_is_not_upstreams_fault(origin: Origin) -> None:
    origin.put(PATH, ARCHIVE * 30)
    times = Timeouts(idle=0.05, total_rate=1_000_000, window=0.05)
    got = 0
    async with (
        HttpUpstream(hub(origin), timeouts=times) as upstream,
        upstream.open(SPICE) as incoming,
    ):
        async for piece in incoming.body:
            if not got:
                await asyncio.sleep(0.2)
            got += len(piece)
    assert got == len(ARCHIVE) * 30


# Leaving early


async def test_a_reader_may_leave_in_the_middle(origin: Origin, upstream: HttpUpstream) -> None:
    origin.misbehave(PATH, faults.stalled(1000))
    async with upstream.open(SPICE) as incoming:
        async for piece in incoming.body:
            assert piece
            break
    await origin.idle()
    assert (await Taken().take(upstream)).body == ARCHIVE


@pytest.mark.parametrize(
    "fault", [faults.stalled(0), faults.stalled(1000), Fault(raw=b"HTTP/1.1 20", hold=True)]
)
async def test_a_cancelled_fetch_leaves_nothing_behind(
    origin: Origin, upstream: HttpUpstream, fault: Fault
) -> None:
    origin.misbehave(PATH, fault)
    before = asyncio.all_tasks()
    fetch = asyncio.create_task(Taken().take(upstream))
    await origin.asked(PATH)
    fetch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetch
    await origin.idle()
    gc.collect()
    assert asyncio.all_tasks() - before == set()
