"""The parts of the store."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hubproxy.config import Config
from hubproxy.core.limits import ArchiveLimits
from hubproxy.store.blobs import BlobStore
from hubproxy.store.budget import Budget
from hubproxy.store.drafts import Drafts
from hubproxy.store.folder import DataFolder, disk_errors
from hubproxy.store.modules import ModuleStore
from hubproxy.store.quarantine import HeldModules
from hubproxy.store.refs import RefStore
from hubproxy.store.requests import RequestFolder
from hubproxy.wiring.places import places


@dataclass(frozen=True, slots=True)
class Stores:
    """The parts of an owned data folder."""

    folder: DataFolder
    blobs: BlobStore
    refs: RefStore
    pins: RefStore


@contextmanager
def open_stores(config: Config) -> Iterator[Stores]:
    """Own the data folder.

    Raises:
        DataFolderError: another process owns it, or it cannot be used.
        StorageFullError, StorageFailedError: the disk reported an error.
    """
    folder = DataFolder.open(Path(config.data))
    try:
        with disk_errors():
            refs, pins = RefStore(folder.sub("refs")), RefStore(folder.sub("pins"))
            refs.load()
            pins.load()
            blobs = BlobStore(folder)
        yield Stores(folder, blobs, refs, pins)
    finally:
        folder.close()


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


def held_modules(config: Config) -> HeldModules:
    """What waits for officers; to be looked at beside the daemon that owns the data folder."""
    return HeldModules(places(config).quarantine, most_bytes=config.store.quarantine_bytes)


def request_folder(config: Config) -> RequestFolder:
    """What people ask officers for; to be looked at beside the daemon."""
    return RequestFolder(places(config).requests)


def limits(config: Config) -> ArchiveLimits:
    found = config.limits
    return ArchiveLimits(
        members=found.members,
        depth=found.depth,
        name_bytes=found.name_bytes,
        unpacked_bytes=found.unpacked_bytes,
        ratio=found.ratio,
    )
