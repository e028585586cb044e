"""The reverse routes: `GET /<hub>/<path>`, and a few pages of the proxy's own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from hubproxy.core.ranges import UnsatisfiableRangeError
from hubproxy.errors import HubproxyError, UsageError
from hubproxy.protocols.tfhub import Request, read_request, split_target
from hubproxy.server.metrics import Metrics
from hubproxy.server.pages import Page, Pages
from hubproxy.server.replies import Shape, problem, reason_phrase, shape, wants_gzip
from hubproxy.server.sender import Senders
from hubproxy.service.pull import Body, Pulled, PullThrough

# RFC 3986 authority without user information: a name, an IPv4 or a bracketed IPv6 address.
_HOST = re.compile(r"(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_ROOT = ("", "-", "metrics")


class MethodNotAllowedError(HubproxyError):
    """Modules are read with GET and HEAD."""

    code = "METHOD_NOT_ALLOWED"
    status = 405


@dataclass(frozen=True, slots=True)
class App:
    """Answers one request: the only place where an error becomes a status."""

    cache: PullThrough
    senders: Senders
    metrics: Metrics
    pages: Pages

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            _check(request)
            target = request.raw_path
            if target.partition("?")[0].split("/", 2)[1] in _ROOT:
                return _page_reply(self.pages.find(target.partition("?")[0]))
            hub, path, query = split_target(target)
            asked = read_request(hub, path, query)
            return await self._module(request, asked)
        except HubproxyError as error:
            hub = request.raw_path.lstrip("/").partition("/")[0]
            outcome = "refused" if error.status < 500 else "failed"
            self.metrics.answered(hub, outcome=outcome, code=error.code)
            return _refusal(error)

    async def _module(self, request: web.BaseRequest, asked: Request) -> web.StreamResponse:
        caller = request.remote or "unknown"
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
                )
            except UnsatisfiableRangeError as error:
                await pulled.accept(status=416, size=0, outcome="refused")
                return _refusal(error, {"Content-Range": f"bytes */{error.size}"})
            return await self._answer(request, pulled, plan)

    async def _answer(
        self, request: web.BaseRequest, pulled: Pulled, plan: Shape
    ) -> web.StreamResponse:
        hub = pulled.record.exact.hub
        response = web.StreamResponse(status=plan.status, headers=plan.headers)
        if request.method == "HEAD" or plan.status == 304:
            await pulled.accept(
                status=plan.status,
                size=0,
                outcome="not-modified" if plan.status == 304 else "served",
            )
            if plan.status != 304:
                response.content_length = plan.size
            self.metrics.answered(hub, outcome="served")
            await response.prepare(request)
            return response
        await pulled.reach(plan.start)
        if request.version < (1, 1):
            await pulled.whole()
        body = await pulled.accept(status=plan.status, size=plan.size)
        self.metrics.answered(hub, outcome="served")
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
        writer = await response.prepare(request)
        transport = request.transport
        if writer is None or transport is None:
            await pulled.aborted(sent=0, reason="the client has gone")
            return
        transport.set_write_buffer_limits(0)
        writer.send_headers()
        await writer.drain()
        try:
            sent = await self.senders.send(
                body.descriptor,
                transport.get_extra_info("socket").fileno(),
                plan.pieces,
                growth=body.growth,
                chunked=response.chunked,
            )
        except (OSError, HubproxyError) as error:
            transport.abort()
            await pulled.aborted(sent=0, reason=str(error))
            return
        self.metrics.served(pulled.record.exact.hub, cache=pulled.entry.cache, sent=sent)
        await response.write_eof()


def _check(request: web.BaseRequest) -> None:
    """Refuse what no client of ours would send, before anything is looked up.

    Raises:
        UsageError: the Host or the request target does not parse.
        MethodNotAllowedError: neither GET nor HEAD.
    """
    hosts = request.headers.getall("Host", [])
    if len(hosts) > 1 or (not hosts and request.version >= (1, 1)):
        raise UsageError("the request must have exactly one Host header")
    if hosts and not _HOST.fullmatch(hosts[0]):
        raise UsageError("the Host header does not parse")
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowedError(f"{request.method[:20]} is not a way to read a module")
    if not request.raw_path.startswith("/"):
        raise UsageError(
            "this port takes no proxy requests",
            remedy="Ask for http://THIS-HOST/<hub>/<module>, or set HUBPROXY_URL.",
        )


def _refusal(error: HubproxyError, more: Mapping[str, str] | None = None) -> web.Response:
    body, headers = problem(error)
    if isinstance(error, MethodNotAllowedError):
        headers["Allow"] = "GET, HEAD"
    return web.Response(
        status=error.status,
        reason=reason_phrase(error),
        body=body,
        headers={**headers, **(more or {})},
    )


def _page_reply(page: Page) -> web.Response:
    return web.Response(
        status=page.status,
        body=page.body,
        headers={
            "Content-Type": page.media_type,
            "Cache-Control": "no-cache",
            "X-Content-Type-Options": "nosniff",
        },
    )
