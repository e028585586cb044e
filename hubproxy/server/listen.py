"""The listeners: accept, serve, and drain when told to stop."""

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from hubproxy.errors import ConfigError
from hubproxy.logs import event
from hubproxy.server.edge import Door, Edge
from hubproxy.server.frontend import Frontend

_BACKLOG = 1024


@asynccontextmanager
async def accepting(front: Frontend, *, drain: float) -> AsyncIterator[None]:
    """Look after what comes in while the block runs; ports are opened inside of it.

    At the end, what is being sent has `drain` seconds.
    """
    async with front.connections.swept():
        try:
            yield
        finally:
            front.connections.stop()
            await front.handlers.shutdown(drain)
            await front.connections.end()


@asynccontextmanager
async def listening(front: Frontend, door: Door, listen: str, setting: str) -> AsyncIterator[str]:
    """Let connections in by a door at `host:port`; port 0 lets the system choose. Gives the URL.

    Args:
        setting: what `listen` comes from.

    Raises:
        ConfigError: the address cannot be listened on.
    """
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        server = await asyncio.get_running_loop().create_server(
            lambda: Edge(front, door), host, int(port), backlog=_BACKLOG
        )
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {listen}: {error.strerror or error}",
            remedy=f"Set `{setting}` to a free address of this host.",
        ) from error
    try:
        yield _url(server.sockets[0])
    finally:
        server.close()


def _url(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def until_told(reload: Callable[[], Awaitable[None]], minding: Callable[[], None]) -> None:
    """Wait for SIGTERM or SIGINT; each SIGHUP calls `reload`.

    Args:
        reload: what comes while it runs is minded after it.
        minding: is called once signals no longer end the process.
    """
    loop, stop, hang_up = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, hang_up.set)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    async def reloading() -> None:
        while True:
            await hang_up.wait()
            hang_up.clear()
            try:
                await reload()
            except Exception as error:  # noqa: BLE001  # else no later SIGHUP would be minded
                event("reload.crashed", logging.ERROR, error=repr(error))

    task = asyncio.create_task(reloading())
    try:
        minding()
        await stop.wait()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)
