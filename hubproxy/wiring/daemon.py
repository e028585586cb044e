"""A whole daemon."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from time import monotonic

from hubproxy.ca.authority import Authority
from hubproxy.config import Config
from hubproxy.config.mirror import load_lock
from hubproxy.errors import AuthorityError, HubproxyError
from hubproxy.logs import event
from hubproxy.server.app import App
from hubproxy.server.contexts import Contexts
from hubproxy.server.frontend import Frontend
from hubproxy.server.metrics import Metrics
from hubproxy.server.pointing import Addresses
from hubproxy.server.sender import Senders
from hubproxy.service.admission import Admission
from hubproxy.service.adopting import Adopting
from hubproxy.service.explain import Explaining
from hubproxy.service.failures import NegativeCache
from hubproxy.service.flights import Flights
from hubproxy.service.publishing import Publishing
from hubproxy.service.pull import PullThrough
from hubproxy.service.recording import Recorder
from hubproxy.service.transfer import Transfers
from hubproxy.service.trusted import TrustKeeper
from hubproxy.service.tunnels import Tunnels
from hubproxy.service.wanting import Wanting
from hubproxy.store.auditlog import AuditLog
from hubproxy.store.mirrorstate import MirrorState
from hubproxy.store.quarantine import Quarantine
from hubproxy.store.reloading import InForce
from hubproxy.store.requests import Requests
from hubproxy.trust.signers import Signers
from hubproxy.upstream.http import require_c_parser
from hubproxy.wiring.adopting import adopting
from hubproxy.wiring.authority import authority
from hubproxy.wiring.clock import audited_clock
from hubproxy.wiring.frontend import open_connections, open_frontend
from hubproxy.wiring.looking import look_into
from hubproxy.wiring.pages import gauges, open_pages
from hubproxy.wiring.places import now, places
from hubproxy.wiring.stores import held_modules, open_modules, open_stores, request_folder
from hubproxy.wiring.trust import daemon_client, list_log
from hubproxy.wiring.upstreams import open_upstreams


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running proxy, without its ports."""

    app: App
    front: Frontend
    trust: TrustKeeper
    flights: Flights
    audit: AuditLog
    contexts: Contexts | None
    tunnels: Tunnels
    addresses: Addresses
    adopting: Adopting

    async def reload(self, config: Config) -> None:
        """Take in what was staged, and read again what may have changed: trust list and CA.

        A CA that cannot be used does not take the place of one that can. What came of it is
        left in the data folder, for `hubproxy reload`.
        """
        begun = monotonic()
        errors: list[HubproxyError] = []
        if self.contexts is not None:
            try:
                self.contexts.use(await asyncio.to_thread(_look_at_authority, config))
            except AuthorityError as error:
                event("ca.rejected", logging.ERROR, error=error, remedy=error.remedy)
                errors.append(error)
            else:
                event("ca.loaded", sha256=self.contexts.authority.fingerprint)
        errors += await self.adopting.adopt()
        await self.trust.refresh()
        await asyncio.to_thread(self._tell, config, begun, *errors)

    def minding(self, config: Config) -> None:
        """Let `hubproxy reload` know that SIGHUP is minded from now on."""
        self._tell(config, monotonic())

    def _tell(self, config: Config, begun: float, *errors: HubproxyError) -> None:
        told = [*errors, *([self.trust.error] if self.trust.error else [])]
        try:
            InForce(
                begun=begun,
                versions=str(self.trust.versions),
                url=self.addresses.hook,
                errors=tuple(f"{error.code}: {error}" for error in told),
            ).write(places(config).data)
        except OSError as error:
            event("reload.not_told", logging.ERROR, reason=error.strerror)


