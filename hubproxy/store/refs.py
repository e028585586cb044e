"""What the store holds under which name: one small file each, replaced by rename."""

import logging
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Self

import msgspec

from hubproxy.core.digest import Digest
from hubproxy.core.handle import Handle, parse_hub
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


_DECODER = msgspec.json.Decoder(Ref)


@cache
def _hub(text: str) -> str:
    """A hub's name, as it is written.

    Raises:
        ValueError: it is none.
    """
    hub = parse_hub(text)
    if hub != text:
        raise ValueError(f"{text} is not how {hub} is written")
    return hub


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
        parts, refs = self._found()
        for path in parts:
            Path(path).unlink()  # what a process that was killed had not yet renamed
        self._read(refs)

    def read(self) -> None:
        """Read every ref. One that cannot be read is listed in `damaged` and passed over."""
        self._read(self._found()[1])

    def _found(self) -> tuple[list[str], list[str]]:
        """The files that are no refs yet, and those that are, sorted. A start must not wait."""
        parts, refs = [], []
        for folder, inner, names in os.walk(self._folder):
            parts += [f"{folder}/{name}" for name in names if name.startswith(f".{_MARK}")]
            # A folder of such a name is a ref that cannot be read.
            refs += [f"{folder}/{name}" for name in (*names, *inner) if name.startswith(_MARK)]
        return parts, sorted(refs)

    def _read(self, paths: list[str]) -> None:
        self._refs.clear()
        self.damaged.clear()
        self._later.clear()
        start = len(str(self._folder)) + 1
        for path in paths:
            name, _, mark = path[start:].rpartition("/")
            form = next((form for form in FORMATS if mark == _MARK + form), None)
            try:
                hub, _, rest = name.partition("/")
                exact = Handle.of(_hub(hub), rest)
                if str(exact) != name:
                    raise ValueError(f"{name} is not how {exact} is written")
                with open(path, "rb", buffering=0) as file:  # noqa: PTH123  # quicker, for thousands
                    ref = _DECODER.decode(file.read())
                ref.record_digest, ref.archive_digest  # noqa: B018  # each checks itself
            except (ValueError, OSError, msgspec.MsgspecError):
                self.damaged.append(Path(path))
                event("ref.damaged", level=logging.ERROR, path=path)
                continue
            if form is None:
                self._later.append(Path(path))
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
