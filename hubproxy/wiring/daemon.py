"""A whole daemon."""

import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from time import monotonic

from hubproxy import __version__
from hubproxy.config import Config
from hubproxy.errors import TrustListError
from hubproxy.server.app import App
from hubproxy.server.clientwheel import build_client_wheel, client_index
from hubproxy.server.contexts import Contexts
from hubproxy.server.frontend import Frontend
from hubproxy.server.metrics import Metrics
from hubproxy.server.pages import Page, Pages
from hubproxy.server.pointing import Addresses, pointing_pages
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
from hubproxy.store.modules import ModuleStore
from hubproxy.upstream.http import require_c_parser
from hubproxy.wiring.authority import authority, told_authority
from hubproxy.wiring.frontend import open_frontend
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
    if config.forward.listen:
        authority(config)  # made on first use; what is wrong with it is said at the start
    async with AsyncExitStack() as stack:
        stores = stack.enter_context(open_stores(config))
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
        metrics = Metrics((hub.host for hub in hubs), _gauges(trust, modules, flights, audit))
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
        pages = Pages(
            {
                **_pages(metrics, trust, audit),
                **pointing_pages(
                    addresses,
                    hubs=[hub.host for hub in hubs],
                    auth=config.access.auth,
                    authority=lambda: told_authority(config),
                    clock=now,
                ),
            }
        )
        app = App(cache, senders, metrics, pages)
        yield Daemon(
            app=app,
            front=open_frontend(config, app),
            trust=trust,
            flights=flights,
            audit=audit,
            contexts=Contexts(lambda: authority(config), now),
            tunnels=tunnels,
            addresses=addresses,
        )


def _pages(metrics: Metrics, trust: TrustKeeper, audit: AuditLog) -> dict[str, Callable[[], Page]]:
    wheel_name, wheel = build_client_wheel(__version__)
    index = client_index(wheel_name).encode()
    return {
        "/": lambda: Page(
            b"hubproxy: ask for /<hub>/<module>, such as /tfhub.dev/google/nnlm-en-dim50/2\n"
        ),
        "/-/live": lambda: Page(b"live\n"),
        "/-/ready": lambda: _ready(trust, audit),
        "/metrics": lambda: Page(metrics.text(), "text/plain; version=0.0.4; charset=utf-8"),
        "/-/client/": lambda: Page(index, "text/html; charset=utf-8"),
        f"/-/client/{wheel_name}": lambda: Page(wheel, "application/zip"),
    }


def _ready(trust: TrustKeeper, audit: AuditLog) -> Page:
    try:
        trust.snapshot()
    except TrustListError as error:
        return Page(f"not ready: {error.code}: {error}\n".encode(), status=503)
    if audit.failure:
        return Page(f"not ready: AUDIT_UNAVAILABLE: {audit.failure}\n".encode(), status=503)
    return Page(f"ready: {trust.versions}\n".encode())


def _gauges(
    trust: TrustKeeper, modules: ModuleStore, flights: Flights, audit: AuditLog
) -> Callable[[], Iterable[tuple[str, str, float]]]:
    def read() -> Iterable[tuple[str, str, float]]:
        expires = trust.expires
        yield "hubproxy_store_bytes", "Bytes of archives in the store", modules.used
        yield "hubproxy_fetches_in_flight", "Transfers and checks that are running", len(flights)
        yield (
            "hubproxy_trust_expires_timestamp_seconds",
            "When the trust list expires; 0 without one",
            expires.timestamp() if expires else 0,
        )
        yield "hubproxy_trust_refresh_failed", "1 when the last one failed", bool(trust.error)
        yield "hubproxy_audit_failed", "1 while the log cannot be written", bool(audit.failure)

    return read
