"""Where a request is for, by the door that it came in, and whether one may go there.

Whatever the door, what comes out is the target of a reverse route, `/HOST/PATH?QUERY`: so there
is one way to read a module's name, and one path to its bytes.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from hubproxy.errors import DeniedError, HubproxyError, UsageError
from hubproxy.protocols.authority import Authority, is_host
from hubproxy.protocols.head import Head, MethodNotAllowedError

HTTPS = 443
_ABSOLUTE = re.compile(r"(https?)://([^/?#]+)((?:/[^?#]*)?)((?:\?[^#]*)?)", re.IGNORECASE)
_DEFAULTS = {"http": 80, "https": HTTPS}
_READ = ("GET", "HEAD")
ASKS = "/-/request/"
"""Below it, a POST asks officers for a module; all other pages and modules are only read."""
REASON = "X-Hubproxy-Why"
"""The header of such a POST that says why, percent-encoded: no request here has a body."""


class MisdirectedError(HubproxyError):
    """The request is for another host than the connection it came on."""

    code = "MISDIRECTED"
    status = 421


def reverse_target(head: Head) -> str:
    """The target of a request on the reverse port: origin-form (RFC 9112, 3.2.1).

    Raises:
        HubproxyError: the method, the Host or the target is not for this port.
    """
    if not (head.method == "POST" and head.target.startswith(ASKS)):
        _check_method(head)
    host = head.get("host")
    if host is not None and not is_host(host):
        raise UsageError("the Host header does not parse")
    if not head.target.startswith("/"):
        raise UsageError(
            "this port takes no proxy requests",
            remedy="Ask for http://THIS-HOST/<hub>/<module>, set HUBPROXY_URL, or name the "
            "forward port (8441) in HTTPS_PROXY.",
        )
    return _plain(head.target)


def forward_target(head: Head, allowed: "Allowed") -> str:
    """The target of a request on the forward port: absolute-form (RFC 9112, 3.2.2).

    Raises:
        HubproxyError: it is not in that form, its Host says otherwise, or it is for no hub.
    """
    if head.target.startswith("/"):
        raise UsageError(
            "this port takes proxy requests alone",
            remedy="Name it in HTTPS_PROXY, or ask the reverse port (8440) for this.",
        )
    authority, rest, default = _absolute(head.target)
    _check_host(head, authority, default, UsageError)
    _check_method(head)
    allowed.check_plain(authority, default)
    return f"/{authority.host}{_plain(rest)}"


def tunnel_target(head: Head, host: str) -> str:
    """The target of a request inside an intercepted tunnel to `host`.

    Raises:
        HubproxyError: it, or its Host, names another host than the tunnel.
    """
    _check_method(head)
    inside = Authority(host, HTTPS)
    _check_host(head, inside, HTTPS, MisdirectedError)
    if head.target.startswith("/"):
        return f"/{host}{_plain(head.target)}"
    authority, rest, default = _absolute(head.target)
    if default != HTTPS or not authority.agrees(inside, default=HTTPS):
        raise MisdirectedError("the request names another host than its tunnel")
    return f"/{host}{_plain(rest)}"


def connect_target(head: Head) -> Authority:
    """Whom a CONNECT wants to be connected to: authority-form (RFC 9110, 9.3.6).

    Raises:
        UsageError: it is not HOST:PORT, or its Host says otherwise.
    """
    try:
        authority = Authority.parse(head.target)
    except ValueError as error:
        raise UsageError(f"CONNECT: {error}") from error
    if authority.port is None:
        raise UsageError("CONNECT needs a port, such as tfhub.dev:443")
    _check_host(head, authority, HTTPS, UsageError)
    return authority


def named(head: Head) -> Authority | None:
    """Whom a proxy request names, whether or not the request is good; None when nobody."""
    try:
        if head.method == "CONNECT":
            return Authority.parse(head.target)
        return _absolute(head.target)[0]
    except (ValueError, UsageError):
        return None


@dataclass(frozen=True, slots=True)
class Allowed:
    """Whom the forward port may be used to reach.

    Args:
        hubs: canonical names of the hubs.
        others: patterns of the hosts that may be tunnelled to: a name, `*.` in front for any
            below it, `*` for all. None at all by default.
    """

    hubs: frozenset[str]
    others: tuple[str, ...] = ()

    def judge(self, authority: Authority) -> Literal["intercept", "tunnel"]:
        """What becomes of a CONNECT.

        Raises:
            DeniedError: neither.
        """
        hub = self.is_hub(authority.host)
        if not hub and not _matches(authority.host, self.others):
            raise self._no_hub(authority)
        if authority.port != HTTPS:
            raise DeniedError(
                "FORBIDDEN_PORT",
                403,
                f"{authority} is not on port {HTTPS}, the only one that may be connected to",
            )
        return "intercept" if hub else "tunnel"

    def check_plain(self, authority: Authority, default: int) -> None:
        """Refuse a request in absolute-form for anything but a hub.

        Raises:
            DeniedError: it is for no hub, or for another port than its scheme's.
        """
        if not self.is_hub(authority.host):
            raise self._no_hub(authority)
        if authority.port not in (None, default):
            raise DeniedError(
                "FORBIDDEN_PORT", 403, f"{authority} is not on its scheme's own port, {default}"
            )

    def is_hub(self, host: str) -> bool:
        """Whether a canonical host's name is a hub's, with or without `www.`."""
        return host.removeprefix("www.") in self.hubs

    def _no_hub(self, authority: Authority) -> DeniedError:
        return DeniedError(
            "NOT_A_HUB",
            403,
            f"{authority.host} is no hub; this proxy reaches {', '.join(sorted(self.hubs))} alone",
            remedy=f"Add {authority.host} to NO_PROXY, or ask the admin for "
            '`forward.other = "tunnel"`.',
        )


def _absolute(target: str) -> tuple[Authority, str, int]:
    """An absolute-form target: whom it names, its path and query, and its scheme's port."""
    match = _ABSOLUTE.fullmatch(target)
    if match is None:
        raise UsageError("the request target is not in a form that a proxy takes")
    try:
        authority = Authority.parse(match[2])
    except ValueError as error:
        raise UsageError(f"the request target cannot be used: {error}") from error
    return authority, (match[3] or "/") + match[4], _DEFAULTS[match[1].lower()]


def _plain(target: str) -> str:
    """A path and query whose path can be read in one way only."""
    path = target.partition("?")[0]
    if "//" in path or "/." in path:
        raise UsageError("the request target cannot be used: a path segment is empty, or dots")
    return target


def _check_method(head: Head) -> None:
    if head.method not in _READ:
        raise MethodNotAllowedError("modules are read with GET and HEAD")


def _check_host(
    head: Head, authority: Authority, default: int, mismatch: type[HubproxyError]
) -> None:
    """Refuse a Host that is not the one the request is for. HTTP/1.0 needs none."""
    text = head.get("host")
    if text is None:
        return
    try:
        said = Authority.parse(text)
    except ValueError as error:
        raise UsageError("the Host header does not parse") from error
    if not said.agrees(authority, default=default):
        raise mismatch("the Host header names another host than the one the request is for")


def _matches(host: str, patterns: Iterable[str]) -> bool:
    return any(
        pattern in ("*", host) or (pattern.startswith("*.") and host.endswith(pattern[1:]))
        for pattern in patterns
    )
