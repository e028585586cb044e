"""Who a request comes from, and what a client is told that has to say so."""

from collections.abc import Callable

from hubproxy.core.access import Teams
from hubproxy.errors import AuthenticationError


class Callers:
    """Names callers: by their team, or by their address where that is enough.

    Args:
        teams: gives the teams as they are now.
        required: whether nobody passes without a token.
        realm: tells people where a token comes from.
    """

    def __init__(self, teams: Callable[[], Teams], *, required: bool, realm: str) -> None:
        self._teams = teams
        self._required = required
        self.realm = realm

    def name(self, header: str | None, address: str, *, status: int = 407) -> str:
        """The caller's name for the audit log.

        Args:
            header: the value of Proxy-Authorization on the forward port and of Authorization on
                the reverse port; None where the request has none.
            address: where the connection comes from.
            status: of the error: 407 on the forward port, 401 on the reverse port.

        Raises:
            AuthenticationError: a token is needed and there is none, or the one there is wrong.
        """
        try:
            found = self._teams().identify(header)
        except AuthenticationError as error:
            raise self._refusal(str(error), status) from None
        if found is None and self._required:
            raise self._refusal("there is no token, and nobody passes here without one", status)
        return found or address

    def _refusal(self, message: str, status: int) -> AuthenticationError:
        return AuthenticationError(
            message,
            remedy=f"{self.realm} - then use http://NAME:TOKEN@HOST:PORT",
            status=status,
        )


def challenge(status: int, realm: str) -> dict[str, str]:
    """The header that a 407 or a 401 must have: how a token is brought (RFC 9110, 11.6 and 11.7).

    `Basic` stands first: some clients look no further than the first scheme.
    """
    quoted = realm.replace("\\", "\\\\").replace('"', '\\"')
    name = "Proxy-Authenticate" if status == 407 else "WWW-Authenticate"
    return {name: f'Basic realm="{quoted}", charset="UTF-8", Bearer realm="{quoted}"'}
