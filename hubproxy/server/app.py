"""The reverse routes: `GET /<hub>/<path>`, and a few pages of the proxy's own."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import web

from hubproxy.core.audit import Outcome
from hubproxy.core.ranges import UnsatisfiableRangeError
from hubproxy.errors import AuditUnavailableError, HubproxyError
from hubproxy.protocols.tfhub import Request, read_request, split_target
from hubproxy.server.job import Tally
from hubproxy.server.metrics import Metrics
from hubproxy.server.pages import Pages, Visit
from hubproxy.server.replies import Shape, page_reply, refusal, shape, wants_gzip
from hubproxy.server.room import SMALL, Room
from hubproxy.server.sender import Senders
from hubproxy.server.tls import sealing
from hubproxy.service.pull import Body, Pulled, PullThrough

_ROOT = ("", "-", "metrics")


@dataclass(frozen=True, slots=True)
class App:
    """Answers one request: the only place where an error becomes a status."""

    cache: PullThrough
    senders: Senders
    metrics: Metrics
    pages: Pages
    room: Room = field(default_factory=Room)

    async def handle(self, request: web.BaseRequest, caller: str) -> web.StreamResponse:
        """Answer a request that is in good form, with the target of a reverse route."""
        try:
            path = request.raw_path.partition("?")[0]
            if is_own_page(path) or path.split("/", 3)[2:3] == ["-"]:
                return await self._page(request, path, caller)
            hub, path, query = split_target(request.raw_path)
            asked = read_request(hub, path, query)
            return await self._module(request, asked, caller)
        except HubproxyError as error:
            self.refused(request.raw_path, error)
            return refusal(error)

    async def _page(self, request: web.BaseRequest, path: str, caller: str) -> web.StreamResponse:
        visit = Visit(caller, request.method, request.headers)
        response = page_reply(await self.pages.find(path, visit), request.headers)
        size = len(response.body) if isinstance(response.body, bytes) else 0
        if size > SMALL and request.method != "HEAD":
            with self.room.taken(caller, size), suppress(ConnectionError):
                await response.prepare(request)
                await response.write_eof()
        return response

    def refused(self, target: str, error: HubproxyError) -> None:
        """Count a refusal."""
        hub = target.lstrip("/").partition("/")[0]
        outcome = "refused" if error.status < 500 else "failed"
        self.metrics.answered(hub, outcome=outcome, code=error.code)

    async def _module(
        self, request: web.BaseRequest, asked: Request, caller: str
    ) -> web.StreamResponse:
        as_gzip = wants_gzip(asked.as_gzip, request.headers.get("User-Agent", ""))
        if request.method == "HEAD":
            seen = self.cache.look(asked.handle, asked.formats, caller=caller)
        else:
            seen = self.cache.pull(asked.handle, asked.formats, caller=caller)
        async with seen as pulled:
            try:
                plan = shape(
                    pulled.record,
                    request.headers,
                    as_gzip=as_gzip,
                    cache=pulled.entry.cache,
                    reviewed=pulled.reviewed,
                    ranges=request.method == "GET",
                    warnings=pulled.entry.warnings,
                )
            except UnsatisfiableRangeError as error:
                await pulled.refuse(error)
                raise
            if request.method == "HEAD" or plan.status == 304:
                return await self._head(pulled, plan)
            return await self._body(request, pulled, plan)

    async def _head(self, pulled: Pulled, plan: Shape) -> web.StreamResponse:
        outcome: Outcome = "not-modified" if plan.status == 304 else "served"
        await pulled.accept(status=plan.status, size=0, outcome=outcome)
        self.metrics.answered(pulled.record.exact.hub, outcome=outcome)
        response = web.StreamResponse(status=plan.status, headers=plan.headers)
        if plan.status != 304:
            response.content_length = plan.size
        return response

    async def _body(
        self, request: web.BaseRequest, pulled: Pulled, plan: Shape
    ) -> web.StreamResponse:
        # HTTP/1.0 has no chunks: such a client gets a length, and so waits for the last byte.
        old = request.version < (1, 1)
        await pulled.ready(pulled.record.archive.size - 1 if old else plan.start)
        response = web.StreamResponse(status=plan.status, headers=plan.headers)
        body = await pulled.accept(status=plan.status, size=plan.size)
        self.metrics.answered(pulled.record.exact.hub, outcome="served")
        if pulled.growing:
            # To a client that checks neither length nor digest, only a missing last chunk
            # tells that the answer is not whole.
            response.enable_chunked_encoding()
        else:
            response.content_length = plan.size
        await self._send(request, response, pulled, plan, body)
        return response

    async def _send(
        self,
        request: web.BaseRequest,
        response: web.StreamResponse,
        pulled: Pulled,
        plan: Shape,
        body: Body,
    ) -> None:
        """Send head and body; the caller's caller ends the answer, which an abort prevents."""
        hub, tally = pulled.record.exact.hub, Tally()
        try:
            writer = await response.prepare(request)
            transport = request.transport
            if writer is None or transport is None:
                raise ConnectionResetError("the client has gone")
            transport.set_write_buffer_limits(0)
            await writer.drain()
            if transport.is_closing():
                raise ConnectionResetError("the client has gone")
            with sealing(transport) as sealer:
                await self.senders.send(
                    body.descriptor,
                    transport.get_extra_info("socket").fileno(),
                    plan.pieces,
                    tally,
                    growth=body.growth,
                    chunked=response.chunked,
                    sealer=sealer,
                )
        except (OSError, HubproxyError, asyncio.CancelledError) as error:
            await self._abort(request, pulled, tally, error)
            if isinstance(error, asyncio.CancelledError):
                raise
        finally:
            self.metrics.sent(hub, cache=pulled.entry.cache, count=tally.sent)

    async def _abort(
        self, request: web.BaseRequest, pulled: Pulled, tally: Tally, error: BaseException
    ) -> None:
        if isinstance(error, HubproxyError):
            error = pulled.explained(error)
        code = _code(error)
        self.metrics.aborted(pulled.record.exact.hub, code=code)
        try:
            with suppress(AuditUnavailableError):  # which has said so itself
                await pulled.aborted(sent=tally.sent, code=code, reason=str(error))
        finally:
            if request.transport is not None:
                request.transport.abort()


def is_own_page(target: str) -> bool:
    """Whether a target is of the proxy's own pages."""
    return target.partition("?")[0].split("/", 2)[1:2] in ([name] for name in _ROOT)


def _code(error: BaseException) -> str:
    """Why a body was not sent to its end."""
    if isinstance(error, HubproxyError):
        return error.code
    if isinstance(error, TimeoutError):
        return "CLIENT_STALLED"
    if isinstance(error, ConnectionAbortedError | asyncio.CancelledError):
        return "STOPPING"
    return "CLIENT_GONE" if isinstance(error, ConnectionError) else "STORAGE_FAILED"