@asynccontextmanager
async def open_daemon(
    config: Config,
    *,
    tls: ssl.SSLContext | None = None,
    clock: Callable[[], datetime] = now,
) -> AsyncIterator[Daemon]:
    """Everything that a daemon needs, opened in order and closed in reverse.

    Args:
        config: the settings.
        tls: who vouches for upstreams; None for the system's authorities.
        clock: the time, timezone-aware UTC.

    Raises:
        HubproxyError: something is set wrongly, or cannot be opened.
    """
    require_c_parser()
    where, hubs = places(config), config.hubs
    async with AsyncExitStack() as stack:
        stores = stack.enter_context(open_stores(config))
        audit = await stack.enter_async_context(
            AuditLog(
                where.audit,
                segment_bytes=config.audit.segment_bytes,
                wait_seconds=config.audit.wait_seconds,
                now=clock,
            )
        )
        modules = open_modules(config, stores)
        stack.callback(modules.close)
        held = held_modules(config)
        held.sweep()
        noted = request_folder(config)
        noted.sweep()
        requests = Requests(noted)
        quarantine = Quarantine(held, requests)
        upstreams = await open_upstreams(config, stack, tls)
        audited = audited_clock(config, clock)
        log = list_log(config, audit, audited)
        client = daemon_client(config, log, audited.now)
        trust = TrustKeeper(client, modules, clock=audited, log=log)
        stack.push_async_callback(trust.close)
        publishing = Publishing(client, trust, modules)
        stack.push_async_callback(publishing.close)
        flights = Flights(NegativeCache(monotonic))
        connections = open_connections(config)
        contexts = Contexts(_look_at_authority(config), now) if config.forward.listen else None
        metrics = Metrics(
            (hub.host for hub in hubs),
            gauges(
                trust,
                modules,
                flights,
                audit,
                connections,
                contexts,
                held,
                noted,
                partial(MirrorState.load, where.data),
            ),
        )
        transfers = Transfers(
            upstreams,
            attempts=config.network.attempts,
            at_once=config.network.fetches,
            answered=metrics.upstream_answered,
        )
        recorder = Recorder(audit, lambda: trust.versions, audited.stamp)
        cache = PullThrough(
            admission=Admission(
                trust=trust,
                modules=modules,
                quarantine=quarantine,
                gate=look_into,
                transfers=transfers,
                flights=flights,
                mode=config.trust.mode,
                clock=clock,
                lock=load_lock(Path(config.trust.lock)) if config.trust.lock else None,
            ),
            modules=modules,
            transfers=transfers,
            flights=flights,
            recorder=recorder,
        )
        senders = Senders(threads=config.server.senders, stall=config.server.stall_seconds)
        stack.callback(senders.stop)
        stack.push_async_callback(flights.close)
        taking_in = adopting(config, modules, audit, audited.stamp)
        await taking_in.adopt()
        await trust.refresh()
        tunnels = Tunnels(recorder)
        stack.push_async_callback(tunnels.settled)
        addresses = Addresses()
        explaining = Explaining(trust, Signers(client), config.trust.mode, clock)
        wanting = Wanting(
            explaining=explaining,
            quarantine=quarantine,
            requests=requests,
            recorder=recorder,
            upstream=transfers.upstream,
            clock=clock,
        )
        pages = open_pages(
            config, metrics, trust, audit, addresses, contexts, publishing, explaining, wanting
        )
        app = App(cache, senders, metrics, pages)
        yield Daemon(
            app=app,
            front=open_frontend(config, app, connections),
            trust=trust,
            flights=flights,
            audit=audit,
            contexts=contexts,
            tunnels=tunnels,
            addresses=addresses,
            adopting=taking_in,
        )


def _look_at_authority(config: Config) -> Authority:
    """The CA, made if there is none; says which hubs it does not permit.

    Raises:
        AuthorityError: it cannot be used.
    """
    found = authority(config)
    for hub in config.hubs:
        if not found.permits(hub.host):
            event("ca.not_permitted", logging.WARNING, host=hub.host, remedy="hubproxy ca rotate")
    return found
