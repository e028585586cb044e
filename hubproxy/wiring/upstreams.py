"""Where misses go."""

import os
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from hubproxy.config import Config, Hub
from hubproxy.core.handle import Handle
from hubproxy.errors import ConfigError
from hubproxy.service.ports import Upstream
from hubproxy.service.transfer import Transfers
from hubproxy.upstream.http import HttpUpstream, Timeouts
from hubproxy.upstream.local import FileUpstream
from hubproxy.upstream.offline import Offline
from hubproxy.upstream.origin import Origin


@asynccontextmanager
async def open_transfers(
    config: Config,
    *,
    file: Path | None = None,
    moved: Callable[[Handle, int, int | None], None] = lambda _handle, _taken, _total: None,
) -> AsyncIterator[Transfers]:
    """Transfers for a command that reads modules: from their hubs, or from one file."""
    async with AsyncExitStack() as stack:
        upstreams: Mapping[str, Upstream]
        if file is None:
            upstreams = {
                hub.host: await _open_upstream(config, hub, stack, None) for hub in config.hubs
            }
        else:
            upstreams = {hub.host: FileUpstream(file) for hub in config.hubs}
        network = config.network
        yield Transfers(upstreams, attempts=network.attempts, at_once=network.fetches, moved=moved)


async def open_upstreams(
    config: Config, stack: AsyncExitStack, tls: ssl.SSLContext | None
) -> dict[str, Upstream]:
    return {hub.host: await _open_upstream(config, hub, stack, tls) for hub in config.hubs}


async def _open_upstream(
    config: Config, hub: Hub, stack: AsyncExitStack, tls: ssl.SSLContext | None
) -> Upstream:
    if config.network.offline:
        return Offline()
    return await open_http(config, hub, stack, tls)


async def open_http(
    config: Config, hub: Hub, stack: AsyncExitStack, tls: ssl.SSLContext | None
) -> HttpUpstream:
    """A hub over the network."""
    network = config.network
    origin = Origin(
        hub=hub.host,
        url=hub.url,
        redirects=tuple(hub.redirects),
        private=hub.private,
        token=_token(hub),
    )
    return await stack.enter_async_context(
        HttpUpstream(
            origin,
            timeouts=Timeouts(
                connect=network.connect_seconds,
                first_byte=network.first_byte_seconds,
                idle=network.idle_seconds,
            ),
            rate_limit=network.rate_limit_bytes or None,
            tls=tls,
            largest=config.limits.unpacked_bytes,
        )
    )


def _token(hub: Hub) -> str:
    if hub.token_file:
        try:
            return Path(hub.token_file).read_text().strip()
        except OSError as error:
            raise ConfigError(
                f"the token of {hub.host} cannot be read: {hub.token_file}: {error.strerror}"
            ) from error
    return os.environ.get(hub.token_env, "") if hub.token_env else ""
