"""What commands read beside a running daemon: the list, the stored records, the audit log."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from hubproxy.config import Config
from hubproxy.core.audit import AuditEvent
from hubproxy.core.digest import Digest
from hubproxy.core.record import LARGEST_RECORD
from hubproxy.errors import TrustListError
from hubproxy.service.lookup import Lookup
from hubproxy.service.recall import Recalls
from hubproxy.store.auditread import read
from hubproxy.store.blobs import read_beside
from hubproxy.wiring.places import places
from hubproxy.wiring.trust import trust_client


def lookup(config: Config) -> Lookup:
    """The list as it is now.

    Raises:
        TrustListError: it cannot be read, or does not verify.
    """
    client = trust_client(config)
    return Lookup(client, client.refresh(), partial(stored_record, config))


def recalls(config: Config, *, told: Callable[[str], None]) -> Recalls:
    """The recall reports: of the audit log alone, where the list cannot be read.

    Args:
        told: is told why it cannot, and that an older state is looked at instead.
    """

    def lost(error: TrustListError) -> None:
        told(f"{error.code}: {error}: not all that is listed now is looked at")

    stored = partial(stored_record, config)
    found = None
    try:
        client = trust_client(config)
        try:
            found = Lookup(client, client.refresh(), stored)
        except TrustListError as error:
            told(f"{error.code}: {error}: looking at the list as it was read last")
            found = Lookup(client, client.cached(), stored)
    except TrustListError as error:
        lost(error)
    return Recalls(found, partial(events, config), stored, lost)


def events(config: Config, having: Sequence[str] = ()) -> Iterator[AuditEvent]:
    """The audit log from its beginning: those events whose line has one of some texts in it."""
    return read(places(config).audit, having=having)


def stored_record(config: Config, digest: Digest) -> bytes | None:
    """A record that this site has brought into its store, or None."""
    return read_beside(places(config).data, digest, most=LARGEST_RECORD)
