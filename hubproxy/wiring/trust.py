"""The trust list, for those who read it and those who write it."""

from functools import partial
from pathlib import Path

from hubproxy.config import Config
from hubproxy.errors import TrustListError
from hubproxy.trust.client import TrustClient
from hubproxy.trust.officer import Repository
from hubproxy.wiring.officers import append_publication, pinned_root
from hubproxy.wiring.places import now, places


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


def repository(config: Config) -> Repository:
    """The trust list that this host publishes. What is published goes into its log before."""
    return Repository(
        places(config).repository,
        clock=now,
        log=partial(append_publication, config),
        pinned=pinned_root(config),
    )
