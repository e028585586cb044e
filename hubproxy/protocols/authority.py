"""A host and a port, as requests name them: one spelling only."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Self

_NAME = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
# A name whose last label is a number is an address to some readers (`127.1`, `0x7f.1`).
_NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
_TEXT = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:@/?#%\\\s]+)(?::(?P<port>0|[1-9][0-9]{0,4}))?"
)
# RFC 3986 authority without user information, as far as a Host field must be read here.
_HOST = re.compile(
    r"(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?|\[(?P<v6>[0-9A-Fa-f:.]+)\])(?::(?P<port>[0-9]{1,5}))?"
)
_LONGEST_NAME = 253
_LONGEST_HOST = 262  # a name of 255 characters, and a port
_LAST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Authority:
    """Whom a connection is for.

    Args:
        host: a name in lower-case ASCII (A-labels) without the dot at its end, a dotted quad,
            or an IPv6 address in its shortest form, without brackets.
        port: None when it was not said.
    """

    host: str
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `HOST` or `HOST:PORT`.

        Raises:
            ValueError: no host, or one that two readers could take for different ones.
        """
        match = _TEXT.fullmatch(text) if text.isascii() else None
        if match is None:
            raise ValueError(f"{text[:80]!r} is not HOST:PORT")
        port = None if match["port"] is None else int(match["port"])
        if port is not None and port > _LAST_PORT:
            raise ValueError(f"{port} is not the number of a port")
        return cls(_canonical(match["host"].lower()), port)

    def agrees(self, other: "Authority", *, default: int) -> bool:
        """Whether both name the same port of the same host; a port not said is `default`."""
        ports = (default if one.port is None else one.port for one in (self, other))
        return self.host == other.host and len(set(ports)) == 1

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


def is_host(text: str) -> bool:
    """Whether a Host field names a host, and a port or none."""
    match = _HOST.fullmatch(text)
    if match is None or len(text) > _LONGEST_HOST or int(match["port"] or 0) > _LAST_PORT:
        return False
    try:
        return match["v6"] is None or bool(IPv6Address(match["v6"]))
    except ValueError:
        return False


def _canonical(host: str) -> str:
    name = host.removesuffix(".")
    try:
        if host.startswith("["):
            return str(IPv6Address(host[1:-1]))
        if _NUMERIC.fullmatch(name):
            return str(IPv4Address(name))
    except ValueError:
        raise ValueError(f"{host[:80]!r} is not an address") from None
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        raise ValueError(f"{host[:80]!r} is not the name of a host")
    return name
