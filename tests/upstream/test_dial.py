"""Connections to hosts that are no hubs: to public addresses alone, and never to ourselves."""

import asyncio
import resource
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from hubproxy.errors import DeniedError, UpstreamError
from hubproxy.upstream.dial import Dialer
from tests.upstream.conftest import Names

_LISTENING: list[list[Any]] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and _LISTENING:
        _LISTENING[-1].append(arguments[1])


sys.addaudithook(_hook)


@pytest.fixture
def connects() -> Iterator[list[Any]]:
    """The addresses that this process has tried to connect to."""
    seen: list[Any] = []
    _LISTENING.append(seen)
    yield seen
    _LISTENING.remove(seen)


FORBIDDEN = """
127.0.0.1 127.9.9.9 10.0.0.1 172.16.0.1 192.168.1.1 100.64.0.1 169.254.169.254 0.0.0.0 224.0.0.1
255.255.255.255 ::1 :: ::ffff:127.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 2002:7f00:1::
fe80::1 fc00::1 fec0::1 ff02::1
""".split()


@pytest.mark.parametrize("host", FORBIDDEN)
async def test_no_socket_is_connected_to_a_forbidden_address(
    host: str, connects: list[Any]
) -> None:
    dialer = Dialer(seconds=5)
    with pytest.raises(DeniedError):
        await dialer.dial(host, 443, asyncio.Protocol)
    names = Names({"a.example": ["8.8.8.8", host]})
    with pytest.raises(DeniedError, match=r"connected to: a\.example resolves to"):
        await Dialer(seconds=5, resolver=names).dial("a.example", 443, asyncio.Protocol)
    assert connects == []


async def test_a_name_is_looked_up_once_and_that_address_is_used(connects: list[Any]) -> None:
    """So that a second answer, which nobody has judged, has no part in it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        names = Names({"a.example": ["127.0.0.1"]})
        dialer = Dialer(seconds=5, private=True, resolver=names)
        with pytest.raises(DeniedError, match="is this host itself"):
            await dialer.dial("a.example", port, asyncio.Protocol)
    assert connects == [("127.0.0.1", port)]


async def test_a_name_that_is_none_is_said_to_be_none() -> None:
    with pytest.raises(UpstreamError, match=r"a\.example: no such host"):
        await Dialer(seconds=5, resolver=Names({})).dial("a.example", 443, asyncio.Protocol)


@pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2"])
async def test_another_host_is_connected_to(connects: list[Any]) -> None:
    with socket.create_server(("127.0.0.2", 0)) as server:
        port = server.getsockname()[1]
        dialer = Dialer(seconds=5, private=True)
        made = await dialer.dial("127.0.0.2", port, asyncio.Protocol)
        assert isinstance(made, asyncio.Protocol)
        accepted, _ = server.accept()
        accepted.close()
    assert connects == [("127.0.0.2", port)]


@pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2"])
async def test_where_nobody_listens_nothing_is_reached() -> None:
    with socket.create_server(("127.0.0.2", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(UpstreamError, match=rf"127\.0\.0\.2:{port} cannot be reached"):
        await Dialer(seconds=5, private=True).dial("127.0.0.2", port, asyncio.Protocol)


async def test_without_a_descriptor_left_nothing_is_reached() -> None:
    dialer = Dialer(seconds=5, private=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as unused:
        lowest = unused.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        with pytest.raises(UpstreamError, match=r"127\.0\.0\.2:443 cannot be reached"):
            await dialer.dial("127.0.0.2", 443, asyncio.Protocol)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2"])
async def test_who_does_not_answer_is_given_up() -> None:
    with socket.create_server(("127.0.0.2", 0), backlog=0) as server:
        port = server.getsockname()[1]
        full = [socket.socket() for _ in range(4)]
        for one in full:
            one.setblocking(False)
            one.connect_ex(("127.0.0.2", port))
        with pytest.raises(UpstreamError, match=r"no answer within 0\.3 s"):
            await Dialer(seconds=0.3, private=True).dial("127.0.0.2", port, asyncio.Protocol)
        for one in full:
            one.close()
