import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from hubproxy.core.fetching import Incoming, Resume
from hubproxy.core.handle import Handle
from hubproxy.upstream.http import HttpUpstream
from hubproxy.upstream.origin import Origin as Hub
from tests.origin import Origin

SPICE = Handle.parse("tfhub.dev/google/spice/2")
PATH = "/google/spice/2"
ARCHIVE = Random(2).randbytes(300_000)


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    """A hub that has `SPICE`."""
    async with Origin() as origin:
        origin.put(PATH, ARCHIVE)
        yield origin


@pytest.fixture
async def upstream(origin: Origin) -> AsyncIterator[HttpUpstream]:
    """Fetches from `origin`, in good faith."""
    async with HttpUpstream(hub(origin)) as upstream:
        yield upstream


def hub(origin: Origin, **changes: object) -> Hub:
    settings: dict[str, object] = {"hub": "tfhub.dev", "url": origin.url, "private": True}
    return Hub(**(settings | changes))  # type: ignore[arg-type]  # a test's own keywords


@dataclass
class Taken:
    """An answer, and as many of its bytes as came."""

    incoming: Incoming | None = None
    pieces: list[bytes] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def answer(self) -> Incoming:
        assert self.incoming is not None
        return self.incoming

    async def take(self, upstream: HttpUpstream, resume: Resume | None = None) -> "Taken":
        async with upstream.open(SPICE, resume=resume) as self.incoming:
            async for piece in self.incoming.body:
                self.pieces.append(piece)
        return self


class Names(AbstractResolver):
    """A name server that knows these names."""

    def __init__(self, addresses: dict[str, list[str]]) -> None:
        self._addresses = addresses
        self.asked: list[str] = []
        self.closed = False

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        if host not in self._addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=6, flags=0)
            for address in self._addresses[host]
        ]

    async def close(self) -> None:
        self.closed = True
