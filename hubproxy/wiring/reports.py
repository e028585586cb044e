"""What commands read beside a running daemon: the list, the stored records, the audit log."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from hubproxy.config import Config
from hubproxy.core.audit import AuditEvent
from hubproxy.core.digest import Digest
from hubproxy.core.handle import Handle
from hubproxy.core.record import LARGEST_RECORD
from hubproxy.errors import TrustListError
from hubproxy.server.pointing import shown_address
from hubproxy.service.explain import Explanation, explain
from hubproxy.service.lookup import Lookup
from hubproxy.service.recall import Loads, Recalls, Subject, recall
from hubproxy.store.auditread import read
from hubproxy.store.blobs import read_beside
from hubproxy.store.reloading import in_force
from hubproxy.trust.signers import signatures
from hubproxy.wiring.places import now, places
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


def explained(config: Config, handle: Handle) -> Explanation:
    """Why a handle is served or not, by the list as it is now.

    Raises:
        TrustListError: a part of the list cannot be read.
    """
    client = trust_client(config)
    found = Lookup(client, client.refresh(), partial(stored_record, config))
    exact = found.exact(handle)
    listed = found.find(exact) if exact.version is not None else []
    roles = {one.role for one, _ in listed}
    return explain(
        handle,
        found.snapshot,
        listed,
        {role: signatures(client, found.snapshot, role) for role in roles},
        mode=config.trust.mode,
        at=now(),
    )


def loads_of(config: Config, exact: str) -> tuple[Loads, ...]:
    """Every caller that was given a module here, by the audit log."""
    subject = Subject(handle=Handle.parse(exact))
    return recall(events(config, having=subject.texts), subject)


def daemon_url(config: Config) -> str:
    """Where the daemon of this host answers: as it said itself, else as is set."""
    said = in_force(places(config).data)
    return said.url if said and said.url else shown_address(f"http://{config.server.listen}")
