"""Connections to hosts that are no hubs: guarded as those to hubs are."""

import asyncio
import socket
from collections.abc import Callable
from ipaddress import ip_address

from aiohttp.abc import AbstractResolver

from hubproxy.errors import DeniedError, UpstreamError, UpstreamForbiddenError
from hubproxy.upstream.guard import Guard, GuardedResolver, forbidden

_Info = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int]]


class Dialer:
    """Opens TCP connections to public addresses alone.

    Args:
        seconds: that name look-up and connecting may take together.
        private: as the guard's: for hosts of a site's own.
        resolver: looks names up; None for the system's way. Its answers are guarded.
    """

    def __init__(
        self, *, seconds: float, private: bool = False, resolver: AbstractResolver | None = None
    ) -> None:
        self._seconds, self._private = seconds, private
        self._guard = Guard(private=private)
        self._resolver = resolver

    async def dial(
        self, host: str, port: int, protocol: Callable[[], asyncio.Protocol]
    ) -> asyncio.Protocol:
        """Connect; the name is looked up once, and all its addresses must be allowed.

        Raises:
            DeniedError: an address is forbidden, or this host's own.
            UpstreamError: nobody answers there.
        """
        shown = f"{host}:{port}"
        try:
            async with asyncio.timeout(self._seconds):
                for info in await self._addresses(host, port):
                    sock = await self._connected(info, host)
                    if sock is not None:
                        loop = asyncio.get_running_loop()
                        return (await loop.create_connection(protocol, sock=sock))[1]
        except TimeoutError:
            raise UpstreamError(f"{shown}: no answer within {self._seconds:g} s") from None
        raise UpstreamError(f"{shown} cannot be reached")

    async def _connected(self, info: _Info, host: str) -> socket.socket | None:
        """A socket that is connected; None where nobody answers."""
        try:
            sock = self._guard.socket(info)
        except OSError:  # no descriptor is left, or this host has no such addresses
            return None
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, info[4])
            if sock.getsockname()[0] == sock.getpeername()[0]:
                raise _denied(host, f"{info[4][0]} is this host itself")
        except OSError as error:
            sock.close()
            if isinstance(error, TimeoutError):
                raise
            return None
        except BaseException:
            sock.close()
            raise
        return sock

    async def _addresses(self, host: str, port: int) -> list[_Info]:
        try:
            reason = forbidden(ip_address(host), private=self._private)
        except ValueError:
            found = await self._resolved(host, port)
        else:
            if reason is not None:
                raise _denied(host, f"it is {reason}")
            found = [host]
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                0,
                "",
                (address, port),
            )
            for address in found
        ]

    async def _resolved(self, name: str, port: int) -> list[str]:
        resolver = GuardedResolver(self._guard, self._resolver)
        try:
            answers = await resolver.resolve(name, port, socket.AF_UNSPEC)
        except UpstreamForbiddenError as error:
            raise _denied(name, str(error)) from error
        except OSError as error:
            raise UpstreamError(f"{name}: no such host") from error
        return [answer["host"] for answer in answers]


def _denied(host: str, why: str) -> DeniedError:
    return DeniedError(
        "FORBIDDEN_ADDRESS",
        403,
        f"{host} may not be connected to: {why}",
        remedy=f"Add {host} to NO_PROXY if jobs are to reach it themselves.",
    )
