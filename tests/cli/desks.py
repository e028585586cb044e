"""Several officers, each at a desk of his own: a folder, a data folder, and a key."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cli.place import Done, Place
from tests.origin import Origin


@dataclass
class Desk(Place):
    """A machine, with its holder's key in `NAME.pem` under the passphrase of every place."""

    name: str = ""

    def __post_init__(self) -> None:
        self.folder.mkdir()
        super().__post_init__()
        self.variables["HUBPROXY_PASSPHRASE_FILE"] = "passphrase"

    @property
    def pub(self) -> str:
        return str(self.folder / f"{self.name}.pub")

    async def trust(self, *words: str) -> Done:
        """What must succeed."""
        return await self.good("trust", *words)

    async def refused(self, *words: str) -> str:
        """What must be refused as used wrongly; gives the reason."""
        done = await self.run("trust", *words)
        assert (done.status, done.out) == (2, ""), done.errors
        assert "Traceback" not in done.errors
        return done.errors

    async def sign(self, draft: Path) -> Done:
        return await self.trust("sign", str(draft), "--key", f"{self.name}.pem")


async def desk(folder: Path, origin: Origin, name: str) -> Desk:
    """Somebody's desk, with a new key."""
    made = Desk(folder / name, origin, name=name)
    await made.trust("keygen", f"{name}.pem")
    return made


@dataclass
class Office:
    """A list of ada, bob and cy, any two of whom sign; ada's desk publishes it."""

    folder: Path
    ada: Desk
    bob: Desk
    cy: Desk

    @property
    def stick(self) -> Path:
        return self.folder / "stick"

    def carry(self, draft: str) -> Path:
        """Copy a draft from ada's desk to the stick."""
        return Path(shutil.copytree(self.ada.data / "drafts" / draft, self.stick / draft))

    async def second(self, draft: str, by: Desk | None = None) -> None:
        """Let bob sign a draft on the stick, and ada publish it."""
        copy = self.carry(draft)
        await (by or self.bob).sign(copy)
        await self.ada.trust("merge", draft, str(copy))
        await self.ada.trust("publish", draft)
        shutil.rmtree(copy)


@asynccontextmanager
async def drafted(folder: Path, origin: Origin) -> AsyncIterator[Office]:
    """An office whose list waits for bob or cy, as D1."""
    ada, bob, cy = [await desk(folder, origin, name) for name in ("ada", "bob", "cy")]
    office = Office(folder, ada, bob, cy)
    office.stick.mkdir()
    await ada.trust(
        "init", "--officer", "ada=ada.pem", "--officer", f"bob={bob.pub}",
        "--officer", f"cy={cy.pub}", "--threshold", "2",
    )  # fmt: skip
    yield office
