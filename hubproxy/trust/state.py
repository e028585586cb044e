"""What a site keeps of the list it reads.

    current      a link to the folder of the list in force: `list-<random>`
    newer/       N.root.json: roots that a refresh read which then failed
    roles/       <sha256>.json: the teams' roles
    evidence/    <aa>/<sha256>
    boms/        <aa>/<sha256>.cdx.json

The list in force lies in the folder that `current` names. A refresh writes another folder, and
moves the link when everything verified and is on the disk, so a bad source, a full disk or a
power cut leaves the good list as it was. What is named by its digest is checked whenever it is
read: it need not survive a power cut, and nobody waits until it would.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

import msgspec

from hubproxy.core.digest import Digest
from hubproxy.files import fsync_folder, make_folder, write_whole
from hubproxy.trust.disk import locked, write_unsynced

_VERSIONED = re.compile(r"([1-9][0-9]{0,9})\.(root|snapshot|targets)\.json")


class ListState:
    """A private folder, on a file system with symbolic and hard links."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.current = folder / "current"

    def __str__(self) -> str:
        return str(self._folder)

    @property
    def has_list(self) -> bool:
        return self.current.exists()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """The folder for this caller alone, to write in it."""
        make_folder(self._folder, mode=0o700)
        with locked(self._folder / "lock"):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """The list in force stays where it is; whoever has the folder may wait for a source."""
        make_folder(self._folder, mode=0o700)
        with locked(self._folder / "reading"):
            yield

    def keep(self, fresh: Mapping[str, bytes], roots: range) -> None:
        """Make the list in force one that has the fresh files, by their names, and its others.

        Whatever goes wrong, the list in force is whole: the one before or this.

        Args:
            fresh: name in the folder -> bytes.
            roots: versions of this list's roots; what else lies there is another list's.
        """
        new = {name: data for name, data in fresh.items() if _read(self.current / name) != data}
        try:
            if new:
                self._write_list(self._folder / f"list-{token_hex(8)}", new, roots)
            shutil.rmtree(self._folder / "newer", ignore_errors=True)  # these are in it now
        finally:
            with self.reading():
                self._sweep()

    def keep_roots(self, fresh: Mapping[str, bytes]) -> None:
        """Keep the roots of a refresh that failed, if there is a list in force.

        Beside it: the list was not signed under them, and is read again without them.
        """
        if not self.has_list:
            return
        for name, data in sorted(fresh.items()):
            path = self._folder / "newer" / Path(name).name
            known = _read(self.current / name) == data or _read(path) == data
            if name.endswith(".root.json") and not known:
                make_folder(path.parent, mode=0o700)
                write_whole(path, data)

    def newer_roots(self) -> dict[int, bytes]:
        """Version -> bytes of the roots beside the list in force; not verified."""
        found = {}
        for path in (self._folder / "newer").glob("*.root.json"):
            data = _read(path)
            if data is not None and (match := _VERSIONED.fullmatch(path.name)):
                found[int(match[1])] = data
        return found

    def role(self, digest: Digest) -> bytes | None:
        """The file of a team's role, if it was kept and is whole."""
        return self._read(f"roles/{digest.hex}.json", digest)

    def keep_role(self, digest: Digest, data: bytes) -> None:
        self._write(f"roles/{digest.hex}.json", data)

    def file(self, name: str, digest: Digest) -> bytes | None:
        """Evidence or a card by its published name, if it was kept and is whole."""
        return self._read(name, digest)

    def keep_file(self, name: str, data: bytes) -> None:
        self._write(name, data)

    def drop_roles(self, *, but: Iterable[Digest]) -> None:
        """Remove the files of roles that are named no longer, and what a crash left of others."""
        named = {f"{digest.hex}.json" for digest in but}
        for path in (self._folder / "roles").glob("*"):
            if path.name not in named:
                path.unlink(missing_ok=True)

    def published(self, name: str) -> bytes | None:
        """A file of the list in force by its name in `metadata/`; teams' roles are not among."""
        if name == "timestamp.json":
            return self._text(f"current/{name}")
        match = _VERSIONED.fullmatch(name)
        if match is None:
            return None
        if match[2] == "root":
            return self._text(f"current/root_history/{name}")
        data = self._text(f"current/{match[2]}.json")
        return data if data is not None and _version(data) == int(match[1]) else None

    def policy(self, digest: Digest) -> bytes | None:
        """The text of the policy that is kept with the list, if it is the one asked for."""
        return self._read("current/policy.json", digest)

    def _read(self, name: str, digest: Digest) -> bytes | None:
        data = self._text(name)
        if data is None or hashlib.sha256(data).hexdigest() != digest.hex:
            return None
        return data

    def _text(self, name: str) -> bytes | None:
        return _read(self._folder / name)

    def _write(self, name: str, data: bytes) -> None:
        path = self._folder / name
        make_folder(path.parent, mode=0o700)
        write_unsynced(path, data)

    def _write_list(self, work: Path, new: Mapping[str, bytes], roots: range) -> None:
        (work / "root_history").mkdir(mode=0o700, parents=True)
        ours = (self.current / "root_history" / f"{number}.root.json" for number in roots)
        # Links: what is on the disk already need not be written, nor flushed.
        for path in (*self.current.glob("*.json"), *filter(Path.exists, ours)):
            name = str(path.relative_to(self.current))
            if name not in new:
                (work / name).hardlink_to(path)
        for name, data in new.items():
            with (work / name).open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        fsync_folder(work / "root_history")
        fsync_folder(work)
        link = self._folder / f"{work.name}.link"
        link.symlink_to(work.name)
        link.replace(self.current)
        fsync_folder(self._folder)

    def _sweep(self) -> None:
        """Remove copies that no link names; also those that a crash left."""
        held = self.current.resolve().name
        for path in self._folder.glob("list-*"):
            if path.is_symlink():
                path.unlink(missing_ok=True)
            elif path.name != held:
                shutil.rmtree(path, ignore_errors=True)


class BorrowedState(ListState):
    """What another process keeps, such as the daemon, for one that must leave nothing there.

    Its memory of how new a list was seen holds here as well. What is new stays in memory.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._fresh: dict[str, bytes] = {}

    @property
    def has_list(self) -> bool:
        return super().has_list or "current/timestamp.json" in self._fresh

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nothing is written, so nobody need wait."""
        yield

    reading = locked

    def keep(self, fresh: Mapping[str, bytes], roots: range) -> None:  # noqa: ARG002  # its base's
        self._fresh |= {f"current/{name}": data for name, data in fresh.items()}

    def keep_roots(self, fresh: Mapping[str, bytes]) -> None:
        """The daemon keeps them when it reads them itself."""

    def drop_roles(self, *, but: Iterable[Digest]) -> None:
        """The daemon may need them."""

    def _text(self, name: str) -> bytes | None:
        return self._fresh.get(name) or super()._text(name)

    def _write(self, name: str, data: bytes) -> None:
        self._fresh[name] = data


class _Signed(msgspec.Struct):
    version: int


class _File(msgspec.Struct):
    signed: _Signed


def _version(data: bytes) -> int | None:
    try:
        return msgspec.json.decode(data, type=_File).signed.version
    except msgspec.MsgspecError:
        return None


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
