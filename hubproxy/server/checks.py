"""What every request must be, before anything is looked up for it.

The parser in front accepts more than it should; what two readers could understand
differently is refused here, and the connection it came on is closed.
"""

import re
from ipaddress import IPv6Address

from aiohttp import web

from hubproxy.errors import HubproxyError, UsageError

# RFC 3986 authority without user information: a name, an IPv4 or a bracketed IPv6 address.
_HOST = re.compile(
    r"(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?|\[(?P<v6>[0-9A-Fa-f:.]+)\])(?::(?P<port>[0-9]{1,5}))?"
)
_LONGEST_HOST = 262  # a name of 255 characters, and a port
_LAST_PORT = 65_535


class MethodNotAllowedError(HubproxyError):
    """Modules are read with GET and HEAD."""

    code = "METHOD_NOT_ALLOWED"
    status = 405


class ExpectationError(HubproxyError):
    """The client expects something of the server that it does not do."""

    code = "EXPECTATION_FAILED"
    status = 417


class HttpVersionError(HubproxyError):
    """The request is of a version of HTTP that is not spoken here."""

    code = "HTTP_VERSION"
    status = 505


def check(request: web.BaseRequest) -> None:
    """Refuse what no client of ours would send.

    Raises:
        HubproxyError: version, Host, method, target or body cannot be.
    """
    if request.version not in ((1, 0), (1, 1)):
        raise HttpVersionError("this server speaks HTTP/1.1 and HTTP/1.0")
    host = request.headers.get("Host")  # two are refused by the parser
    if host is None and request.version == (1, 1):
        raise UsageError("the request must have a Host header")
    if host is not None and not is_host(host):
        raise UsageError("the Host header does not parse")
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowedError("modules are read with GET and HEAD")
    if not request.raw_path.startswith("/"):
        raise UsageError(
            "this port takes no proxy requests",
            remedy="Ask for http://THIS-HOST/<hub>/<module>, or set HUBPROXY_URL.",
        )
    if request.body_exists:
        raise UsageError("a request for a module has no body")
    if request.headers.get("Expect", "100-continue").lower() != "100-continue":
        raise ExpectationError("nothing is to be expected of this server but its answer")


def is_host(text: str) -> bool:
    """Whether a Host header names a host, and a port or none."""
    match = _HOST.fullmatch(text)
    if match is None or len(text) > _LONGEST_HOST or int(match["port"] or 0) > _LAST_PORT:
        return False
    try:
        return match["v6"] is None or bool(IPv6Address(match["v6"]))
    except ValueError:
        return False
