"""The daemon's own pages, and its gauges."""

from collections.abc import Callable, Iterable
from datetime import datetime

from hubproxy import __version__
from hubproxy.config import Config
from hubproxy.errors import HubproxyError
from hubproxy.server.clientwheel import build_client_wheel, client_index
from hubproxy.server.connections import Connections
from hubproxy.server.contexts import Contexts
from hubproxy.server.listpages import list_pages
from hubproxy.server.metrics import Metrics
from hubproxy.server.pages import Page, Pages
from hubproxy.server.pointing import Addresses, pointing_pages
from hubproxy.server.requestpage import request_pages
from hubproxy.service.explain import Explaining
from hubproxy.service.flights import Flights
from hubproxy.service.publishing import Publishing
from hubproxy.service.trusted import TrustKeeper
from hubproxy.service.wanting import Wanting
from hubproxy.store.auditlog import AuditLog
from hubproxy.store.mirrorstate import MirrorState
from hubproxy.store.modules import ModuleStore
from hubproxy.store.quarantine import HeldModules
from hubproxy.store.requests import RequestFolder
from hubproxy.wiring.authority import told_authority
from hubproxy.wiring.places import now

_MIRROR = {
    "changed": "Modules whose bytes upstream has changed, as the mirror last found",
    "gone": "Modules that are here and upstream has no longer, as the mirror last found",
    "failed": "Modules that the mirror could not bring or compare when it last ran",
}


def open_pages(
    config: Config,
    metrics: Metrics,
    trust: TrustKeeper,
    audit: AuditLog,
    addresses: Addresses,
    contexts: Contexts | None,
    publishing: Publishing,
    explaining: Explaining,
    wanting: Wanting,
) -> Pages:
    """Every page that is no module."""
    hubs = [hub.host for hub in config.hubs]
    return Pages(
        {
            **_own_pages(metrics, trust, audit),
            **pointing_pages(
                addresses,
                hubs=hubs,
                auth=config.access.auth,
                authority=lambda: (
                    told_authority(config, contexts.authority) if contexts is not None else None
                ),
                clock=now,
            ),
        },
        below=list_pages(publishing, explaining, wanting, hubs),
        personal=request_pages(wanting),
    )


def _own_pages(
    metrics: Metrics, trust: TrustKeeper, audit: AuditLog
) -> dict[str, Callable[[], Page]]:
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
    """Whether it serves modules. In the grace of an expired list it does, and says what not."""
    try:
        trust.snapshot()
    except HubproxyError as error:
        return Page(f"not ready: {error.code}: {error}\n".encode(), status=503)
    if audit.failure:
        return Page(f"not ready: AUDIT_UNAVAILABLE: {audit.failure}\n".encode(), status=503)
    degraded = trust.degraded
    but = f"; degraded: {degraded.code}: {degraded.message}" if degraded else ""
    return Page(f"ready: {trust.versions}{but}\n".encode())


def gauges(
    trust: TrustKeeper,
    modules: ModuleStore,
    flights: Flights,
    audit: AuditLog,
    connections: Connections,
    contexts: Contexts | None,
    held: HeldModules,
    requests: RequestFolder,
    mirror: Callable[[], MirrorState],
) -> Callable[[], Iterable[tuple[str, str, float]]]:
    """What is measured when somebody looks."""

    def read() -> Iterable[tuple[str, str, float]]:
        term = trust.term
        yield "hubproxy_store_bytes", "Bytes of archives in the store", modules.used
        yield "hubproxy_fetches_in_flight", "Transfers and checks that are running", len(flights)
        yield (
            "hubproxy_trust_expires_timestamp_seconds",
            "When the trust list expires; 0 without one",
            term.expires.timestamp() if term else 0,
        )
        yield (
            "hubproxy_trust_grace_ends_timestamp_seconds",
            "Until when an expired list serves what is stored; 0 without one",
            term.ends.timestamp() if term else 0,
        )
        yield "hubproxy_trust_refresh_failed", "1 when the last one failed", bool(trust.error)
        yield "hubproxy_audit_failed", "1 while the log cannot be written", bool(audit.failure)
        yield "hubproxy_quarantine_modules", "Modules that wait for officers", len(held)
        yield "hubproxy_requests_noted", "Modules that somebody asks officers for", len(requests)
        state = mirror()
        if state.synced_at:
            yield (
                "hubproxy_mirror_synced_timestamp_seconds",
                "When the mirror was last compared with upstream",
                datetime.fromisoformat(state.synced_at).timestamp(),
            )
            for name, help_text in _MIRROR.items():
                key = f"hubproxy_mirror_{name.replace(' ', '_')}"
                yield key, help_text, state.counts.get(name, 0)
        yield "hubproxy_connections", "Open connections of clients", len(connections)
        if contexts is not None:
            yield (
                "hubproxy_ca_expires_timestamp_seconds",
                "When the CA of the forward proxy expires",
                contexts.authority.expires.timestamp(),
            )

    return read
