"""The listener: accept, serve, and drain when told to stop."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from hubproxy.errors import ConfigError
from hubproxy.server.app import App


@asynccontextmanager
async def listening(app: App, listen: str, *, drain: float) -> AsyncIterator[str]:
    """Serve on `host:port`; port 0 lets the system choose. Gives the URL.

    At the end no new connection is taken, and what is being sent has `drain` seconds.

    Raises:
        ConfigError: the address cannot be listened on.
    """
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    server = web.Server(app.handle, access_log=None)
    runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=drain)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, int(port), backlog=1024)
        try:
            await site.start()
        except OSError as error:
            raise ConfigError(
                f"cannot listen on {listen}: {error.strerror or error}",
                remedy="Set `server.listen` to a free address of this host.",
            ) from error
        bound = runner.addresses[0]
        shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        yield f"http://{shown}:{bound[1]}"
    finally:
        await runner.cleanup()


async def until_told(reload: Callable[[], Awaitable[None]]) -> None:
    """Wait for SIGTERM or SIGINT; each SIGHUP calls `reload`."""
    loop, stop, hang_up = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, hang_up.set)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    async def reloading() -> None:
        while True:
            await hang_up.wait()
            hang_up.clear()
            await reload()

    task = asyncio.create_task(reloading())
    try:
        await stop.wait()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)
