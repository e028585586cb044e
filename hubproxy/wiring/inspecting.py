"""How `hubproxy inspect` gets what does not lie on this machine: into a file, whatever it is."""

import ipaddress
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

from hubproxy.config import Config
from hubproxy.core.handle import Handle
from hubproxy.errors import NotAModelError, UsageError
from hubproxy.service.transfer import Transfers
from hubproxy.store.folder import disk_errors
from hubproxy.store.threads import in_thread
from hubproxy.upstream.guard import forbidden
from hubproxy.upstream.http import HttpUpstream, Timeouts
from hubproxy.upstream.named import NamedUrl
from hubproxy.wiring.upstreams import open_transfers

_ANY = Handle("localhost", "named", 0)
_Moved = Callable[[Handle, int, int | None], None]


async def fetch_handle(config: Config, handle: Handle, into: Path, moved: _Moved) -> None:
    """Fetch a module from its hub.

    Raises:
        UsageError: the handle has no version.
        HubproxyError: it cannot be had.
    """
    if handle.version is None:
        raise UsageError(
            f"{handle} has no version, so it may name another module tomorrow",
            remedy=f"Name one, such as {handle}/1.",
        )
    async with open_transfers(config, moved=moved) as transfers:
        await _read(transfers, handle, into)


async def fetch_url(config: Config, url: str, into: Path, moved: _Moved) -> None:
    """Fetch what a URL names, as a person at a command line expects it.

    It may lie at an address that is not public where the URL's own host does; a redirect from
    a public one may not lead there.

    Raises:
        UsageError: the URL cannot be used.
        HubproxyError: it cannot be had.
    """
    if config.network.offline:
        raise NotAModelError(f"{url} is not fetched: the settings say `network.offline`")
    network = config.network
    try:
        origin = NamedUrl(hub=_ANY.hub, url=url, redirects=("*",))
        private = await in_thread(lambda: _is_private(origin.target(_ANY).host))
        named = NamedUrl(hub=_ANY.hub, url=url, redirects=("*",), private=private)
    except ValueError as error:
        raise UsageError(f"the URL cannot be used: {error}") from error
    timeouts = Timeouts(
        connect=network.connect_seconds,
        first_byte=network.first_byte_seconds,
        idle=network.idle_seconds,
    )
    async with HttpUpstream(
        named, timeouts=timeouts, largest=config.limits.unpacked_bytes
    ) as upstream:
        transfers = Transfers(
            {_ANY.hub: upstream},
            attempts=network.attempts,
            at_once=1,
            moved=lambda _, taken, total: moved(_ANY, taken, total),
        )
        await _read(transfers, _ANY, into)


async def _read(transfers: Transfers, exact: Handle, into: Path) -> None:
    with into.open("wb") as file:
        await transfers.read(exact, _Saving(file))


class _Saving:
    """Takes what comes into a file, from its first byte on with each attempt."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator["_Saving"]:
        self._file.seek(0)
        self._file.truncate()
        yield self

    async def write(self, piece: bytes) -> None:
        with disk_errors():
            self._file.write(piece)

    async def finish(self) -> None:
        with disk_errors():
            self._file.flush()


def _is_private(host: str) -> bool:
    """Whether a host's first address is not public. Looks its name up; blocks."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False  # the fetch itself says so
    address = ipaddress.ip_address(found[0][4][0])
    return forbidden(address) is not None and forbidden(address, private=True) is None
