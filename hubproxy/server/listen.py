"""The listener: accept, serve, and drain when told to stop."""

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

from aiohttp import web

from hubproxy.errors import ConfigError, HubproxyError, UsageError
from hubproxy.logs import event
from hubproxy.server.app import App
from hubproxy.server.replies import refusal

_SENDERS_FIRST = 2.0
"""Seconds more than a body may stall: what a sender ends is on record, what the system ends not."""


@asynccontextmanager
async def listening(app: App, listen: str, *, drain: float, idle: float = 60) -> AsyncIterator[str]:
    """Serve on `host:port`; port 0 lets the system choose. Gives the URL.

    At the end no new connection is taken, and what is being sent has `drain` seconds. A
    connection on which no whole request has come for `idle` seconds is closed.

    Raises:
        ConfigError: the address cannot be listened on.
    """
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    server = _Server(app, idle=idle)
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


class _Server(web.Server):
    """Tells clients and the log in our words what aiohttp would tell in its own."""

    def __init__(self, app: App, *, idle: float) -> None:
        super().__init__(self._handle)
        self.app = app
        self._busy: set[asyncio.Task[Any]] = set()
        self._idle = idle
        self._quiet_until = 0.0
        self._passed_over = 0

    def __call__(self) -> web.RequestHandler:
        return _Connection(
            self,
            loop=asyncio.get_running_loop(),
            access_log=None,
            keepalive_timeout=self._idle,
            lingering_time=1,
        )

    async def shutdown(self, timeout: float | None = None) -> None:
        """Give what is being sent its time; then cut it, and wait until that is on record."""
        if self._busy:
            await asyncio.wait(self._busy, timeout=timeout)
        for task in self._busy:
            task.cancel()
        await super().shutdown(timeout)  # waits for them

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)
        return await self.app.handle(request)

    def unreadable(self, request: web.BaseRequest, error: BaseException | None) -> None:
        """Log a request that is none: a line a second at most, and nothing of what it holds."""
        now = monotonic()
        if now < self._quiet_until:
            self._passed_over += 1
            return
        event(
            "http.bad_request",
            caller=request.remote,
            error=type(error).__name__,
            passed_over=self._passed_over,
        )
        self._quiet_until, self._passed_over = now + 1, 0


class _Connection(web.RequestHandler):
    """One client's connection. aiohttp's own errors repeat the request, with its secrets."""

    __slots__ = ("_server",)

    def __init__(self, server: _Server, **options: Any) -> None:
        super().__init__(server, **options)
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Have the system end a client that takes nothing of an answer that is no body."""
        seconds = self._server.app.senders.stall + _SENDERS_FIRST
        transport.get_extra_info("socket").setsockopt(
            socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, min(int(seconds * 1000), 2**31 - 1)
        )
        super().connection_made(transport)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  # it repeats the request
    ) -> web.StreamResponse:
        """Answer what could not be read, or what made the app crash; then close."""
        told: HubproxyError
        if status < 500:
            told = UsageError("this is no request that this server can read")
            self._server.unreadable(request, exc)
        else:
            told = HubproxyError("hubproxy has met an error of its own: see its log")
            logging.getLogger("hubproxy").error("http.crashed", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun, and cannot become another")
        self._server.app.refused(request, told)
        response = refusal(told)
        response.force_close()
        return response
