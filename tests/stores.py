"""A store on disk for tests, and modules brought into it without a network."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from hubproxy.core.limits import ArchiveLimits
from hubproxy.store.blobs import BlobStore
from hubproxy.store.budget import Budget
from hubproxy.store.drafts import Drafts
from hubproxy.store.folder import DataFolder
from hubproxy.store.modules import ModuleStore
from hubproxy.store.receiving import Receiving
from hubproxy.store.refs import RefStore
from tests.made import Made

PLENTY = 1 << 40


def names_in(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


@dataclass(frozen=True)
class Store:
    """The parts of an open store."""

    folder: DataFolder
    blobs: BlobStore
    refs: RefStore
    pins: RefStore
    budget: Budget
    modules: ModuleStore

    @property
    def parts(self) -> list[Path]:
        """What lies in `tmp`."""
        return list((self.folder.path / "tmp").iterdir())

    async def bring(self, made: Made) -> None:
        """Receive a module and commit it."""
        async with self.receiving(made) as receiving, receiving.attempt() as feed:
            await feed.write(made.upstream)
            await feed.finish()

    @asynccontextmanager
    async def receiving(self, made: Made) -> AsyncIterator[Receiving]:
        async with self.modules.receive(made.record, lambda _: None) as receiving:
            yield receiving


@contextmanager
def open_store(
    path: Path, *, limit: int = PLENTY, floor: int = 0, pinned: Sequence[str] = ()
) -> Iterator[Store]:
    """Own a folder, made if missing, and open what lies there as the daemon would."""
    folder = DataFolder.open(path)
    refs, pins = RefStore(folder.sub("refs")), RefStore(folder.sub("pins"))
    refs.load()
    pins.load()
    blobs = BlobStore(folder)
    budget = Budget(folder, blobs, refs, limit=limit, floor=floor, pinned=pinned)
    budget.load(frozenset(ref.record_digest for store in (refs, pins) for _, _, ref in store))
    limits = ArchiveLimits()
    drafts = Drafts(path / "drafts", limits)
    modules = ModuleStore(folder, blobs, refs, pins, budget, drafts, limits=limits, fetches=4)
    try:
        yield Store(folder, blobs, refs, pins, budget, modules)
    finally:
        modules.close()
        folder.close()
