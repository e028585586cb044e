"""The trust list, for those who read it and those who write it."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path

from tuf.ngclient.fetcher import FetcherInterface

from hubproxy.config import Config
from hubproxy.core.floors import floor_of
from hubproxy.core.trust import Versions
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.errors import TrustListError
from hubproxy.service.clock import AuditedClock
from hubproxy.service.listlog import ListLog, refuse_older
from hubproxy.store.auditback import backwards
from hubproxy.store.auditlog import AuditLog
from hubproxy.store.auditread import read
from hubproxy.trust.client import TrustClient
from hubproxy.trust.officer import Repository
from hubproxy.trust.state import BorrowedState, ListState
from hubproxy.wiring.officers import append_publication, held_root
from hubproxy.wiring.places import now, places
from hubproxy.wiring.support import support


def daemon_client(config: Config, log: ListLog, clock: Callable[[], datetime]) -> TrustClient:
    """The daemon's reader of the configured trust list, which alone writes its state folder.

    Args:
        config: the settings.
        log: refuses a list that is older than what it tells of.
        clock: the time, timezone-aware UTC.

    Raises:
        TrustListError: there is no root to begin the trust with.
    """
    state = ListState(places(config).trust_state)
    return TrustClient(state, _source(config), pinned_root(config), clock=clock, check=log.check)


def trust_client(config: Config) -> TrustClient:
    """A command's reader of the configured trust list. It leaves nothing behind.

    What the daemon has seen of the list, by its state folder and by the audit log, holds here as
    well. But were a command to write there, as root perhaps, the daemon could lose its list.

    Raises:
        TrustListError: there is no root to begin the trust with.
    """
    return bundled_client(config, _source(config), pinned_root(config))


def bundled_client(
    config: Config, source: str | Path | FetcherInterface, root: bytes
) -> TrustClient:
    """The same, of a list that lies elsewhere.

    Args:
        source: of the list.
        root: that trust in it begins with.
    """
    where = places(config)

    def check(found: TrustSnapshot) -> None:
        events = read(where.audit, having=('"event":"trust"',))
        floors = [floor for event in events if (floor := floor_of(event, _identity(root)))]
        refuse_older(found, floors[-1] if floors else Versions())

    state = BorrowedState(where.trust_state)
    return TrustClient(state, source, root, clock=now, check=check)


def list_log(config: Config, audit: AuditLog, clock: AuditedClock) -> ListLog:
    """What the audit log is told of the list, and holds of it. For the daemon."""
    identity = _identity(pinned_root(config))
    seen = (floor_of(event, identity) for event in backwards(places(config).audit, "trust"))
    floor = next((versions for versions in seen if versions is not None), Versions())
    return ListLog(audit, clock, identity=identity, seen=floor)


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
    client = trust_client(config)
    with suppress(TrustListError):
        return client.cached()
    return client.refresh()


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


def _identity(root: bytes) -> str:
    return f"sha256:{hashlib.sha256(root).hexdigest()}"


def _source(config: Config) -> str | Path:
    return config.trust.source or places(config).repository


def repository(config: Config) -> Repository:
    """The trust list that this host publishes. What is published goes into its log before."""
    return Repository(
        places(config).repository,
        clock=now,
        log=partial(append_publication, config),
        pinned=held_root(config),
        support=support(),
    )
