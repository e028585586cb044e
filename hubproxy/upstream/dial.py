"""Connections to hosts that are no hubs: guarded as those to hubs are."""

import asyncio
import socket
from collections.abc import Callable
from ipaddress import ip_address

from aiohttp.abc import AbstractResolver

from hubproxy.errors import UpstreamError, UpstreamForbiddenError
from hubproxy.upstream.guard import ForbiddenAddressError, Guard, GuardedResolver


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
        self._seconds = seconds
        self._guard = Guard(private=private)
        self._resolver = resolver

    async def dial(
        self, host: str, port: int, protocol: Callable[[], asyncio.Protocol]
    ) -> asyncio.Protocol:
        """Connect; the name is looked up once, all its addresses must be allowed.

        Raises:
            UpstreamForbiddenError: the guard forbids an address, or it is this host's own.
            UpstreamError: nobody answers there.
        """
        shown = f"{host}:{port}"
        try:
            async with asyncio.timeout(self._seconds):
                for info in await self._addresses(host, port):
                    sock = self._guard.socket(info)
                    sock.setblocking(False)
                    try:
                        await asyncio.get_running_loop().sock_connect(sock, info[4])
                        _check_not_ourselves(sock, shown)
                    except BaseException as error:
                        sock.close()
                        if isinstance(error, OSError) and not isinstance(error, TimeoutError):
                            continue
                        raise
                    _, made = await asyncio.get_running_loop().create_connection(
                        protocol, sock=sock
                    )
                    return made
        except ForbiddenAddressError as error:
            raise UpstreamForbiddenError(f"{shown}: {error}", transient=False) from error
        except TimeoutError:
            raise UpstreamError(f"{shown}: no answer within {self._seconds:g} s") from None
        raise UpstreamError(f"{shown} cannot be reached")

    async def _addresses(
        self, host: str, port: int
    ) -> list[tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int]]]:
        try:
            literal = ip_address(host)
        except ValueError:
            resolver = GuardedResolver(self._guard, self._resolver)
            try:
                answers = await resolver.resolve(host, port, socket.AF_UNSPEC)
            except OSError as error:
                if isinstance(error, ForbiddenAddressError):
                    raise
                raise UpstreamError(f"{host}: no such host") from error
            found = [answer["host"] for answer in answers]
        else:
            self._guard.check(host, [str(literal)])
            found = [str(literal)]
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


def _check_not_ourselves(sock: socket.socket, shown: str) -> None:
    """A connection from an address to itself leads to this host, whatever its name."""
    if sock.getsockname()[0] == sock.getpeername()[0]:
        raise UpstreamForbiddenError(
            f"{shown} is this host itself", remedy="Add it to NO_PROXY.", transient=False
        )
