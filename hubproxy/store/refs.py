"""What the store holds under which name: one small file each, replaced by rename."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import msgspec

from hubproxy.core.digest import Digest
from hubproxy.core.handle import Handle
from hubproxy.core.record import FORMATS, Format, Record
from hubproxy.files import fsync_folder, make_folder, write_whole
from hubproxy.logs import event

_MARK = "@"  # no segment of a handle begins with it, so a name can be another's folder


class Ref(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The record in force for a handle and format, and the archive it names.

    What is `kept` is never evicted: a mirror holds it, or it came over an air gap, and the place
    that it came from may not have it any more.
    """

    record: str
    record_size: int
    archive: str
    kept: bool = False

    @classmethod
    def of(cls, record: Record, *, kept: bool = False) -> Self:
        """The ref of a record."""
        found = record.descriptor
        return cls(str(found.digest), found.size, record.archive.digest, kept)

    @property
    def record_digest(self) -> Digest:
        return Digest.parse(self.record)

    @property
    def archive_digest(self) -> Digest:
        return Digest.parse(self.archive)


class RefStore:
    """Refs on disk, all of them in memory: the folder has one owner.

    Not safe for threads that write; the methods that touch the disk block.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._refs: dict[tuple[Handle, Format], Ref] = {}
        self.damaged: list[Path] = []
        self._later: list[Path] = []  # of formats that a later version knows

    def load(self) -> None:
        """Read every ref, as the owner of the folder."""
        for path in self._folder.rglob(f".{_MARK}*"):
            path.unlink()  # what a process that was killed had not yet renamed
        self.read()

    def read(self) -> None:
        """Read every ref. One that cannot be read is listed in `damaged` and passed over."""
        self._refs.clear()
        self.damaged.clear()
        self._later.clear()
        for path in sorted(self._folder.rglob(f"{_MARK}*")):
            form = next((form for form in FORMATS if path.name == _MARK + form), None)
            try:
                name = str(path.parent.relative_to(self._folder))
                exact = Handle.parse(name)
                if str(exact) != name:
                    raise ValueError(f"{name} is not how {exact} is written")
                ref = msgspec.json.decode(path.read_bytes(), type=Ref)
                ref.record_digest, ref.archive_digest  # noqa: B018  # each checks itself
            except (ValueError, OSError, msgspec.MsgspecError):
                self.damaged.append(path)
                event("ref.damaged", level=logging.ERROR, path=path)
                continue
            if form is None:
                self._later.append(path)
            else:
                self._refs[exact, form] = ref

    def lost(self, exact: Handle) -> bool:
        """Whether a handle had a ref that cannot be read, or not by this version."""
        folder = self._folder / str(exact)
        return any(path.parent == folder for path in (*self.damaged, *self._later))

    def get(self, exact: Handle, form: Format) -> Ref | None:
        return self._refs.get((exact, form))

    def put(self, exact: Handle, form: Format, ref: Ref) -> None:
        """Set a ref; it survives a power cut when this returns.

        Raises:
            OSError: the ref is as it was.
        """
        path = self._path(exact, form)
        make_folder(path.parent, mode=0o700)
        write_whole(path, msgspec.json.encode(ref), mode=0o600)
        self._refs[exact, form] = ref

    def drop(self, exact: Handle, form: Format) -> None:
        """Remove a ref, durably; fine if there is none."""
        path = self._path(exact, form)
        path.unlink(missing_ok=True)
        self._refs.pop((exact, form), None)
        if path.parent.is_dir():
            fsync_folder(path.parent)

    def __iter__(self) -> Iterator[tuple[Handle, Format, Ref]]:
        for (exact, form), ref in list(self._refs.items()):
            yield exact, form, ref

    def _path(self, exact: Handle, form: Format) -> Path:
        return self._folder / str(exact) / f"{_MARK}{form}"
