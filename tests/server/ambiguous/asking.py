"""Ask at a door, and see all that comes until the server closes."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.server.ambiguous.doors import REVERSE, TUNNEL, Door
from tests.server.raw import Answer, Raw
from tests.site import Site

_PATIENCE = 8.0
"""Seconds for the server to close; the sites of these tests allow one for a head."""


@dataclass(frozen=True)
class Told:
    """The first answer, if there was one, what came behind it, and whether the server closed."""

    answer: Answer | None
    behind: bytes
    closed: bool


def trusting(site: Site) -> ssl.SSLContext:
    """What a job of this site has for a TLS context."""
    return ssl.create_default_context(cadata=site.ca_pem.decode())


@asynccontextmanager
async def opened(site: Site, door: Door) -> AsyncIterator[Raw]:
    """A connection on which the next byte is read as a request's first."""
    async with Raw(site.url if door is REVERSE else site.forward_url) as raw:
        if door is TUNNEL:
            await raw.tunnel("tfhub.dev:443", trusting(site))
        yield raw


async def ask(site: Site, door: Door, request: bytes, *, bodiless: bool = False) -> Told:
    """Say this, and no more; the connection is left for the server to close."""
    async with opened(site, door) as raw:
        raw.say(request)
        try:
            async with asyncio.timeout(_PATIENCE):
                answer = None
                try:
                    answer = await raw.answer(bodiless=bodiless)
                except asyncio.IncompleteReadError as ended:
                    return Told(None, ended.partial, closed=True)
                except (EOFError, ConnectionError):
                    return Told(None, b"", closed=True)
                return Told(answer, await raw.rest(), closed=True)
        except TimeoutError:
            return Told(answer, b"", closed=False)
