"""Model cards and what is inside a module, for officers."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from hubproxy.cards.check import check
from hubproxy.config import Config
from hubproxy.core.audit import timestamp
from hubproxy.core.digest import Digest
from hubproxy.core.handle import Handle
from hubproxy.core.record import FORMATS, CardNote, Record, target_path
from hubproxy.errors import TrustListError, UsageError
from hubproxy.inspection.inspected import Inspected
from hubproxy.inspection.reader import inspect
from hubproxy.service.fetch import fetch_first
from hubproxy.store.blobs import blob_path
from hubproxy.store.threads import in_thread
from hubproxy.wiring.places import now, places
from hubproxy.wiring.reports import lookup
from hubproxy.wiring.stores import drafts
from hubproxy.wiring.trust import repository, trust_client
from hubproxy.wiring.upstreams import open_transfers

_NO_LIST = "TRUST_ROOT"
"""The code of the error that there is no list to read, of one's own or another's."""


def inspected(config: Config, record: Record) -> Inspected | None:
    """What is inside a module; None where its archive is not on this host. Blocks."""
    archive = archive_file(config, record.archive_digest)
    if archive is None:
        return None
    with archive.open("rb", buffering=0) as file:
        return inspect(file.fileno(), record)


def gate(config: Config) -> Callable[[Record], Awaitable[Inspected]]:
    """Looks into an archive that was read on this host."""

    async def look(record: Record) -> Inspected:
        found = await in_thread(partial(inspected, config, record))
        if found is None:
            raise UsageError(f"the archive of {record.handle} is not here to be looked into")
        return found

    return look


def card_check() -> Callable[[bytes, Record, Sequence[str]], CardNote]:
    """What a proposal's card must pass: data, record, and the fields that the policy demands."""
    return check


def archive_file(config: Config, digest: Digest) -> Path | None:
    """Where an archive lies on this host: read by an officer, or in the store. Not checked."""
    where = places(config)
    for path in (where.drafts / f"{digest.hex}.tar", blob_path(where.data, digest)):
        if path.is_file():
            return path
    return None


async def describe(config: Config, handle: Handle, file: Path | None) -> Record:
    """Read a module and describe it, from a file or else from its hub. The archive is kept."""
    async with open_transfers(config, file=file) as transfers:
        return await fetch_first(
            handle, transfers=transfers, into=drafts(config), decided_at=timestamp(now())
        )


def known_records(config: Config, handle: Handle) -> list[Record]:
    """The records of an exact handle: those on the trust list, then those in drafts here."""
    drafted = (record for record in _drafted(config) if record.handle == str(handle))
    return list(dict.fromkeys([*_listed(config, handle), *drafted]))


def wanted_fields(config: Config) -> tuple[str, ...]:
    """What the officers' policy demands of every card; nothing where there is no list yet."""
    try:
        return trust_client(config).refresh().policy.card_fields
    except TrustListError as error:
        if error.code != _NO_LIST:
            raise
        return ()


def listed_modules(config: Config) -> Iterator[tuple[Record, bytes | None]]:
    """Every record of the trust list in force, with its card where it has one.

    Raises:
        TrustListError: a part of the list cannot be read.
    """
    for _, record in lookup(config).everything():
        yield record, card_of(config, record)


def card_of(config: Config, record: Record) -> bytes | None:
    """The card of a record, as it is published; None for one that has none.

    Raises:
        TrustListError: it is missing, or other bytes than were signed.
    """
    if not isinstance(record.card, CardNote):
        return None
    digest = Digest.parse(record.card.digest)
    return trust_client(config).fetch_file(f"boms/{digest.hex[:2]}/{digest.hex}.cdx.json", digest)


def _listed(config: Config, handle: Handle) -> list[Record]:
    """On the list that this host publishes; where it publishes none, on the one it reads."""
    if (places(config).repository / "metadata").is_dir():
        own = repository(config)
        return [record for form in FORMATS if (record := own.find(target_path(handle, form)))]
    try:
        found = lookup(config)
    except TrustListError as error:
        if error.code != _NO_LIST:
            raise
        return []
    return [record for _, record in found.find(handle)]


def _drafted(config: Config) -> Iterator[Record]:
    """The records in drafts on this host; what is no record is passed over."""
    for path in sorted(places(config).drafts.glob("*/records/*/*.json")):
        with suppress(ValueError):  # a policy lies there as well
            yield Record.decode(path.read_bytes())
