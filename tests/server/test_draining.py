"""The end of a daemon: who is answered still, who is cut off, and what stands in the log then."""

import asyncio
from pathlib import Path

import pytest

from tests.faults import stalled
from tests.server.raw import Raw, get
from tests.site import SPICE, Site, large

PATH = "/" + SPICE.partition("/")[2]
ASKED = get(f"/{SPICE}", "User-Agent: Python-urllib/3.11")


async def test_what_is_being_answered_has_its_time_and_nothing_else_has(tmp_path: Path) -> None:
    async with Site(tmp_path, {"server.drain_seconds": 60}) as site:
        await site.session.close()
        wanted = site.put(SPICE, large(1.2))
        await site.approve(SPICE)
        enough = asyncio.Event()
        site.origin.misbehave(PATH, stalled(1000, enough))
        async with Raw(site.url) as busy, Raw(site.url) as idle, Raw(site.forward_url) as other:
            idle.say(get("/-/live"))
            assert (await idle.answer()).status == 200
            busy.say(ASKED + get("/-/live"))
            await site.origin.asked(PATH, 1)
            stopping = asyncio.ensure_future(site.stop())
            for raw in (idle, other):
                assert await raw.rest() == b""
            with pytest.raises(ConnectionRefusedError):
                async with Raw(site.url):
                    pass
            assert not stopping.done()
            enough.set()
            assert (await busy.answer()).body == wanted
            assert await busy.rest() == b""  # although it has asked for more
            await stopping


async def test_when_that_time_is_up_the_rest_is_cut(tmp_path: Path) -> None:
    settings = {"server.drain_seconds": 0.3, "server.header_seconds": 600}
    async with Site(tmp_path, settings) as site:
        await site.session.close()
        site.put(SPICE, large(2.2))
        await site.approve(SPICE)
        site.origin.misbehave(PATH, stalled(6_000_000))
        async with (
            Raw(site.url) as busy,
            Raw(site.forward_url) as silent,
            Raw(site.url, buffer=4096) as deaf,
        ):
            silent.say(b"CONNECT tfhub.dev:443 HTTP/1.0\r\n\r\n")
            await silent.reader.readuntil(b"\r\n\r\n")
            for raw in (busy, deaf):
                raw.say(ASKED)
                await raw.reader.readuntil(b"\r\n\r\n")
            await site.stop()
            assert not (await busy.rest()).endswith(b"0\r\n\r\n")
            assert await silent.rest() == b""
        assert len(site.daemon.front.connections) == 0
        assert [event.event for event in site.events()].count("aborted") == 2
