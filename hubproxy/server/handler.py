"""aiohttp's part of a connection: requests that were read and judged already become answers."""

import asyncio
import logging
from typing import Any, Protocol

from aiohttp import web

from hubproxy.errors import HubproxyError, UsageError
from hubproxy.hops import VIA
from hubproxy.server.app import App
from hubproxy.server.replies import refusal

_NEVER = 10.0**8
"""Seconds: whoever is in front of aiohttp keeps the time."""


class Before(Protocol):
    """Who reads the requests, and waits for their answers."""

    caller: str
    via: str

    def answered(self, *, more: bool) -> None: ...


class Handlers(web.Server):
    """Makes the handler of each connection, and gives those that are busy time at the end."""

    def __init__(self, app: App) -> None:
        super().__init__(self._handle)
        self.app = app
        self._busy: set[asyncio.Task[Any]] = set()

    def open(self, before: Before, transport: asyncio.Transport) -> "Handler":
        """The handler of one connection."""
        handler = Handler(self, before)
        handler.connection_made(transport)
        return handler

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
        handler = request.protocol
        assert isinstance(handler, Handler)
        VIA.set(handler.before.via)
        return await self.app.handle(request, handler.before.caller)


class Handler(web.RequestHandler):
    """One connection's answers. aiohttp's own errors repeat the request, with its secrets."""

    __slots__ = ("_handlers", "before")

    def __init__(self, handlers: Handlers, before: Before) -> None:
        options: dict[str, Any] = {"access_log": None, "keepalive_timeout": _NEVER}
        super().__init__(handlers, loop=asyncio.get_running_loop(), lingering_time=0, **options)
        self._handlers, self.before = handlers, before

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the answer's end, and say that the next request may come."""
        done = await super().finish_response(request, resp, start_time)
        self.before.answered(more=bool(done[0].keep_alive) and not done[1])
        return done

    def release(self) -> None:
        """Leave the connection, which goes on without this handler."""
        self.transport = None
        self.connection_lost(None)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  # it repeats the request
    ) -> web.StreamResponse:
        """Answer what made the app crash, or could not be read after all; then close."""
        told: HubproxyError
        if status < 500:
            told = UsageError("this is no request that this server can read")
        else:
            told = HubproxyError("hubproxy has met an error of its own: see its log")
            logging.getLogger("hubproxy").error("http.crashed", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun, and cannot become another")
        self._handlers.app.refused(request.raw_path, told)
        response = refusal(told)
        response.force_close()
        return response
