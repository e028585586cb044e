"""A whole daemon."""

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from time import monotonic

from hubproxy.config import Config
from hubproxy.logs import event
from hubproxy.server.app import App
from hubproxy.server.contexts import Contexts
from hubproxy.server.frontend import Frontend
from hubproxy.server.metrics import Metrics
from hubproxy.server.pointing import Addresses
from hubproxy.server.sender import Senders
from hubproxy.service.admission import Admission
from hubproxy.service.failures import NegativeCache
from hubproxy.service.flights import Flights
from hubproxy.service.pull import PullThrough
from hubproxy.service.recording import Recorder
from hubproxy.service.transfer import Transfers
from hubproxy.service.trusted import TrustKeeper
from hubproxy.service.tunnels import Tunnels
from hubproxy.store.auditlog import AuditLog
from hubproxy.upstream.http import require_c_parser
from hubproxy.wiring.authority import authority
from hubproxy.wiring.frontend import open_connections, open_frontend
from hubproxy.wiring.pages import gauges, open_pages
from hubproxy.wiring.places import now, places
from hubproxy.wiring.stores import open_modules, open_stores
from hubproxy.wiring.trust import trust_client
from hubproxy.wiring.upstreams import open_upstreams


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running proxy, without its ports."""

    app: App
    front: Frontend
    trust: TrustKeeper
    flights: Flights
    audit: AuditLog
    contexts: Contexts
    tunnels: Tunnels
    addresses: Addresses

    async def reload(self) -> None:
        """Read again what may have changed outside: the trust list, and the CA."""
        self.contexts.forget()
        await self.trust.refresh()


@asynccontextmanager
async def open_daemon(
    config: Config, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Daemon]:
    """Everything that a daemon needs, opened in order and closed in reverse.

    Args:
        config: the settings.
        tls: who vouches for upstreams; None for the system's authorities.

    Raises:
        HubproxyError: something is set wrongly, or cannot be opened.
    """
    require_c_parser()
    where, hubs = places(config), config.hubs
    async with AsyncExitStack() as stack:
        stores = stack.enter_context(open_stores(config))
        if config.forward.listen:
            _look_at_authority(config)
        audit = await stack.enter_async_context(
            AuditLog(
                where.audit,
                segment_bytes=config.audit.segment_bytes,
                wait_seconds=config.audit.wait_seconds,
            )
        )
        modules = open_modules(config, stores)
        stack.callback(modules.close)
        upstreams = await open_upstreams(config, stack, tls)
        trust = TrustKeeper(trust_client(config), modules, clock=now)
        flights = Flights(NegativeCache(monotonic))
        connections = open_connections(config)
        metrics = Metrics(
            (hub.host for hub in hubs),
            gauges(config, trust, modules, flights, audit, connections),
        )
        transfers = Transfers(
            upstreams,
            attempts=config.network.attempts,
            at_once=config.network.fetches,
            answered=metrics.upstream_answered,
        )
        recorder = Recorder(audit, lambda: trust.versions, now)
        cache = PullThrough(
            admission=Admission(
                trust=trust,
                modules=modules,
                transfers=transfers,
                flights=flights,
                mode=config.trust.mode,
                clock=now,
            ),
            modules=modules,
            transfers=transfers,
            flights=flights,
            recorder=recorder,
        )
        senders = Senders(threads=config.server.senders, stall=config.server.stall_seconds)
        stack.callback(senders.stop)
        stack.push_async_callback(flights.close)
        await trust.refresh()
        tunnels = Tunnels(recorder)
        stack.push_async_callback(tunnels.settled)
        addresses = Addresses()
        app = App(cache, senders, metrics, open_pages(config, metrics, trust, audit, addresses))
        yield Daemon(
            app=app,
            front=open_frontend(config, app, connections),
            trust=trust,
            flights=flights,
            audit=audit,
            contexts=Contexts(lambda: authority(config), now),
            tunnels=tunnels,
            addresses=addresses,
        )


def _look_at_authority(config: Config) -> None:
    """Make the CA if there is none, so that what is wrong with it is said at the start.

    Raises:
        AuthorityError: it cannot be used.
    """
    found = authority(config)
    for hub in config.hubs:
        if not found.permits(hub.host):
            event("ca.not_permitted", logging.WARNING, host=hub.host, remedy="hubproxy ca rotate")
