"""Model cards and what is inside a module, for officers."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from hubproxy.cards.check import check_proposed
from hubproxy.config import Config
from hubproxy.core.audit import timestamp
from hubproxy.core.digest import Digest
from hubproxy.core.handle import Handle
from hubproxy.core.record import FORMATS, CardNote, Record, target_path
from hubproxy.errors import TrustListError
from hubproxy.inspection.facts import Facts, UnreadableError
from hubproxy.inspection.reader import read_facts
from hubproxy.service.fetch import fetch_first
from hubproxy.wiring.places import now, places
from hubproxy.wiring.stores import drafts
from hubproxy.wiring.trust import repository, trust_client
from hubproxy.wiring.upstreams import open_transfers

_NO_LIST = "TRUST_ROOT"
"""The code of the error that there is no list to read, of one's own or another's."""


class Inspector:
    """Looks into archives, each in a child of its own.

    Args:
        told: is given a line when a module could not be read: what is inside is then unknown.
    """

    def __init__(self, told: Callable[[str], object]) -> None:
        self._told = told

    def inspect(self, archive: Path, record: Record) -> Facts | None:
        """What a module says of itself; None where that cannot be told. Blocks."""
        try:
            with archive.open("rb", buffering=0) as file:
                return read_facts(file.fileno(), record)
        except (UnreadableError, OSError) as error:
            self._told(f"{record.handle} could not be read: {error}")
            return None


def inspector(told: Callable[[str], object] = lambda _: None) -> Inspector:
    return Inspector(told)


def card_check() -> Callable[[bytes | None, Record, Sequence[str]], CardNote | None]:
    """What a proposal's card must pass: data, record, and the fields that the policy demands."""
    return check_proposed


def archive_file(config: Config, digest: Digest) -> Path | None:
    """Where an archive lies on this host: read by an officer, or in the store. Not checked."""
    hex_text, where = digest.hex, places(config)
    blob = where.data / "blobs" / "sha256" / hex_text[:2] / hex_text
    for path in (where.drafts / f"{hex_text}.tar", blob):
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
    """Every record of the trust list in force, with its card where it has one."""
    client = trust_client(config)
    snapshot = client.refresh()
    for exact, form in snapshot.listing():
        listed = snapshot.find(exact, (form,))
        assert listed is not None
        record = Record.decode(client.fetch_record(listed.record))
        yield record, card_of(config, record)


def card_of(config: Config, record: Record) -> bytes | None:
    """The card of a record, as it is published; None for one that has none.

    Raises:
        TrustListError: it is missing, or other bytes than were signed.
    """
    if not isinstance(record.card, CardNote):
        return None
    hex_text = Digest.parse(record.card.digest).hex
    folder = Path(config.trust.source or places(config).repository)
    path = folder / "boms" / hex_text[:2] / f"{hex_text}.cdx.json"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TrustListError(
            "TRUST_UNREACHABLE",
            f"the card of {record.handle} cannot be read: {path}: {error.strerror}",
            remedy="See that `trust.source` is published whole.",
        ) from error
    if hashlib.sha256(data).hexdigest() != hex_text:
        raise TrustListError(
            "HP-T09",
            f"{path} is not the card that the record of {record.handle} names",
            remedy="Somebody may have altered the list: ask a trust officer.",
        )
    return data


def _listed(config: Config, handle: Handle) -> list[Record]:
    """On the list that this host publishes; where it publishes none, on the one it reads."""
    if (places(config).repository / "metadata").is_dir():
        own = repository(config)
        return [record for form in FORMATS if (record := own.find(target_path(handle, form)))]
    try:
        client = trust_client(config)
    except TrustListError as error:
        if error.code != _NO_LIST:
            raise
        return []
    snapshot = client.refresh()
    found = [listed for form in FORMATS if (listed := snapshot.find(handle, (form,)))]
    return [Record.decode(client.fetch_record(listed.record)) for listed in found]


def _drafted(config: Config) -> Iterator[Record]:
    """The records in drafts on this host; what is no record is passed over."""
    for path in sorted(places(config).drafts.glob("*/records/*/*.json")):
        with suppress(ValueError):  # a policy lies there as well
            yield Record.decode(path.read_bytes())
