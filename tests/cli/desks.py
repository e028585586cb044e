"""Several officers, each at a desk of his own: a folder, a data folder, and a key.

What a test is not about is made by the library: every command is a process of its own.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from hubproxy import wiring
from hubproxy.config import Config, load
from hubproxy.files import write_whole
from hubproxy.trust.beginning import begin
from hubproxy.trust.contents import Contents
from hubproxy.trust.draft import Draft
from hubproxy.trust.keys import create_key, create_online_key, load_public, load_signer
from hubproxy.trust.proposing import put
from tests.cli.place import PASSPHRASE, SPICE, Done, Place
from tests.made import describe
from tests.origin import Origin

_SECRET = PASSPHRASE.encode()


@dataclass
class Desk(Place):
    """A machine, with its holder's key in `NAME.pem` under the passphrase of every place."""

    name: str = ""

    def __post_init__(self) -> None:
        self.folder.mkdir()
        super().__post_init__()
        self.variables["HUBPROXY_PASSPHRASE_FILE"] = "passphrase"
        self.make_key(self.name)

    @property
    def pem(self) -> str:
        return str(self.folder / f"{self.name}.pem")

    @property
    def pub(self) -> str:
        return str(self.folder / f"{self.name}.pub")

    @property
    def config(self) -> Config:
        return load(self.settings, {}, {})

    def make_key(self, name: str) -> None:
        create_key(self.folder / f"{name}.pem", _SECRET)

    def signs(self, draft: Path) -> None:
        """Sign a draft, without a command."""
        found = Draft.load(draft)
        told = found.review().fingerprint  # as another officer says it
        found.sign(load_signer(Path(self.pem), _SECRET), fingerprint=told)

    async def trust(self, *words: str) -> Done:
        """What must succeed."""
        return await self.good("trust", *words)

    async def refused(self, *words: str) -> str:
        """What must be refused as used wrongly; gives the reason."""
        done = await self.run("trust", *words)
        assert (done.status, done.out) == (2, ""), done
        assert "Traceback" not in done.errors
        return done.errors


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

    def draft(self, name: str) -> Path:
        return self.ada.data / "drafts" / name

    def carry(self, name: str) -> Path:
        """Copy a draft from ada's desk to the stick."""
        return Path(shutil.copytree(self.draft(name), self.stick / name))

    def propose(self, handle: str = SPICE) -> Draft:
        """A draft that lists a module, signed by ada, without a command."""
        repository, contents = wiring.repository(self.ada.config), Contents()
        record = describe(b"a module", handle)
        changes = put(repository.in_force(), [record], contents)
        made = Draft.create(self.ada.data / "drafts", repository, changes, contents)
        self.ada.signs(made.folder)
        return made

    def finish(self, name: str, *by: Desk) -> None:
        """Let others sign a draft (bob, if nobody is named), and publish it, without a command."""
        for desk in by or (self.bob,):
            desk.signs(self.draft(name))
        publish(self.ada, name)


def publish(desk: Desk, name: str) -> None:
    """Publish a draft, without a command."""
    config = desk.config
    Draft.load(desk.data / "drafts" / name).publish(
        wiring.repository(config), wiring.online_signers(config)
    )


def drafted(folder: Path, origin: Origin) -> Office:
    """An office whose list waits for bob or cy, as D1."""
    ada, bob, cy = [Desk(folder / name, origin, name=name) for name in ("ada", "bob", "cy")]
    (folder / "stick").mkdir()
    where = wiring.places(ada.config)
    online = create_online_key(where.keys / "online.pem")
    begin(
        where.drafts,
        wiring.repository(ada.config),
        officers={desk.name: load_public(Path(desk.pub)) for desk in (ada, bob, cy)},
        threshold=2,
        signers=[load_signer(Path(ada.pem), _SECRET)],
        snapshot=online,
        timestamp=online,
    )
    return Office(folder, ada, bob, cy)


def begun(folder: Path, origin: Origin) -> Office:
    """An office whose list is in force; its next draft is D2."""
    office = drafted(folder, origin)
    office.finish("D1")
    root = wiring.repository(office.ada.config).root_file()
    write_whole(wiring.places(office.ada.config).root, root)
    return office
