"""Fetches modules over HTTP from one hub, and believes none of it.

Each request has a connection of its own, closed afterwards: nothing that one answer left behind
can become part of the next. Redirects are followed here and not by the library, each hop judged
by `redirects` and each address by `guard`. Errors name URLs without their query, and do not
carry the library's own text, which may show a signed one.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

import aiohttp
from aiohttp import ClientResponse, ClientTimeout, http_parser
from aiohttp.abc import AbstractResolver
from yarl import URL

from hubproxy import __version__
from hubproxy.core.fetching import Incoming, Probed, Resume
from hubproxy.core.handle import Handle
from hubproxy.errors import HubproxyError, UpstreamError, UpstreamForbiddenError
from hubproxy.hops import VIA
from hubproxy.upstream.answers import Answer, accept
from hubproxy.upstream.explain import ask_once, explained
from hubproxy.upstream.guard import Guard, GuardedResolver
from hubproxy.upstream.origin import Origin
from hubproxy.upstream.pace import Bucket, Progress
from hubproxy.upstream.redirects import Redirects, Target
from hubproxy.upstream.tls import harden, tls_context

_MOST_HOPS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_PIECE = 1024 * 1024
_NONE: Mapping[str, str] = MappingProxyType({})
_LARGEST = 64 * 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long upstream may take.

    Args:
        connect: seconds for one address: TCP and TLS.
        first_byte: seconds from asking to the answer's headers, name look-up and redirects
            included.
        idle: seconds without a byte of the body.
        total_rate: bytes per second that a body must reach on average over `window`.
        window: seconds, of waiting for upstream.
    """

    connect: float = 5
    first_byte: float = 30
    idle: float = 60
    total_rate: float = 1024
    window: float = 60


def require_c_parser() -> None:
    """Make sure that aiohttp parses HTTP in C: its Python parser lets requests be smuggled.

    Raises:
        HubproxyError: it does not.
    """
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise HubproxyError(
            "aiohttp runs without its C parser",
            remedy="Unset AIOHTTP_NO_EXTENSIONS, and install aiohttp from a wheel.",
        )


