"""Looking again, with today's gate, into everything that is on this host."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hubproxy.config import Config
from hubproxy.core.allowance import Allowance
from hubproxy.core.audit import timestamp
from hubproxy.core.handle import Handle
from hubproxy.core.quarantine import Ask, HeldModule
from hubproxy.core.record import Record
from hubproxy.core.reread import Place, Reread, reread
from hubproxy.errors import TrustListError
from hubproxy.inspection.inspected import Inspected
from hubproxy.inspection.reader import inspect
from hubproxy.store.quarantine import HeldModules
from hubproxy.store.refs import RefStore
from hubproxy.store.withdraw import withdraw
from hubproxy.wiring.cards import archive_file
from hubproxy.wiring.places import now, places
from hubproxy.wiring.reports import lookup, stored_record
from hubproxy.wiring.stores import held_modules, open_stores

_NO_LIST = "TRUST_ROOT"


@dataclass(frozen=True, slots=True)
class Kept:
    """A module on this host, as it is known.

    Args:
        archive: where it lies; None for one that is listed and not here.
        held: where it waits for officers.
    """

    record: Record
    place: Place
    archive: Path | None
    held: HeldModule | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A module that was looked into again."""

    kept: Kept
    inspected: Inspected
    told: Reread


@dataclass(frozen=True, slots=True)
class Everything:
    """What is on this host, and what officers allow of it."""

    modules: tuple[Kept, ...]
    allow: tuple[Allowance, ...]


def everything(config: Config) -> Everything:
    """Every module that is listed, pinned or held. Reads beside a daemon, and changes nothing.

    Raises:
        TrustListError: the list cannot be read.
    """
    try:
        found = lookup(config)
        listed = [record for _, record in found.everything() if record.status == "approved"]
        allow = found.snapshot.policy.allow
    except TrustListError as error:
        if error.code != _NO_LIST:
            raise
        listed, allow = [], ()
    modules = [
        Kept(record, "listed", archive_file(config, record.archive_digest)) for record in listed
    ]
    known = {record.handle for record in listed}
    modules += [
        Kept(record, "pinned", archive_file(config, record.archive_digest))
        for record in _pinned(config)
        if record.handle not in known
    ]
    here = held_modules(config)
    modules += [
        Kept(held.record, "held", here.archive(held.number), held)
        for held in here.all()
        if held.record.handle not in known
    ]
    return Everything(tuple(modules), allow)


def look_again(kept: Kept, allow: tuple[Allowance, ...]) -> Seen | None:
    """Look into one module in a child; None where its archive is not here. Blocks."""
    if kept.archive is None:
        return None
    try:
        with kept.archive.open("rb", buffering=0) as file:
            inspected = inspect(file.fileno(), kept.record)
    except FileNotFoundError:  # evicted, or dropped, meanwhile
        return None
    told = reread(
        kept.record,
        kept.place,
        inspected.findings,
        allow=allow,
        at=now(),
        number=kept.held.number if kept.held else "",
    )
    return Seen(kept, inspected, told)


def settle(config: Config, seen: list[Seen]) -> Iterator[tuple[Seen, str]]:
    """Do what this host decides alone; gives what was done, module by module.

    What first use has pinned and the gate does not pass any more is held, or gone where it is
    refused. Of what is held, today's findings are noted.

    Raises:
        DataFolderError: a daemon owns the data folder.
    """
    with open_stores(config) as stores:
        held = held_modules(config)
        held.sweep()
        for one in seen:
            record = _noted(one)
            if one.told.withdrawn:
                ask = Ask(caller="rescan", time=timestamp(now()), why="first use had pinned it")
                waits = withdraw(
                    record,
                    one.inspected.findings,
                    ask,
                    folder=stores.folder,
                    blobs=stores.blobs,
                    refs=stores.refs,
                    pins=stores.pins,
                    held=held,
                )
                yield one, f"held as {waits.number}" if waits else "removed; it is never accepted"
            elif one.kept.held is not None and one.told.changed:
                _note(held, one.kept.held, record, one)
                yield one, "noted"


def _note(held: HeldModules, before: HeldModule, record: Record, one: Seen) -> None:
    held.update(msgspec.structs.replace(before, record=record, findings=one.inspected.findings))


def _noted(one: Seen) -> Record:
    """The record with today's findings; as it was where they refuse it."""
    if one.inspected.verdict == "refuse":
        return one.kept.record
    return one.inspected.described(one.kept.record)


def _pinned(config: Config) -> Iterator[Record]:
    pins = RefStore(places(config).data / "pins")
    pins.read()
    for exact, form, ref in sorted(pins, key=lambda one: (str(one[0]), one[1])):
        text = stored_record(config, ref.record_digest)
        if text is not None:
            record = Record.decode(text)
            if (Handle.parse(record.handle), record.format) == (exact, form):
                yield record
