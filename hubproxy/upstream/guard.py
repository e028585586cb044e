"""Which addresses an upstream may have, decided on the address that is connected to.

Names and literals alike end in one socket factory, which asks `forbidden`. The resolver asks it
too, of every answer: a name that also leads somewhere forbidden is not used at all. `ipaddress`
knows "private" but not what may be reached (it calls the metadata service behind NAT64 public),
hence a table of our own.
"""

import socket
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Any

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from hubproxy.errors import UpstreamForbiddenError

Address = IPv4Address | IPv6Address

# A site's own networks: reached only by an upstream that is declared private.
_PRIVATE = {
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "carrier-grade NAT",
    "127.0.0.0/8": "loopback",
    "168.63.129.16/32": "a cloud's own service",
    "169.254.0.0/16": "link-local",
    "172.16.0.0/12": "private",
    "192.168.0.0/16": "private",
    "::1/128": "loopback",
    "fc00::/7": "private",
    "fe80::/10": "link-local",
    "fec0::/10": "site-local",
}
# Nothing serves modules there, or another address hides in it.
_NEVER = {
    "0.0.0.0/8": "this network",
    "192.0.0.0/24": "reserved for protocols",
    "192.0.2.0/24": "documentation",
    "192.88.99.0/24": "6to4 relay",
    "198.18.0.0/15": "benchmarking",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
    "::/128": "unspecified",
    "::/96": "IPv4-compatible",
    "64:ff9b:1::/48": "local NAT64",
    "100::/64": "discard-only",
    "2001::/23": "reserved for protocols",
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4",
    "3ffe::/16": "6bone",
    "3fff::/20": "documentation",
    "ff00::/8": "multicast",
}
# The last 32 bits are an IPv4 address, which is what counts.
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")


def _table(rows: dict[str, str]) -> list[tuple[IPv4Network | IPv6Network, str]]:
    return [(ip_network(text), reason) for text, reason in rows.items()]


_PRIVATE_TABLE, _NEVER_TABLE = _table(_PRIVATE), _table(_NEVER)


def forbidden(address: Address, *, private: bool = False) -> str | None:
    """Why this address may not be reached, or None when it may.

    Args:
        private: loopback, link-local and private addresses are allowed.
    """
    if isinstance(address, IPv6Address) and (address in _MAPPED or address in _NAT64):
        return forbidden(IPv4Address(int(address) & 0xFFFFFFFF), private=private)
    for network, reason in _PRIVATE_TABLE:
        if address in network:
            return None if private else reason
    for network, reason in _NEVER_TABLE:
        if address in network:
            return reason
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return "reserved"
    return None


class ForbiddenAddressError(OSError):
    """The socket was not made, because of where it would lead."""


class Guard:
    """The two places where addresses pass on their way to a connection.

    Args:
        private: as in `forbidden`.
    """

    def __init__(self, *, private: bool) -> None:
        self._private = private

    def socket(self, info: tuple[Any, ...]) -> socket.socket:
        """Make the socket for one row of `getaddrinfo`.

        Raises:
            ForbiddenAddressError: the row's address may not be reached.
        """
        family, kind, protocol, _, address = info
        reason = forbidden(ip_address(address[0]), private=self._private)
        if reason is not None:
            raise ForbiddenAddressError(f"{address[0]} is {reason}")
        return socket.socket(family, kind, protocol)

    def check(self, host: str, addresses: list[str]) -> None:
        """Look at every address that a name resolved to.

        Raises:
            UpstreamForbiddenError: one of them may not be reached.
        """
        for address in addresses:
            reason = forbidden(ip_address(address), private=self._private)
            if reason is not None:
                raise UpstreamForbiddenError(
                    f"{host} resolves to {address}, which is {reason}",
                    remedy="If this upstream is your own, declare it `private`.",
                    transient=False,
                )


class GuardedResolver(AbstractResolver):
    """Resolves by another resolver, and lets a name pass only when all its answers may.

    Must be made while the event loop runs.
    """

    def __init__(self, guard: Guard, resolver: AbstractResolver | None = None) -> None:
        self._guard = guard
        self._resolver = resolver or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        answers = await self._resolver.resolve(host, port, family)
        self._guard.check(host, [answer["host"] for answer in answers])
        return answers

    async def close(self) -> None:
        await self._resolver.close()