class HttpUpstream:
    """Asks one hub over HTTP. Use it as an async context manager.

    Args:
        rate_limit: bytes per second over all transfers from this hub; None for no limit.
        tls: who vouches for the hub; None for the system's authorities. It is hardened.
        largest: bytes that one module may have.
        resolver: looks names up; None for the system's way. Its answers are guarded.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        timeouts: Timeouts | None = None,
        rate_limit: int | None = None,
        tls: ssl.SSLContext | None = None,
        largest: int = _LARGEST,
        resolver: AbstractResolver | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._origin = origin
        self._timeouts = timeouts or Timeouts()
        self._bucket = Bucket(rate_limit)
        # Small pieces under a limit, so that the transfer is even.
        self._piece = _PIECE if rate_limit is None else max(4096, min(_PIECE, rate_limit // 8))
        self._tls = harden(tls) if tls else tls_context()
        self._largest = largest
        self._resolver = resolver
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        guard = Guard(private=self._origin.private)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                force_close=True,
                limit=0,
                resolver=GuardedResolver(guard, self._resolver),
                socket_factory=guard.socket,
                ssl=self._tls,
                use_dns_cache=False,
            ),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={
                "Accept": "*/*",
                "Accept-Encoding": "identity",
                "User-Agent": f"hubproxy/{__version__}",
            },
            middlewares=(ask_once,),
            read_bufsize=_PIECE,
            # Everything else is timed here, where waiting for our own readers does not count.
            timeout=ClientTimeout(sock_connect=self._timeouts.connect),
            trust_env=False,
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._session is not None:
            await self._session.close()

    def check(self, exact: Handle) -> None:
        """It may be asked."""

    @asynccontextmanager
    async def open(self, exact: Handle, *, resume: Resume | None = None) -> AsyncIterator[Incoming]:
        """Ask for a module's archive, as the `Upstream` port says.

        Raises:
            UpstreamError: it was not delivered; also while `body` is read.
        """
        if resume is not None and not (resume.offset and resume.validator):
            resume = None
        async with self._asked(exact, resume) as (shown, response):
            answer = self._accepted(response, resume, shown)
            if answer.offset + (answer.length or 0) > self._largest:
                raise self._too_large(shown)
            async with aclosing(self._read(response, answer, shown)) as body:
                yield Incoming(
                    offset=answer.offset,
                    length=answer.length,
                    media_type=answer.media_type,
                    validator=answer.validator,
                    url=shown,
                    body=body,
                )

    async def probe(self, exact: Handle, validator: str) -> Probed:
        """Ask whether a module's archive is still the one that had a validator.

        Its bytes are not read: a server that knows conditional requests (RFC 9110) sends none.

        Raises:
            UpstreamError: there was no answer, or a refusal.
        """
        name = "If-None-Match" if validator.startswith('"') else "If-Modified-Since"
        condition = {name: validator} if validator else {}
        async with self._asked(exact, None, condition) as (shown, response):
            if response.status == 304 and validator:
                return Probed(True, validator, None)
            answer = self._accepted(response, None, shown)
        same = bool(validator) and answer.validator == validator
        return Probed(same, answer.validator, answer.length)

    @asynccontextmanager
    async def _asked(
        self, exact: Handle, resume: Resume | None, condition: Mapping[str, str] = _NONE
    ) -> AsyncIterator[tuple[str, ClientResponse]]:
        """The answer, whose body is not read yet, and the URL that it came from."""
        if exact.hub != self._origin.hub or exact.version is None:
            raise ValueError(f"{exact} is not an exact handle of {self._origin.hub}")
        start = self._origin.target(exact)
        try:
            async with asyncio.timeout(self._timeouts.first_byte):
                target, response = await self._ask(start, resume, condition)
        except TimeoutError:
            raise UpstreamError(
                f"{start.shown}: no answer within {self._timeouts.first_byte:g} s"
            ) from None
        try:
            yield target.shown, response
        finally:
            # No await: a cancelled task must still be able to clean up.
            response.close()

    def _accepted(self, response: ClientResponse, resume: Resume | None, shown: str) -> Answer:
        return accept(
            response.status,
            response.reason or "",
            response.headers,
            resume=resume,
            shown=shown,
            now=self._clock(),
        )

    async def _ask(
        self, target: Target, resume: Resume | None, condition: Mapping[str, str]
    ) -> tuple[Target, ClientResponse]:
        """Follow redirects to the answer, whose body is not read yet."""
        redirects = Redirects(target, self._origin.redirects, any_port=self._origin.private)
        seen = {target.url}
        for _ in range(_MOST_HOPS + 1):
            response = await self._get(target, resume, condition, home=redirects.home)
            if response.status not in _REDIRECTS:
                return target, response
            response.close()
            locations = response.headers.getall("Location", [])
            if len(locations) != 1:
                raise UpstreamError(f"{target.shown}: a redirect to nowhere", transient=False)
            target = redirects.follow(target, locations[0])
            if target.url in seen:
                raise UpstreamForbiddenError(
                    f"{target.shown}: redirects in a loop", transient=False
                )
            seen.add(target.url)
        raise UpstreamForbiddenError(
            f"{redirects.home.shown}: more than {_MOST_HOPS} redirects", transient=False
        )

    async def _get(
        self, target: Target, resume: Resume | None, condition: Mapping[str, str], *, home: Target
    ) -> ClientResponse:
        if self._session is None:
            raise RuntimeError("an HttpUpstream is used outside its context")
        headers = dict(condition)
        if resume is not None:
            headers |= {"Range": f"bytes={resume.offset}-", "If-Range": resume.validator}
        if VIA.get():
            headers["Via"] = VIA.get()
        if self._origin.authorization and target.origin == home.origin:
            headers["Authorization"] = self._origin.authorization
        return await self._session.get(
            URL(target.url, encoded=True), headers=headers, allow_redirects=False
        )

    async def _read(
        self, response: ClientResponse, answer: Answer, shown: str
    ) -> AsyncGenerator[bytes, None]:
        """The body, in pieces of up to 1 MiB, as long and as fast as it must be."""
        room = self._largest - answer.offset
        times, loop = self._timeouts, asyncio.get_running_loop()
        progress = Progress(rate=times.total_rate, window=times.window)
        got = 0
        while True:
            began = loop.time()
            with explained(shown):
                try:
                    async with asyncio.timeout(times.idle):
                        piece = await self._next(response)
                except TimeoutError:
                    raise UpstreamError(
                        f"{shown}: nothing came for {times.idle:g} s, after {got} bytes"
                    ) from None
            if not piece:
                break
            got += len(piece)
            if got > room:
                raise self._too_large(shown)
            if answer.length is not None and got > answer.length:
                raise UpstreamError(f"{shown}: more than the {answer.length} bytes promised came")
            if not progress.add(len(piece), loop.time() - began):
                raise UpstreamError(f"{shown}: slower than {times.total_rate:g} bytes/s")
            await self._bucket.take(len(piece))
            yield piece
        if answer.length not in (None, got):
            raise UpstreamError(f"{shown}: {got} bytes of {answer.length} came")

    async def _next(self, response: ClientResponse) -> bytes:
        """The next piece: as it was received, but small and even under a rate limit."""
        if self._piece < _PIECE:
            return await response.content.read(self._piece)
        while True:
            piece, more = await response.content.readchunk()
            if piece or not more:
                return piece

    def _too_large(self, shown: str) -> UpstreamError:
        return UpstreamError(
            f"{shown}: larger than the {self._largest} bytes that a module may have",
            transient=False,
        )
