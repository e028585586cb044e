"""The reverse port, and the inside of an intercepted tunnel."""

from collections.abc import Callable, Coroutine
from math import inf
from typing import Any

from hubproxy.errors import AuthenticationError, HubproxyError
from hubproxy.protocols.destination import ASKS, reverse_target, tunnel_target
from hubproxy.protocols.head import Head, MethodNotAllowedError
from hubproxy.server.app import is_own_page
from hubproxy.server.edge import Edge, end_unread_answers
from hubproxy.server.frontend import Frontend


class ReverseDoor:
    """The port that answers as the hubs would: `GET /<hub>/<module>`."""

    def __init__(self, front: Frontend) -> None:
        self._front = front

    def entered(self, edge: Edge) -> None:
        end_unread_answers(edge.transport, self._front.connections.patience.stall)
        self._front.connections.enter(edge.address)

    def left(self, edge: Edge) -> None:
        self._front.connections.leave(edge.address)

    def caller(self, head: Head, address: str) -> str:
        if is_own_page(head.target) and not head.target.startswith(ASKS):
            return address  # anyone may read them
        return self._front.callers.name(head.get("authorization"), address, status=401)

    def target(self, head: Head) -> str:
        return reverse_target(head)

    def connect(self, head: Head, edge: Edge) -> None:  # noqa: ARG002  # the door's shape
        reverse_target(head)  # says what is wrong
        raise AssertionError("CONNECT has no target here")

    def refused(self, head: Head, error: HubproxyError, edge: Edge) -> None:  # noqa: ARG002  # likewise
        edge.refuse(error)


class TunnelDoor:
    """The inside of an intercepted tunnel: requests for the host that it leads to.

    Args:
        host: canonical.
        outer: the edge that the tunnel is in.
        credentials: those that the tunnel was opened with. They are looked at for each request,
            so that a team whose token was revoked is served no more.
        refuse: has it on record that somebody is not let through any more, then answers.
    """

    def __init__(
        self,
        front: Frontend,
        host: str,
        outer: Edge,
        credentials: str | None,
        refuse: Callable[[HubproxyError, Edge], Coroutine[Any, Any, None]],
    ) -> None:
        self._front, self._host, self._outer = front, host, outer
        self._credentials, self._refuse = credentials, refuse

    def entered(self, edge: Edge) -> None:  # noqa: ARG002  # the door's shape
        self._outer.deadline = inf  # from now on it is the inner one that waits

    def left(self, edge: Edge) -> None:
        """Nothing: the outer edge is the one that counts."""

    def caller(self, head: Head, address: str) -> str:  # noqa: ARG002  # the door's shape
        return self._front.callers.name(self._credentials, address, status=403)

    def target(self, head: Head) -> str:
        return tunnel_target(head, self._host)

    def connect(self, head: Head, edge: Edge) -> None:  # noqa: ARG002  # likewise
        raise MethodNotAllowedError("a tunnel inside a tunnel is not opened")

    def refused(self, head: Head, error: HubproxyError, edge: Edge) -> None:  # noqa: ARG002  # likewise
        if isinstance(error, AuthenticationError):
            edge.run(self._refuse(error, edge))
        else:
            edge.refuse(error)
