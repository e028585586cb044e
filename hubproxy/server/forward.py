"""The forward port: what `HTTPS_PROXY` names (RFC 9110, 9.3.6; RFC 9112, 3.2.2).

A CONNECT to a hub is answered here, in the hub's name, and what is asked inside is recorded like
any other request. Anything else is refused, or tunnelled to untouched where the admin allows it:
the audit log has accepted that before the client hears of it, and before a byte passes.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from time import monotonic
from typing import Any, Protocol

from hubproxy.errors import HubproxyError
from hubproxy.protocols.authority import Authority
from hubproxy.protocols.destination import Allowed, connect_target, forward_target, named
from hubproxy.protocols.head import Head
from hubproxy.server.contexts import Contexts
from hubproxy.server.doors import TunnelDoor
from hubproxy.server.edge import Edge, end_unread_answers
from hubproxy.server.frontend import Frontend
from hubproxy.server.relay import Pipe
from hubproxy.server.tls import TlsTransport
from hubproxy.service.tunnels import Tunnels

_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_SILENT = 900.0
"""Seconds after which a tunnel in which nothing moves is closed."""


class Dial(Protocol):
    """Opens connections to other hosts."""

    def dial(
        self, host: str, port: int, protocol: Callable[[], asyncio.Protocol]
    ) -> Awaitable[asyncio.Protocol]: ...


class ForwardDoor:
    """The port that takes proxy requests."""

    def __init__(
        self,
        front: Frontend,
        *,
        allowed: Allowed,
        contexts: Contexts,
        tunnels: Tunnels,
        dialer: Dial,
    ) -> None:
        self._front, self._allowed, self._contexts = front, allowed, contexts
        self._tunnels, self._dialer = tunnels, dialer

    def entered(self, edge: Edge) -> None:
        end_unread_answers(edge.transport, self._front.connections.patience.stall)
        self._front.connections.enter(edge.address)

    def left(self, edge: Edge) -> None:
        self._front.connections.leave(edge.address)

    def caller(self, head: Head, address: str) -> str:
        return self._front.callers.name(head.get("proxy-authorization"), address)

    def target(self, head: Head) -> str:
        return forward_target(head, self._allowed)

    def connect(self, head: Head, edge: Edge) -> None:
        authority = connect_target(head)
        edge.caller = self.caller(head, edge.address)
        if self._allowed.judge(authority) == "tunnel":
            edge.run(self._tunnel(authority, edge))
            return
        context = self._contexts.ready(authority.host)
        if context is None:
            edge.run(self._prepare(authority, head, edge))
        else:
            self._intercept(authority, context, head, edge)

    def refused(self, head: Head, error: HubproxyError, edge: Edge) -> None:
        """Have it on record whom somebody wanted to reach, then answer."""
        authority = named(head)
        if authority is None:
            edge.refuse(error)
        else:
            edge.run(self._refuse(authority, error, edge))

    async def _refuse(self, authority: Authority, error: HubproxyError, edge: Edge) -> None:
        try:
            await self._tunnels.refused(str(authority), edge.caller or edge.address, error)
        except HubproxyError as unrecorded:
            error = unrecorded
        edge.refuse(error)

    async def _prepare(self, authority: Authority, head: Head, edge: Edge) -> None:
        """Intercept with a context that is to be made first."""
        try:
            context = await self._contexts.get(authority.host)
        except Exception as error:  # noqa: BLE001  # likewise
            await self._refuse(authority, _told(error), edge)
        else:
            self._intercept(authority, context, head, edge)

    def _intercept(
        self, authority: Authority, context: ssl.SSLContext, head: Head, edge: Edge
    ) -> None:
        host, credentials = authority.host, head.get("proxy-authorization")

        def refuse(error: HubproxyError, inside: Edge) -> Coroutine[Any, Any, None]:
            return self._refuse(authority, error, inside)

        inner = Edge(self._front, TunnelDoor(self._front, host, edge, credentials, refuse))

        def failed(error: Exception) -> None:
            self._front.connections.unreadable("tls.handshake_failed", edge.address, error)
            self._front.app.metrics.answered(host, outcome="failed", code="TLS_HANDSHAKE")
            edge.transport.close()

        edge.transport.write(_ESTABLISHED)
        edge.enclose(
            TlsTransport(edge.transport, context, inner, failed),
            within=self._front.connections.patience.head,
        )

    async def _tunnel(self, authority: Authority, edge: Edge) -> None:
        try:
            await self._splice(authority, edge)
        except Exception as error:  # noqa: BLE001  # also what nobody foresaw: the client waits
            await self._refuse(authority, _told(error), edge)

    async def _splice(self, authority: Authority, edge: Edge) -> None:
        """Join the client to another host. What passes is counted, not read."""
        assert authority.port is not None
        passed = Passed(edge)
        far = await self._dialer.dial(
            authority.host, authority.port, lambda: Pipe(passed.count, lambda: None)
        )
        assert isinstance(far, Pipe)
        try:
            entry = await self._tunnels.opened(str(authority), edge.caller)
        except BaseException:
            far.transport.abort()
            raise
        near = Pipe(passed.count, lambda: self._tunnels.closed(entry, passed.bytes))
        near.connection_made(edge.transport)
        edge.transport.write(_ESTABLISHED)
        near.join(far)
        end_unread_answers(edge.transport, _SILENT)  # what passes is no answer of ours
        edge.enclose(near, within=_SILENT)


def _told(error: Exception) -> HubproxyError:
    """What a client is told of an error; one that is not meant for it goes to the log."""
    if isinstance(error, HubproxyError):
        return error
    logging.getLogger("hubproxy").error("http.crashed", exc_info=error)
    return HubproxyError("hubproxy has met an error of its own: see its log")


class Passed:
    """Counts what passes a tunnel, and keeps it open while something does."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self.bytes = 0

    def count(self, count: int) -> None:
        self.bytes += count
        self._edge.deadline = monotonic() + _SILENT
