"""Bundles on a medium: folders, each an OCI image layout that says of itself what it has."""

import hashlib
import os
import shutil
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from hubproxy.core.bundle import LARGEST_TEXT, LAYOUT, Bundle, find_bundle, find_config, texts
from hubproxy.core.digest import Descriptor, Digest
from hubproxy.core.record import Record
from hubproxy.errors import StorageFailedError, UsageError
from hubproxy.files import fsync_folder, write_whole
from hubproxy.store.clone import take
from hubproxy.store.folder import disk_errors

_NAME = "volume-{}"
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_REMEDY = "Copy it again from where it was made."


class BundleError(StorageFailedError):
    """What lies on a medium is no bundle, is damaged, or was altered."""

    code = "BUNDLE"
    status = 400


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume, whose own texts were found to be as they must be."""

    folder: Path
    number: int
    bundle: Bundle

    @classmethod
    def open(cls, folder: Path) -> "Volume":
        """Read what a volume says of itself, and see that every byte of that is right.

        Raises:
            BundleError: it is not, or the folder holds no bundle.
        """
        index = _read(folder / "index.json", LARGEST_TEXT)
        try:
            found, number = find_bundle(index)
            config = find_config(_blob(folder, found))
            bundle = Bundle.decode(_blob(folder, config))
        except ValueError as error:
            raise BundleError(f"{folder}: {error}", remedy=_REMEDY) from error
        volume = cls(folder, number, bundle)
        volume._check(index)
        return volume

    def path(self, digest: str) -> Path:
        """Where a blob lies."""
        return _path(self.folder, Digest.parse(digest))

    def read(self, digest: str, size: int) -> bytes:
        """A small blob, checked.

        Raises:
            BundleError: it is not there, or has other bytes.
        """
        return _blob(self.folder, Descriptor(Digest.parse(digest), size))

    def _check(self, index: bytes) -> None:
        if not 1 <= self.number <= self.bundle.volumes:
            raise BundleError(f"{self.folder} is no volume of its bundle", remedy=_REMEDY)
        wanted, blobs = texts(self.bundle, self.number)
        if wanted != index or _read(self.folder / "oci-layout", 1024) != LAYOUT:
            raise BundleError(f"what {self.folder} says of itself was altered", remedy=_REMEDY)
        for digest, text in blobs.items():
            self.read(digest, len(text))


def find_volumes(folders: Iterable[Path]) -> list[Path]:
    """The volumes that some folders are, or hold.

    Raises:
        BundleError: one is none, and holds none.
    """
    found = []
    for folder in folders:
        if (folder / "index.json").exists():
            found.append(folder)
            continue
        inner = sorted(path.parent for path in folder.glob("*/index.json"))
        if not inner:
            raise BundleError(
                f"{folder} holds no bundle",
                remedy="Name the folder that `hubproxy bundle create` made, or one of its volumes.",
            )
        found += inner
    return found


def open_volumes(folders: Sequence[Path]) -> list[Volume]:
    """Every volume in some folders, all of one bundle, sorted by number; each once.

    Raises:
        BundleError: one is damaged or altered, or they are of several bundles.
    """
    found: dict[int, Volume] = {}
    for folder in find_volumes(folders):
        volume = Volume.open(folder)
        first = next(iter(found.values()), volume)
        if volume.bundle != first.bundle:
            raise BundleError(
                f"{first.folder} and {folder} are volumes of two bundles",
                remedy="Name the volumes of one bundle at a time.",
            )
        found.setdefault(volume.number, volume)
    return [found[number] for number in sorted(found)]


class BundleWriter:
    """Writes a bundle beside its place, and gives it its name when it is whole.

    Args:
        folder: where the bundle is to lie: it must not be there, or be empty.

    Raises:
        UsageError: something lies there.
    """

    def __init__(self, folder: Path) -> None:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(
                f"{folder} is not empty", remedy="Name a folder that is not there, or is empty."
            )
        self._folder = folder
        self._part = folder.with_name(f".{folder.name}.{token_hex(8)}")

    def volume(self, number: int, bundle: Bundle) -> Path:
        """Where a volume is written: in the bundle's own folder, where there is only one."""
        return self._part if bundle.volumes == 1 else self._part / _NAME.format(number)

    def put(self, volume: Path, digest: str, data: bytes) -> None:
        """Write a small blob."""
        path = _path(volume, Digest.parse(digest))
        with disk_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, data)

    def take(self, volume: Path, source: Path, record: Record) -> None:
        """Copy an archive, checked against its record on the way."""
        path = _path(volume, record.archive_digest)
        with disk_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
        take(source, path, record, link=False, mode=0o644)

    def describe(self, number: int, bundle: Bundle) -> None:
        """Write what a volume says of itself, last."""
        folder = self.volume(number, bundle)
        index, blobs = texts(bundle, number)
        for digest, text in blobs.items():
            self.put(folder, digest, text)
        with disk_errors():
            write_whole(folder / "oci-layout", LAYOUT)
            fsync_folder(folder / "blobs" / "sha256")
            write_whole(folder / "index.json", index)

    def finish(self) -> None:
        """Give it its name."""
        with disk_errors():
            if self._folder.exists():
                self._folder.rmdir()
            self._part.rename(self._folder)
            fsync_folder(self._folder.absolute().parent)

    def drop(self) -> None:
        """Remove what was written; nothing once it has its name."""
        shutil.rmtree(self._part, ignore_errors=True)


def _path(folder: Path, digest: Digest) -> Path:
    return folder / "blobs" / digest.algorithm / digest.hex


def _blob(folder: Path, wanted: Descriptor) -> bytes:
    path = _path(folder, wanted.digest)
    data = _read(path, wanted.size)
    if len(data) != wanted.size or hashlib.sha256(data).hexdigest() != wanted.digest.hex:
        raise BundleError(f"{path} has other bytes than its name says", remedy=_REMEDY)
    return data


def _read(path: Path, most: int) -> bytes:
    try:
        descriptor = os.open(path, _READ)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise BundleError(f"{path} is no file", remedy=_REMEDY)
            data = file.read(most + 1)
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}", remedy=_REMEDY) from error
    if len(data) > most:
        raise BundleError(f"{path} is longer than it may be", remedy=_REMEDY)
    return data
