"""Reads a tar front to back, each member once, and refuses what a module has no need of.

Files and folders are all there is. What tar programs differ about (links, sparse files, two
names for one member, negative sizes, a lone end block) is refused rather than read in one way.
An upstream's own bytes may be kept and given on, so names that only programs from before pax see
are looked at as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from hubproxy.core import tar
from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.paths import leaves, refusal, shown
from hubproxy.unpack.archives import Member, StreamError, zeros

_MOST_PAX = 64 * 1024
_MOST_GLOBALS = 64
_SLACK = 512
_FORBIDDEN_GLOBALS = (b"path", b"size", b"linkpath")


def members(pieces: Iterator[bytes], limits: ArchiveLimits) -> Iterator[Member]:
    """The members of a plain tar.

    A member's contents are to be used up before the next one is asked for; what is left of
    them is passed over.

    Args:
        pieces: the tar, in pieces of any size; read to its end.
        limits: gives the longest name; everything else is for the caller to judge.

    Raises:
        UnsafeArchiveError: while iterating.
    """
    return _Reader(pieces, limits).members()


@dataclass(slots=True)
class _Extended:
    """What extended headers said about the member to come."""

    path: bytes | None = None
    size: int | None = None
    pax: bool = False


class _Cursor:
    """Takes bytes off a run of pieces, whole pieces as they are."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.member: bytes | None = None
        """Whose bytes are taken, for messages."""
        self._pieces = pieces
        self._piece = b""
        self._at = 0

    def run(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes; fewer at the end."""
        while size:
            left = len(self._piece) - self._at
            if not left:
                self._piece, self._at = self._next(), 0
                left = len(self._piece)
                if not left:
                    return
            take = min(left, size)
            piece = self._piece[self._at : self._at + take]  # the piece itself when it is whole
            self._at += take
            size -= take
            yield piece

    def exactly(self, size: int) -> bytes:
        """The next `size` bytes as one; fewer at the end."""
        end = self._at + size
        if end <= len(self._piece):
            piece = self._piece[self._at : end]
            self._at = end
            return piece
        return b"".join(self.run(size))

    def rest(self) -> Iterator[bytes]:
        """Everything that is left."""
        yield self._piece[self._at :]
        self._at = len(self._piece)
        while piece := self._next():
            yield piece

    def _next(self) -> bytes:
        try:
            return next(self._pieces, b"")
        except StreamError as error:
            if self.member is None:
                raise
            raise error.at(self.member) from None


class _Reader:
    def __init__(self, pieces: Iterator[bytes], limits: ArchiveLimits) -> None:
        self._cursor = _Cursor(pieces)
        self._limits = limits
        self._globals = 0

    def members(self) -> Iterator[Member]:
        extended = _Extended()
        while (header := self._header()) is not None:
            if header.kind in (tar.PAX, tar.LONG_NAME, tar.PAX_GLOBAL):
                self._extend(extended, header)
                continue
            name = header.name if extended.path is None else extended.path
            if extended.path is not None and leaves(header.name):
                raise refusal(name, f"is {shown(header.name)} to programs of old")
            size = header.size if extended.size is None else extended.size
            extended = _Extended()
            self._cursor.member = name
            folder = _is_folder(header.kind, name, size)
            contents = self._contents(name, size)
            yield Member(name, folder, size, header.mode, contents)
            for _ in contents:
                pass
        last = self._cursor.member
        if extended != _Extended():
            raise refusal(last, "is followed by a header that belongs to no member")
        if self._cursor.exactly(tar.BLOCK) != bytes(tar.BLOCK):
            raise refusal(last, "is not followed by two blocks of zeros: cut short?")
        try:
            zeros(self._cursor.rest(), "tar")
        except StreamError as error:
            raise error.at(last or b"") from None

    def _header(self) -> tar.Header | None:
        """The next header, None for a block of zeros."""
        block = self._cursor.exactly(tar.BLOCK)
        if len(block) < tar.BLOCK:
            raise refusal(self._cursor.member, "is the last before the archive is cut short")
        if not any(block):
            return None
        try:
            return tar.decode(block)
        except ValueError as error:
            name = block[:100].partition(b"\0")[0]
            raise refusal(name, str(error)) from None

    def _extend(self, extended: _Extended, header: tar.Header) -> None:
        name = header.name
        if leaves(name):
            raise refusal(name, "is an extended header that programs of old take for a file")
        long = header.kind == tar.LONG_NAME
        most = self._limits.name_bytes + _SLACK if long else _MOST_PAX
        if header.size > most:
            raise refusal(name, f"is an extended header of {header.size} bytes")
        text = b"".join(self._contents(name, header.size))
        if long:
            self._long_name(extended, name, text)
            return
        try:
            records = tar.parse_pax(text)
        except ValueError as error:
            raise refusal(name, str(error)) from None
        if any(key.startswith(b"GNU.sparse.") for key in records):
            raise refusal(name, "announces a sparse file")
        if header.kind == tar.PAX_GLOBAL:
            self._global(name, records)
        else:
            self._pax(extended, name, records)

    def _long_name(self, extended: _Extended, name: bytes, text: bytes) -> None:
        if extended.path is not None:
            raise refusal(name, "is a second long name of one member")
        path, _, rest = text.partition(b"\0")
        if rest.strip(b"\0"):
            raise refusal(path, "has bytes after the end of its long name")
        extended.path = path

    def _global(self, name: bytes, records: dict[bytes, bytes]) -> None:
        self._globals += 1
        if self._globals > _MOST_GLOBALS:
            raise refusal(name, f"is one too many: {_MOST_GLOBALS} global headers are allowed")
        for key in _FORBIDDEN_GLOBALS:
            if key in records:
                raise refusal(name, f"gives a {key.decode()} to every member")

    def _pax(self, extended: _Extended, name: bytes, records: dict[bytes, bytes]) -> None:
        path = records.get(b"path")
        if extended.pax or (path is not None and extended.path is not None):
            raise refusal(path or name, "has two extended headers")
        if b"linkpath" in records:
            raise refusal(path or name, "is a link")
        extended.pax = True
        if path is not None:
            extended.path = path
        if b"size" in records:
            try:
                extended.size = tar.pax_size(records[b"size"])
            except ValueError as error:
                raise refusal(path or name, str(error)) from None

    def _contents(self, name: bytes, size: int) -> Iterator[bytes]:
        missing = size
        for piece in self._cursor.run(size):
            missing -= len(piece)
            yield piece
        if missing or len(self._cursor.exactly(tar.padding(size))) != tar.padding(size):
            raise refusal(name, "is cut short")


def _is_folder(kind: bytes, name: bytes, size: int) -> bool:
    if kind not in (tar.FILE, tar.OLD_FILE, tar.SOLID_FILE, tar.FOLDER):
        raise refusal(name, f"is {tar.KINDS.get(kind, f'of the unknown kind {kind!r}')}")
    folder = kind == tar.FOLDER or (kind == tar.OLD_FILE and name.endswith(b"/"))
    if folder and size:
        raise refusal(name, "is a folder with contents of its own")
    if not folder and name.endswith(b"/"):
        raise refusal(name, "is a file with the name of a folder")
    return folder
