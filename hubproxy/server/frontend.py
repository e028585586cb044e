"""What the edges of all ports share."""

from dataclasses import dataclass, field
from secrets import token_hex

from hubproxy.errors import AuthenticationError, HubproxyError
from hubproxy.protocols.head import Head
from hubproxy.server.app import App
from hubproxy.server.connections import Connections
from hubproxy.server.handler import Handlers
from hubproxy.server.identity import Callers, challenge

_MOST_HOPS = 16


class LoopError(HubproxyError):
    """The request has come through this very proxy before."""

    code = "LOOP"
    status = 508


@dataclass(frozen=True, slots=True)
class Frontend:
    """One daemon, as its connections see it.

    Args:
        pseudonym: this proxy's name in `Via`.
    """

    app: App
    handlers: Handlers
    connections: Connections
    callers: Callers
    pseudonym: str = field(default_factory=lambda: f"hubproxy-{token_hex(8)}")

    def passed(self, head: Head) -> str:
        """The `Via` of requests upstream that this request causes (RFC 9110, 7.6.3).

        Raises:
            LoopError: this proxy stands in it, or more proxies than any way has.
        """
        hops = head.tokens("via")
        if len(hops) > _MOST_HOPS or any(self.pseudonym in hop.split()[1:2] for hop in hops):
            raise LoopError(
                "the request has come through this proxy before",
                remedy="A hub's `url`, or HTTPS_PROXY where hubproxy runs, leads back to it.",
            )
        return ", ".join([*hops, f"1.1 {self.pseudonym}"])

    def challenge(self, error: HubproxyError) -> dict[str, str]:
        """The headers that ask for credentials, where it is these that are missing."""
        if not isinstance(error, AuthenticationError):
            return {}
        return challenge(error.status, self.callers.realm)
