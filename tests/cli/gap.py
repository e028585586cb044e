"""Two sides of an air gap: an officer's host that has the hub, and a site that has nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.cli.place import SPICE, Place
from tests.origin import Origin
from tests.site import SMALL

NNLM = "tfhub.dev/google/nnlm/2"
OLD = "tfhub.dev/google/nnlm/1"


class Inside(Place):
    """A site that may ask nobody."""

    def write_settings(self, more: str) -> None:
        super().write_settings(f"offline = true\n{more}")


class Gap:
    """Both sides, and what is carried between them."""

    def __init__(self, folder: Path, origin: Origin) -> None:
        self.folder = folder
        for name in ("outside", "inside", "stick"):
            (folder / name).mkdir(exist_ok=True)
        self.outside = Place(folder / "outside", origin)
        self.inside = Inside(folder / "inside", origin)
        self.stick = folder / "stick"

    @property
    def bundle(self) -> Path:
        return self.stick / "bundle"

    @property
    def root(self) -> Path:
        return self.stick / "root.json"

    async def approve(self, *handles: str) -> None:
        await self.outside.good("trust", "approve", *handles)

    async def bring(self, *words: str) -> None:
        """Make a bundle outside of what the mirror there has."""
        await self.outside.good("mirror", "sync", *[word for word in words if "/" in word])
        await self.outside.good("bundle", "create", str(self.bundle), *words)


@asynccontextmanager
async def open_gap(folder: Path) -> AsyncIterator[Gap]:
    """A list that approves three small modules, its root on the stick, and an empty site."""
    async with Origin() as origin:
        gap = Gap(folder, origin)
        gap.outside.put(SPICE, SMALL)
        gap.outside.put(NNLM, {**SMALL, "assets/words.txt": b"new"})
        gap.outside.put(OLD, {**SMALL, "assets/words.txt": b"old"})
        await gap.outside.begin()
        await gap.approve(SPICE, NNLM, OLD)
        gap.root.write_bytes((gap.outside.data / "trust" / "root.json").read_bytes())
        yield gap
