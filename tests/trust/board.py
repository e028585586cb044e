"""A trust list with three officers, teams and two online keys; and who reads it."""

import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # no __all__
from tuf.api.metadata import TargetFile  # type: ignore[attr-defined]  # no __all__
from tuf.ngclient.updater import Updater

from hubproxy.core.record import Record
from hubproxy.files import write_whole
from hubproxy.trust.beginning import begin
from hubproxy.trust.changes import Change, Delegate, named_keys
from hubproxy.trust.client import TrustClient
from hubproxy.trust.contents import Contents
from hubproxy.trust.draft import Draft
from hubproxy.trust.fetcher import FolderFetcher
from hubproxy.trust.officer import Repository
from hubproxy.trust.proposing import put
from hubproxy.trust.publishing import Publication
from tests.trust.published import Clock

GOOGLE = "tfhub.dev/google/*/*/*"
KAGGLE = "kaggle.com/google/*/*/*/*/*"


NAMES = ("ada", "bob", "cyd", "lea", "max", "snapshot", "timestamp", "new", "eve")


@cache
def signer(name: str) -> CryptoSigner:
    """A key of each kind: the same for all tests, since making one takes its time."""
    if name == "cyd":
        return CryptoSigner.generate_rsa()
    if name in ("bob", "snapshot"):
        return CryptoSigner.generate_ecdsa()
    return CryptoSigner.generate_ed25519()


class Board:
    """Two of ada, bob and cyd sign; lea and max are the teams'; `keys` are all of them by name."""

    def __init__(self, place: Path, *, threshold: int = 2) -> None:
        self.place = place
        self.folder, self.drafts = place / "trust", place / "drafts"
        self.clock = Clock()
        self.keys = {name: signer(name) for name in NAMES}
        self.log: list[Publication] = []
        self.root: bytes | None = None
        self.list = self.repository()
        begun = begin(
            self.drafts,
            self.list,
            officers={name: self.keys[name].public_key for name in ("ada", "bob", "cyd")},
            threshold=threshold,
            signers=[self.keys["ada"], self.keys["bob"]],
            snapshot=self.keys["snapshot"],
            timestamp=self.keys["timestamp"],
        )
        assert begun is None
        self.root = self.list.root_file()
        self.list = self.repository()

    @property
    def metadata(self) -> Path:
        return self.folder / "metadata"

    @property
    def online(self) -> list[CryptoSigner]:
        return [self.keys["snapshot"], self.keys["timestamp"]]

    def repository(self, write: object = write_whole) -> Repository:
        """The list, as one who writes files in another way sees it."""
        return Repository(
            self.folder,
            clock=self.clock,
            write=write,  # type: ignore[arg-type]  # any callable of a path and bytes
            log=self.log.append,
            pinned=self.root,
        )

    def contents(self) -> Contents:
        return self.list.contents()

    def draft(self, *changes: Change, contents: Contents | None = None) -> Draft:
        return Draft.create(self.drafts, self.list, changes, contents)

    def sign(self, draft: Draft, *names: str) -> Draft:
        for name in names:
            draft.sign(self.keys[name], self.root)
        return draft

    def publish(
        self,
        *changes: Change,
        by: Sequence[str] = ("ada", "bob"),
        contents: Contents | None = None,
        online: Sequence[str] = ("snapshot", "timestamp"),
    ) -> None:
        draft = self.sign(self.draft(*changes, contents=contents), *by)
        draft.publish(self.list, [self.keys[name] for name in online])

    def delegate(self, *members: str, team: str = "nlp", threshold: int = 1) -> None:
        """Let members sign for a team, in the order of the test's teams."""
        change = self.team(*members, team=team, threshold=threshold)
        self.publish(change, by=("ada", "bob", *members))

    def team(self, *members: str, team: str = "nlp", threshold: int = 1) -> Delegate:
        return Delegate(
            team=team,
            patterns=(GOOGLE, KAGGLE),
            keys=named_keys({name: self.keys[name].public_key for name in members}),
            threshold=threshold,
        )

    def approve(self, *records: Record, by: Sequence[str], role: str = "") -> None:
        """List records by the signatures of some."""
        contents = self.contents()
        self.publish(
            *put(self.list.in_force(), records, contents, role=role), by=by, contents=contents
        )

    def reader(self, state: str = "state") -> TrustClient:
        assert self.root is not None
        return TrustClient(self.place / state, self.folder, self.root, clock=self.clock)

    def found(self, path: str, folder: Path | None = None) -> TargetFile | None:
        """What tuf's own client, with the first root and no memory, finds under a path."""
        work = self.place / "tuf"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        assert self.root is not None
        fetcher = FolderFetcher(folder or self.folder)
        updater = Updater(str(work), "metadata/", fetcher=fetcher, bootstrap=self.root)
        updater._trusted_set.reference_time = self.clock()  # it has no public way to pass a clock
        return updater.get_targetinfo(path)

    def copy(self, name: str) -> Path:
        """The published folder as it is now."""
        return Path(shutil.copytree(self.folder, self.place / name))

    def restore(self, kept: Path) -> None:
        """Publish an earlier copy again; readers forget as well."""
        self.restore_only(kept)
        self.forget_readers()

    def restore_only(self, kept: Path) -> None:
        """Publish an earlier copy again; readers remember."""
        shutil.rmtree(self.folder)
        shutil.copytree(kept, self.folder)

    def forget_readers(self) -> None:
        for name in ("state", "fresh"):
            shutil.rmtree(self.place / name, ignore_errors=True)

    def copied(self, draft: Draft) -> Path:
        """A copy of a draft, since publishing one removes it."""
        shutil.rmtree(self.place / "copied", ignore_errors=True)
        return Path(shutil.copytree(draft.folder, self.place / "copied"))

    def contents_of(self) -> dict[str, bytes]:
        """Every published file."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }
