"""Turns what upstream sent into the archive that hubproxy keeps: one plain tar, one spelling.

One pass, front to back, nothing held but a piece at a time: what comes out can be hashed, kept
and sent on while the rest still comes in. Only bytes leave this module; a name of the archive
never becomes a path on this machine.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from hubproxy.core import tar
from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.paths import Tree, clean, refusal
from hubproxy.core.record import FileEntry
from hubproxy.unpack import tarreader, zipreader
from hubproxy.unpack.archives import ZIP, Intake, Member, is_bomb, sniff, unpacked

_LAYOUT_FOLDERS = frozenset({"variables", "assets", "assets.extra"})
_SMALL = 16 * 1024
_GATHERED = 64 * 1024
_MOST_SENTENCES = 10
_SPECIAL_BITS = ((0o4000, "setuid"), (0o2000, "setgid"), (0o1000, "sticky"))


class Source(Protocol):
    """Where upstream's bytes come from."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes, b"" at the end. May block, and may give fewer."""
        ...


class Output(Protocol):
    """Where the plain tar goes."""

    def write(self, piece: bytes, /) -> None:
        """Take the next piece, of any size. It is never changed afterwards and may be kept."""
        ...


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What an archive held, and what was made of it.

    Args:
        media_type: of what came.
        files: in order; offsets into the plain tar. sha256 is empty when it was not asked for.
        top: the one top folder that everything lies under. Empty when there is none, when it
            was taken away, or when it is a folder of the SavedModel layout.
        size: bytes of the plain tar.
        changes: what differs from upstream's archive, as sentences in the past tense.
    """

    media_type: str
    files: tuple[FileEntry, ...]
    top: str
    size: int
    changes: tuple[str, ...]


def repack(
    source: Source,
    output: Output,
    *,
    limits: ArchiveLimits,
    strip: str = "",
    expected_size: int | None = None,
    hash_files: bool = True,
    spool: Callable[[], BinaryIO] = tempfile.TemporaryFile,
) -> Unpacked:
    """Write the plain tar of an archive. Blocks; to be run in a thread.

    The same files in the same order give the same bytes, so a plain tar of our own comes out
    as it went in. When this raises, what `output` was given is to be thrown away.

    Args:
        source: the archive: tar, tar.gz, tar.bz2, tar.xz or zip; read to its end.
        output: takes the plain tar in order.
        limits: bounds on what is read and written.
        strip: a folder that every member must lie under, such as `model`; it is taken away.
            An archive that begins outside of it is taken as it is: a plain tar of ours, from
            an officer's draft or another hubproxy, has lost it already.
        expected_size: bytes that the plain tar must not exceed, where a record tells them.
            The ratio is not looked at then.
        hash_files: whether to compute the sha256 of every file.
        spool: opens a temporary file for reading and writing; used for a zip alone, whose
            directory stands at its end.

    Raises:
        UnsafeArchiveError: it is not an archive, has no files, is damaged, or has a member or
            a shape that is never accepted.
        OSError: from `source`, `output` or the spool.
    """
    intake = Intake(source.read, limits)
    media_type = sniff(intake.head())
    if media_type == ZIP:
        with spool() as file:
            file.writelines(intake.pieces())
            return repack_zip(
                file,
                intake.taken,
                output,
                limits=limits,
                strip=strip,
                expected_size=expected_size,
                hash_files=hash_files,
            )
    most = _most(limits, expected_size)
    packer = _Packer(output, limits, strip=strip, most=most, hash_files=hash_files)
    plain = unpacked(media_type, intake, limits, bounded=expected_size is None)
    packer.pack(tarreader.members(plain, limits))
    return packer.finish(media_type)


def repack_zip(
    file: BinaryIO,
    size: int,
    output: Output,
    *,
    limits: ArchiveLimits,
    strip: str = "",
    expected_size: int | None = None,
    hash_files: bool = True,
) -> Unpacked:
    """Write the plain tar of a zip that is all there, as `repack` does.

    Args:
        file: the zip; read at any place.
        size: bytes of it.
    """
    most = _most(limits, expected_size)
    packer = _Packer(output, limits, strip=strip, most=most, hash_files=hash_files)
    packer.pack(_unzipped(file, size, limits, bounded=expected_size is None))
    return packer.finish(ZIP)


def _most(limits: ArchiveLimits, expected_size: int | None) -> int:
    """Bytes that the plain tar may have."""
    most = limits.unpacked_bytes
    return most if expected_size is None else min(most, expected_size)


def _unzipped(
    file: BinaryIO, size: int, limits: ArchiveLimits, *, bounded: bool
) -> Iterator[Member]:
    total = 0
    for member in zipreader.members(file, size, limits):
        total += member.size
        if bounded and is_bomb(total, size, limits):
            raise refusal(member.name, f"takes it to more than {limits.ratio} times its size")
        yield member


class _Packer:
    """Writes members as a plain tar: small pieces are gathered, large ones go as they are."""

    def __init__(
        self, output: Output, limits: ArchiveLimits, *, strip: str, most: int, hash_files: bool
    ) -> None:
        self._write = output.write
        self._limits = limits
        self._tree = Tree(limits)
        self._strip = strip
        self._begun = False
        self._most = most
        self._hash_files = hash_files
        self._small: list[bytes] = []
        self._small_size = 0
        self._size = 0
        self._files: list[FileEntry] = []
        self._special: list[str] = []

    def pack(self, members: Iterator[Member]) -> None:
        self._add_folder("./", "")
        for member in members:
            path = self._below(member, clean(member.name, self._limits, folder=member.folder))
            if path is None:
                continue
            bits = [name for bit, name in _SPECIAL_BITS if member.mode & bit]
            if bits:
                self._special.append(f"dropped {' and '.join(bits)} bits of {path or './'}")
            if member.folder:
                for folder in self._tree.folder(path):
                    self._add_folder(member.name, folder)
                continue
            for folder in self._tree.file(path):
                self._add_folder(member.name, folder)
            self._add_file(path, member)

    def finish(self, media_type: str) -> Unpacked:
        if not self._files:
            raise refusal(None, "it has no files")
        self._emit(tar.END)
        self._size += len(tar.END)
        self._flush()
        top = "" if self._strip else self._tree.top()
        return Unpacked(
            media_type=media_type,
            files=tuple(self._files),
            top="" if top in _LAYOUT_FOLDERS else top,
            size=self._size,
            changes=tuple(self._changes()),
        )

    def _below(self, member: Member, path: str) -> str | None:
        """A member's path below the folder to strip; None for the folders above that one."""
        if self._strip and path and not self._begun:
            self._begun = True
            if not _within(path, self._strip) and not _within(self._strip, path):
                self._strip = ""
        if not self._strip or path == self._strip:
            if path == self._strip and not member.folder:
                raise refusal(member.name, "is a file, not the top folder")
            return "" if self._strip else path
        if path.startswith(f"{self._strip}/"):
            return path[len(self._strip) + 1 :]
        if member.folder and f"{self._strip}/".startswith(f"{path}/" if path else ""):
            return None
        raise refusal(member.name, f"does not lie under {self._strip}/")

    def _add_folder(self, name: bytes | str, path: str) -> None:
        block = tar.header(path, folder=True)
        self._reserve(name, len(block))
        self._emit(block)

    def _add_file(self, path: str, member: Member) -> None:
        block = tar.header(path, member.size)
        padding = tar.padding(member.size)
        offset = self._size + len(block)
        self._reserve(member.name, len(block) + member.size + padding)
        self._emit(block)
        digest = ""
        if self._hash_files:
            whole = hashlib.sha256()
            for piece in member.contents:
                whole.update(piece)
                self._emit(piece)
            digest = whole.hexdigest()
        else:
            for piece in member.contents:
                self._emit(piece)
        if padding:
            self._emit(bytes(padding))
        self._files.append(FileEntry(path, offset, member.size, digest))

    def _reserve(self, name: bytes | str, size: int) -> None:
        """Count bytes before they are written; readers give exactly as many as they announced."""
        self._size += size
        if self._size + len(tar.END) > self._most:
            raise refusal(name, f"takes the archive beyond {self._most} bytes")

    def _emit(self, piece: bytes) -> None:
        if len(piece) < _SMALL:
            self._small.append(piece)
            self._small_size += len(piece)
            if self._small_size >= _GATHERED:
                self._flush()
            return
        self._flush()
        self._write(piece)

    def _flush(self) -> None:
        if self._small:
            self._write(b"".join(self._small))
            self._small.clear()
            self._small_size = 0

    def _changes(self) -> Iterator[str]:
        if self._strip:
            yield f"took away the top folder {self._strip}/"
        added = [
            f"added folder {path}/" if path else "added folder ./" for path in self._tree.added
        ]
        moved = [
            f"moved folder {path}/ before its contents" if path else "moved folder ./ to the front"
            for path in self._tree.moved
        ]
        for sentences in (added, moved, self._special):
            yield from sentences[:_MOST_SENTENCES]
            if len(sentences) > _MOST_SENTENCES:
                kind = sentences[0].partition(" ")[0]
                yield f"{kind} the same way {len(sentences) - _MOST_SENTENCES} more"


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")
