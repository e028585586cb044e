"""What stands behind each port: the one place where settings become objects."""

import os
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from hubproxy import __version__
from hubproxy.config import Config, Hub
from hubproxy.core.limits import ArchiveLimits
from hubproxy.errors import ConfigError, TrustListError
from hubproxy.server.app import App
from hubproxy.server.clientwheel import build_client_wheel, client_index
from hubproxy.server.metrics import Metrics
from hubproxy.server.pages import Page, Pages
from hubproxy.server.sender import Senders
from hubproxy.service.failures import NegativeCache
from hubproxy.service.flights import Flights
from hubproxy.service.ports import Upstream
from hubproxy.service.pull import PullThrough
from hubproxy.service.transfer import Transfers
from hubproxy.service.trusted import TrustKeeper
from hubproxy.store.auditlog import AuditLog
from hubproxy.store.blobs import BlobStore
from hubproxy.store.budget import Budget
from hubproxy.store.drafts import Drafts
from hubproxy.store.folder import DataFolder
from hubproxy.store.modules import ModuleStore
from hubproxy.store.refs import RefStore
from hubproxy.trust.client import TrustClient
from hubproxy.trust.keys import Keys
from hubproxy.trust.officer import Repository
from hubproxy.upstream.http import HttpUpstream, Origin, Timeouts, require_c_parser
from hubproxy.upstream.local import DraftsFirst, FileUpstream
from hubproxy.upstream.offline import Offline


def now() -> datetime:
    """The time, timezone-aware UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Places:
    """Where things lie below the data folder."""

    data: Path

    @property
    def audit(self) -> Path:
        return self.data / "audit"

    @property
    def drafts(self) -> Path:
        return self.data / "drafts"

    @property
    def repository(self) -> Path:
        return self.data / "trust" / "repo"

    @property
    def root(self) -> Path:
        return self.data / "trust" / "root.json"

    @property
    def trust_state(self) -> Path:
        return self.data / "trust" / "state"

    @property
    def keys(self) -> Path:
        return self.data / "trust" / "keys"


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running proxy, without its listeners."""

    app: App
    trust: TrustKeeper
    flights: Flights
    audit: AuditLog


@dataclass(frozen=True, slots=True)
class Stores:
    """The parts of an owned data folder."""

    folder: DataFolder
    blobs: BlobStore
    refs: RefStore
    pins: RefStore


def places(config: Config) -> Places:
    return Places(Path(config.data))


@contextmanager
def open_stores(config: Config) -> Iterator[Stores]:
    """Own the data folder.

    Raises:
        DataFolderError: another process owns it, or it cannot be used.
    """
    folder = DataFolder.open(Path(config.data))
    try:
        refs, pins = RefStore(folder.sub("refs")), RefStore(folder.sub("pins"))
        refs.load()
        pins.load()
        yield Stores(folder, BlobStore(folder), refs, pins)
    finally:
        folder.close()


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
        audit = await stack.enter_async_context(
            AuditLog(
                where.audit,
                segment_bytes=config.audit.segment_bytes,
                wait_seconds=config.audit.wait_seconds,
            )
        )
        modules = open_modules(config, stores)
        stack.callback(modules.close)
        upstreams = await _open_upstreams(config, stack, tls)
        trust = TrustKeeper(trust_client(config), modules, clock=now)
        flights = Flights(NegativeCache(monotonic))
        metrics = Metrics((hub.host for hub in hubs), _gauges(trust, modules, flights, audit))
        transfers = Transfers(
            upstreams,
            attempts=config.network.attempts,
            at_once=config.network.fetches,
            answered=metrics.upstream_answered,
        )
        cache = PullThrough(
            trust=trust,
            modules=modules,
            transfers=transfers,
            flights=flights,
            audit=audit,
            mode=config.trust.mode,
            clock=now,
        )
        senders = Senders(threads=config.server.senders, stall=config.server.stall_seconds)
        stack.callback(senders.stop)
        stack.push_async_callback(flights.close)
        await trust.refresh()
        pages = Pages(_pages(metrics, trust, audit))
        yield Daemon(App(cache, senders, metrics, pages), trust, flights, audit)


def open_modules(config: Config, stores: Stores) -> ModuleStore:
    """The store of an owned data folder."""
    budget = Budget(
        stores.folder,
        stores.blobs,
        stores.refs,
        limit=config.store.budget_bytes,
        floor=config.store.free_floor_bytes,
        pinned=config.store.pinned,
    )
    records = frozenset(
        ref.record_digest for refs in (stores.refs, stores.pins) for _, _, ref in refs
    )
    budget.load(records)
    return ModuleStore(
        stores.folder,
        stores.blobs,
        stores.refs,
        stores.pins,
        budget,
        drafts(config),
        limits=limits(config),
        fetches=config.network.fetches,
    )


def drafts(config: Config) -> Drafts:
    return Drafts(places(config).drafts, limits(config))


def limits(config: Config) -> ArchiveLimits:
    found = config.limits
    return ArchiveLimits(
        members=found.members,
        depth=found.depth,
        name_bytes=found.name_bytes,
        unpacked_bytes=found.unpacked_bytes,
        ratio=found.ratio,
    )


def trust_client(config: Config) -> TrustClient:
    """The reader of the configured trust list.

    Raises:
        TrustListError: there is no root to begin the trust with.
    """
    where = places(config)
    root = Path(config.trust.root) if config.trust.root else where.root
    try:
        pinned = root.read_bytes()
    except OSError as error:
        raise TrustListError(
            "TRUST_ROOT",
            f"there is no trust root at {root}: {error.strerror}",
            remedy="Run `hubproxy trust init` here, or set `trust.root` to the file that a "
            "trust officer has given you.",
        ) from error
    return TrustClient(
        where.trust_state, config.trust.source or where.repository, pinned, clock=now
    )


def keys(config: Config, officer: Path | None) -> Keys:
    """Where the keys lie; the officer's may be anywhere."""
    folder = places(config).keys
    return Keys(officer_pem=officer or folder / "officer.pem", online_pem=folder / "online.pem")


def repository(config: Config) -> Repository:
    """The trust list that this host publishes."""
    return Repository(places(config).repository, clock=now)


@asynccontextmanager
async def open_transfers(config: Config, *, file: Path | None = None) -> AsyncIterator[Transfers]:
    """Transfers for a command that reads modules: from their hubs, or from one file."""
    async with AsyncExitStack() as stack:
        upstreams: Mapping[str, Upstream]
        if file is None:
            upstreams = {
                hub.host: await _open_upstream(config, hub, stack, None) for hub in config.hubs
            }
        else:
            upstreams = {hub.host: FileUpstream(file) for hub in config.hubs}
        yield Transfers(upstreams, attempts=config.network.attempts, at_once=config.network.fetches)


async def _open_upstreams(
    config: Config, stack: AsyncExitStack, tls: ssl.SSLContext | None
) -> dict[str, Upstream]:
    folder = places(config).drafts
    return {
        hub.host: DraftsFirst(folder, await _open_upstream(config, hub, stack, tls))
        for hub in config.hubs
    }


async def _open_upstream(
    config: Config, hub: Hub, stack: AsyncExitStack, tls: ssl.SSLContext | None
) -> Upstream:
    network = config.network
    if network.offline:
        return Offline()
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
        return Page(f"not ready: the audit log: {audit.failure}\n".encode(), status=503)
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
