"""What the edges of all ports share."""

import re
from dataclasses import dataclass, field
from secrets import token_hex

from hubproxy.errors import AuthenticationError, HubproxyError
from hubproxy.protocols.head import Head
from hubproxy.server.app import App
from hubproxy.server.connections import Connections
from hubproxy.server.handler import Handlers
from hubproxy.server.identity import Callers, challenge

_MOST_HOPS = 16
_HOP = re.compile(r"1\.1 hubproxy-[0-9a-f]{16}")


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

        Only what other hubproxies have written is passed on: a fetch is for everybody who waits
        for it, so the first one's text must not decide what comes of it.

        Raises:
            LoopError: this proxy stands in it.
        """
        hops = [hop for hop in head.tokens("via") if _HOP.fullmatch(hop)][-_MOST_HOPS:]
        if f"1.1 {self.pseudonym}" in hops:
            raise LoopError(
                "the request has come through this proxy before",
                remedy="A hub's `url`, or HTTPS_PROXY where hubproxy runs, leads back to it.",
            )
        return ", ".join([*hops, f"1.1 {self.pseudonym}"])

    def challenge(self, error: HubproxyError) -> dict[str, str]:
        """The headers that ask for credentials, where it is these that are missing."""
        if not isinstance(error, AuthenticationError) or error.status not in (401, 407):
            return {}
        return challenge(error.status, self.callers.realm)
