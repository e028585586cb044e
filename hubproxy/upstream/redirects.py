"""Where a redirect may lead, and how a host's name is spelled."""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address
from typing import Self
from urllib.parse import urljoin, urlsplit

from hubproxy.errors import UpstreamForbiddenError

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PRINTABLE = re.compile(r"[!-\[\]-~]{1,8000}")
_PORTS = {"http": 80, "https": 443}


def canonical_host(host: str) -> str:
    """A host in its one spelling: lower case, no trailing dot, IPv6 compressed, no brackets.

    Raises:
        ValueError: not a name of letters, digits and hyphens of at most 253 characters, nor
            an address; or a number that C libraries take for an address (`127.1`, `0x7f.1`).
    """
    if ":" in host:
        if "%" in host:
            raise ValueError(f"{host[:80]!r} has a zone")
        return IPv6Address(host.removeprefix("[").removesuffix("]")).compressed
    name = host.lower().removesuffix(".")
    labels = name.split(".")
    # Asked of the text itself: `lower` makes ASCII of some other letters.
    named = host.isascii() and len(name) <= 253
    if not named or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{host[:80]!r} is not the name of a host")
    if _NUMBER.fullmatch(labels[-1]):
        return str(IPv4Address(name))
    return name


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes. `path` starts with a slash and carries the query."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read an absolute http or https URL; a fragment is dropped.

        Raises:
            ValueError: anything else, a user name in it, or characters that need escaping.
        """
        if not _PRINTABLE.fullmatch(url):
            raise ValueError("it has characters that a URL may not have, or is too long")
        parts = urlsplit(url)
        if parts.scheme not in _PORTS:
            raise ValueError(f"its scheme is {parts.scheme[:20]!r}")
        if "@" in parts.netloc:
            raise ValueError("it carries a user name")
        if not parts.hostname:
            raise ValueError("it names no host")
        # Read from the text itself: `hostname` would cut a zone off or forgive brackets.
        host, port = _split_port(parts.netloc)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(parts.scheme, canonical_host(host), port or _PORTS[parts.scheme], path)

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"

    @property
    def shown(self) -> str:
        """The URL without its query, which may hold a signature."""
        return self.url.partition("?")[0]


@dataclass(frozen=True, slots=True)
class Redirects:
    """What is allowed when upstream sends us elsewhere.

    Args:
        home: where the request went first.
        hosts: patterns of host names besides home's, such as `*.kaggle.com`.
        any_port: ports other than home's and the schemes' own are allowed.
    """

    home: Target
    hosts: tuple[str, ...]
    any_port: bool = False

    def follow(self, current: Target, location: str) -> Target:
        """Where a Location header leads.

        Raises:
            UpstreamForbiddenError: somewhere that is not allowed; the message says why.
        """
        try:
            if not _PRINTABLE.fullmatch(location):
                raise ValueError("it has characters that a URL may not have, or is too long")
            target = Target.parse(urljoin(current.url, location))
            self._check(current, target)
        except ValueError as error:
            raise UpstreamForbiddenError(
                f"{current.shown} redirects to a place that is not allowed: {error}",
                remedy="If the place is right, name its host in the upstream's `redirects`.",
                transient=False,
            ) from None
        return target

    def _check(self, current: Target, target: Target) -> None:
        if target.scheme == "http" and current.scheme == "https":
            raise ValueError(f"from https to {target.shown}")
        known = target.host == self.home.host
        if not known and not any(fnmatchcase(target.host, pattern) for pattern in self.hosts):
            raise ValueError(f"{target.host} is not among its `redirects`")
        ports = (_PORTS[target.scheme], self.home.port if known else None)
        if not self.any_port and target.port not in ports:
            raise ValueError(f"port {target.port} of {target.host}")


def _split_port(netloc: str) -> tuple[str, int | None]:
    host, colon, port = netloc.rpartition(":")
    if not colon or netloc.endswith("]"):
        return _brackets(netloc), None
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"its port is {port[:20]!r}")
    return _brackets(host), int(port) if port else None


def _brackets(host: str) -> str:
    if host.startswith("[") != host.endswith("]") or (":" in host) != host.startswith("["):
        raise ValueError(f"{host[:80]!r} is not the name of a host")
    return host
