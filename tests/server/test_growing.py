"""Answers while the module is still on its way, and answers that end early."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hubproxy.core.record import CHUNK_SIZE
from tests import faults
from tests.server.raw import Raw, descriptors, get
from tests.site import PYTHON, SPICE, Got, Site, large, tar_gz

PATH = "/google/spice/2"
CURL = {"User-Agent": "curl/8.5.0"}
AS_PYTHON = "User-Agent: Python-urllib/3.11"
HALFWAY = CHUNK_SIZE + 1_000_000


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with Site(tmp_path) as site:
        yield site


@pytest.fixture
async def wanted(site: Site) -> bytes:
    """The tar of `SPICE`, which is approved and not yet fetched."""
    wanted = site.put(SPICE, large(2.2))
    await site.approve(SPICE)
    return wanted


async def stalled(site: Site) -> asyncio.Event:
    """Begin to fetch; upstream stops halfway until the event is set."""
    go_on = asyncio.Event()
    site.origin.misbehave(PATH, faults.stalled(HALFWAY, until=go_on))
    async with Raw(site.url) as raw:
        raw.say(get(f"/{SPICE}", AS_PYTHON))
        await raw.reader.readuntil(b"\r\n\r\n")
    return go_on


async def test_ranges_of_a_growing_file_are_the_same_as_of_the_whole(
    site: Site, wanted: bytes
) -> None:
    go_on = await stalled(site)
    rows = [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=4194300-4194310", slice(4_194_300, 4_194_311)),
        ("bytes=8000000-", slice(8_000_000, None)),
        ("bytes=-100", slice(-100, None)),
        ("bytes=0-1,4-5", slice(0, None)),
    ]
    tags = (await site.get(SPICE, CURL, method="HEAD")).headers["ETag"]
    asked = [
        asyncio.create_task(site.get(SPICE, {**agent, "Range": header}))
        for agent in (PYTHON, CURL)
        for header, _ in rows
    ]
    right = asyncio.create_task(site.get(SPICE, {**CURL, "Range": "bytes=5-9", "If-Range": tags}))
    wrong = asyncio.create_task(site.get(SPICE, {**CURL, "Range": "bytes=5-9", "If-Range": '"x"'}))
    behind = await site.get(SPICE, {**PYTHON, "Range": f"bytes={len(wanted)}-"})
    assert (behind.status, behind.headers["Content-Range"]) == (416, f"bytes */{len(wanted)}")
    first = await asked[0]
    assert (first.body, first.headers["Transfer-Encoding"]) == (wanted[:1], "chunked")
    assert not asked[2].done()

    go_on.set()

    got = await asyncio.gather(*asked)
    framed = (await wrong).body
    assert gzip.decompress(framed) == wanted
    assert (await right).body == framed[5:10]
    for answer, (_, part) in zip(got, [*rows, *rows], strict=True):
        whole = wanted if answer.headers["Content-Type"] == "application/x-tar" else framed
        assert answer.body == whole[part]
    assert site.fetches(SPICE) == 1


async def test_a_cold_gzip_unpacks_to_exactly_the_tar(site: Site, wanted: bytes) -> None:
    go_on = await stalled(site)
    async with Raw(site.url) as raw:
        raw.say(get(f"/{SPICE}", "User-Agent: curl/8.5.0"))
        answering = asyncio.create_task(raw.answer())
        # What comes for a later request shows that the first one is under way.
        assert (await site.get(SPICE, {**CURL, "Range": "bytes=0-9"})).status == 206
        assert not answering.done()
        go_on.set()
        answer = await answering
    assert answer.headers["transfer-encoding"] == "chunked"
    assert gzip.decompress(answer.body) == wanted


async def test_an_old_client_waits_for_a_length(site: Site, wanted: bytes) -> None:
    go_on = await stalled(site)
    async with Raw(site.url) as raw:
        raw.say(get(f"/{SPICE}", AS_PYTHON, version="1.0"))
        waiting = asyncio.create_task(raw.answer())
        # A later request that is answered at once shows that the first one is held.
        assert (await site.get(SPICE, {**PYTHON, "Range": "bytes=0-9"})).status == 206
        assert not waiting.done()

        go_on.set()

        answer = await waiting
        assert answer.headers["content-length"] == str(len(wanted))
        assert "transfer-encoding" not in answer.headers
        assert answer.body == wanted
        assert await raw.rest() == b""


async def test_a_refusal_behind_the_verified_part_is_on_record(site: Site) -> None:
    files = large(2.2)
    site.put(SPICE, files)
    await site.approve(SPICE)
    name = "variables/variables.data-00000-of-00001"
    site.origin.put(PATH, tar_gz({**files, name: files[name][:-1] + b"?"}))
    go_on = await stalled(site)
    late = asyncio.create_task(site.get(SPICE, {**PYTHON, "Range": "bytes=-10"}))
    old = asyncio.create_task(old_client(site))
    await site.get(SPICE, {**PYTHON, "Range": "bytes=0-9"})

    go_on.set()

    assert (await late).status == await old == 502
    told = [event.status for event in site.events() if event.outcome == "failed"]
    assert told == [502, 502]


async def old_client(site: Site) -> int:
    async with Raw(site.url) as raw:
        raw.say(get(f"/{SPICE}", AS_PYTHON, version="1.0"))
        return (await raw.answer()).status


async def test_a_client_that_hangs_up_leaves_nothing_behind(site: Site, wanted: bytes) -> None:
    await site.get(SPICE)
    await site.settled()
    await site.session.close()
    tasks, before = asyncio.all_tasks(), descriptors()

    async with Raw(site.url, buffer=4096) as raw:
        raw.say(get(f"/{SPICE}", AS_PYTHON))
        head = await raw.reader.readuntil(b"\r\n\r\n")
        assert f"Content-Length: {len(wanted)}".encode() in head
        taken = len(await raw.reader.readexactly(100_000))

    event = await site.recorded("aborted")
    assert (event.outcome, event.code) == ("aborted", "CLIENT_GONE")
    assert taken <= event.bytes < len(wanted)
    while asyncio.all_tasks() - tasks or descriptors() - before:
        await asyncio.sleep(0.01)


async def test_a_client_that_hangs_up_on_a_growing_file_leaves_nothing_behind(
    site: Site, wanted: bytes
) -> None:
    go_on = await stalled(site)  # and that client has hung up already
    async with Raw(site.url, buffer=4096) as raw:
        raw.say(get(f"/{SPICE}", AS_PYTHON))
        await raw.reader.readuntil(b"\r\n\r\n")
    go_on.set()

    assert (await site.get(SPICE)).body == wanted
    await site.settled()
    await site.recorded("aborted")
    await site.session.close()
    await site.origin.stop()
    store = str(site.folder / "data" / "blobs")
    while any(store in name for name in descriptors()):
        await asyncio.sleep(0.01)
    assert [event.outcome for event in site.events()].count("aborted") == 2


async def test_a_client_that_reads_nothing_is_ended_and_the_bytes_it_got_are_on_record(
    tmp_path: Path,
) -> None:
    async with Site(tmp_path, {"server.stall_seconds": 0.5}) as site:
        wanted = site.put(SPICE, large(2.2))
        await site.approve(SPICE)
        await site.get(SPICE)
        await site.settled()
        async with Raw(site.url, buffer=4096) as raw:
            raw.say(get(f"/{SPICE}", AS_PYTHON))

            event = await site.recorded("aborted")

            assert (event.outcome, event.code) == ("aborted", "CLIENT_STALLED")
            got = (await raw.rest()).partition(b"\r\n\r\n")[2]
            assert got == wanted[: event.bytes]
            assert len(got) < len(wanted)


async def test_a_client_that_reads_no_heads_is_ended_as_well(tmp_path: Path) -> None:
    """Its answers are small, but it asks for many: even a head has no room in the end."""
    async with Site(tmp_path, {"server.stall_seconds": 0.5}) as site:
        site.put(SPICE)
        await site.approve(SPICE)
        await site.get(SPICE)
        await site.settled()
        async with Raw(site.url, buffer=4096) as raw:
            for _ in range(100):
                raw.say(get(f"/{SPICE}", AS_PYTHON) * 100)
            event = await site.recorded("aborted")
            assert event.code in ("CLIENT_STALLED", "CLIENT_GONE")  # who noticed first


async def test_what_stopping_cuts_off_is_on_record(site: Site, wanted: bytes) -> None:
    await site.get(SPICE)
    await site.settled()
    async with Raw(site.url, buffer=4096) as raw:
        raw.say(get(f"/{SPICE}", AS_PYTHON))
        await raw.reader.readuntil(b"\r\n\r\n")

        await site.stop()
        event = await site.recorded("aborted")
        assert event.code == "STOPPING"
        got = await raw.rest()
        assert wanted.startswith(got)
        assert len(got) == event.bytes < len(wanted)


async def test_a_tampered_module_is_cut_with_the_code_of_the_error(site: Site) -> None:
    files = large(2.2)
    site.put(SPICE, files)
    await site.approve(SPICE)
    name = "variables/variables.data-00000-of-00001"
    site.origin.put(PATH, tar_gz({**files, name: files[name][:-1] + b"?"}))

    got = await site.get(SPICE)

    assert got.error is not None
    event = await site.recorded("aborted")
    assert (event.code, event.bytes) == ("HP-T03", len(got.body))


async def test_slow_readers_of_a_growing_file_do_not_slow_a_fast_one(
    site: Site, wanted: bytes
) -> None:
    go_on = await stalled(site)
    async with AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(Raw(site.url, buffer=4096)) for _ in range(100)]
        for raw in slow:
            raw.say(get(f"/{SPICE}", AS_PYTHON))
        fast = asyncio.create_task(timed(site))
        go_on.set()

        got, seconds = await fast
        assert got.body == wanted
        assert seconds < 30  # a slow one is only given up after 60
        ended = [event.event for event in site.events()].count("aborted")
        assert ended == 1  # the one that began the fetch
        assert (await slow[50].answer()).body == wanted
    assert site.fetches(SPICE) == 1


async def timed(site: Site) -> tuple[Got, float]:
    clock = asyncio.get_running_loop().time
    begun = clock()
    return await site.get(SPICE), clock() - begun
