"""The ports of a daemon."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from hubproxy.config import Config
from hubproxy.protocols.destination import Allowed
from hubproxy.server.doors import ReverseDoor
from hubproxy.server.forward import ForwardDoor
from hubproxy.server.listen import accepting, listening
from hubproxy.server.pointing import Addresses, shown_address
from hubproxy.upstream.dial import Dialer
from hubproxy.wiring.daemon import Daemon


@asynccontextmanager
async def open_ports(daemon: Daemon, config: Config) -> AsyncIterator[Addresses]:
    """Let clients in, until the block ends; what is being sent then has `drain_seconds`.

    Gives the URLs of the ports as they are bound. What jobs are told, the daemon knows.

    Raises:
        ConfigError: an address cannot be listened on.
    """
    front, forward, bound = daemon.front, config.forward, Addresses()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(accepting(front, drain=config.server.drain_seconds))
        bound.hook = await stack.enter_async_context(
            listening(front, ReverseDoor(front), config.server.listen, "server.listen")
        )
        if forward.listen:
            door = forward_door(daemon, config)
            bound.proxy = await stack.enter_async_context(
                listening(front, door, forward.listen, "forward.listen")
            )
        daemon.addresses.hook = shown_address(bound.hook)
        if bound.proxy:
            daemon.addresses.proxy = shown_address(bound.proxy, override=forward.url)
        yield bound


def forward_door(daemon: Daemon, config: Config) -> ForwardDoor:
    """The door of the forward port."""
    forward = config.forward
    assert daemon.contexts is not None
    return ForwardDoor(
        daemon.front,
        allowed=Allowed(
            frozenset(hub.host for hub in config.hubs),
            forward.other_hosts if forward.other == "tunnel" else (),
        ),
        contexts=daemon.contexts,
        tunnels=daemon.tunnels,
        dialer=Dialer(seconds=config.network.connect_seconds),
    )
