"""The trust list, for those who read it and those who write it."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from hubproxy.config import Config
from hubproxy.core.floors import floor_of
from hubproxy.core.trust import Versions
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.errors import TrustListError
from hubproxy.service.clock import AuditedClock
from hubproxy.service.listlog import ListLog
from hubproxy.service.trusted import TrustKeeper
from hubproxy.store.auditback import backwards
from hubproxy.store.auditlog import AuditLog
from hubproxy.store.modules import ModuleStore
from hubproxy.trust.client import TrustClient
from hubproxy.trust.officer import Repository
from hubproxy.wiring.officers import append_publication, held_root
from hubproxy.wiring.places import now, places
from hubproxy.wiring.support import support


def trust_client(
    config: Config, *, state: Path | None = None, clock: Callable[[], datetime] = now
) -> TrustClient:
    """The reader of the configured trust list.

    Args:
        config: the settings.
        state: the reader's folder, in the place of the daemon's.
        clock: the time, timezone-aware UTC.

    Raises:
        TrustListError: there is no root to begin the trust with.
    """
    where = places(config)
    return TrustClient(
        state or where.trust_state,
        config.trust.source or where.repository,
        pinned_root(config),
        clock=clock,
    )


def trust_keeper(
    config: Config,
    client: TrustClient,
    modules: ModuleStore,
    audit: AuditLog,
    clock: AuditedClock,
) -> TrustKeeper:
    """Who keeps the list in force, and remembers what the audit log holds of it."""
    identity = f"sha256:{hashlib.sha256(pinned_root(config)).hexdigest()}"
    seen = (floor_of(event, identity) for event in backwards(places(config).audit, "trust"))
    floor = next((versions for versions in seen if versions is not None), Versions())
    log = ListLog(audit, clock, identity=identity, seen=floor)
    return TrustKeeper(client, modules, clock=clock, log=log)


def whole_list(client: TrustClient) -> TrustSnapshot:
    """The list as it is now, with what every team lists.

    Raises:
        TrustListError: it cannot be read, or does not verify.
    """
    snapshot = client.refresh()
    while unread := [name for name in snapshot.delegated if name not in snapshot.roles]:
        for name in unread:
            snapshot = client.load_role(snapshot, name)
    return snapshot


def list_at_hand(config: Config) -> TrustSnapshot:
    """The list as the daemon has it, or else as its source has it; leaves nothing behind.

    Raises:
        HubproxyError: there is neither.
    """
    if places(config).trust_state.is_dir():
        with suppress(TrustListError):
            return trust_client(config).cached()
    with TemporaryDirectory() as state:
        return trust_client(config, state=Path(state)).refresh()


def pinned_root(config: Config) -> bytes:
    """The root file that trust in the list begins with.

    Raises:
        TrustListError: there is none.
    """
    root = Path(config.trust.root) if config.trust.root else places(config).root
    try:
        return root.read_bytes()
    except OSError as error:
        raise TrustListError(
            "TRUST_ROOT",
            f"there is no trust root at {root}: {error.strerror}",
            remedy="Run `hubproxy trust init` here, or set `trust.root` to the file that a "
            "trust officer has given you.",
        ) from error


def repository(config: Config) -> Repository:
    """The trust list that this host publishes. What is published goes into its log before."""
    return Repository(
        places(config).repository,
        clock=now,
        log=partial(append_publication, config),
        pinned=held_root(config),
        support=support(),
    )
