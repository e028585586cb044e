"""Archives as strangers make them: laid down byte by byte, apart from hubproxy's code."""

import io
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from hubproxy.core.limits import ArchiveLimits
from hubproxy.errors import UnsafeArchiveError
from hubproxy.unpack.ingest import Unpacked, repack

END = bytes(1024)
MODEL = {
    "saved_model.pb": b"\x08\x01" * 700,
    "variables/variables.index": b"index",
    "variables/variables.data-00000-of-00001": bytes(range(256)) * 9,
    "assets/vocab.txt": b"a\nb\n",
}


class Pieces:
    """A source that gives at most `most` bytes at a time."""

    def __init__(self, whole: bytes, most: int = 1 << 20) -> None:
        self._file = io.BytesIO(whole)
        self._most = most

    def read(self, size: int, /) -> bytes:
        return self._file.read(min(size, self._most))


class Kept:
    """An output that keeps what it gets, as the store does."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, piece: bytes, /) -> None:
        self.pieces.append(piece)

    @property
    def whole(self) -> bytes:
        return b"".join(self.pieces)


def unpack(
    archive: bytes,
    *,
    limits: ArchiveLimits | None = None,
    strip: str = "",
    expected_size: int | None = None,
    most: int = 1 << 20,
) -> tuple[bytes, Unpacked]:
    """The plain tar of an archive, and what was said about it."""
    output = Kept()
    said = repack(
        Pieces(archive, most),
        output,
        limits=limits or ArchiveLimits(),
        strip=strip,
        expected_size=expected_size,
        spool=io.BytesIO,
    )
    return output.whole, said


def refusal_of(
    archive: bytes,
    *,
    limits: ArchiveLimits | None = None,
    strip: str = "",
    expected_size: int | None = None,
) -> str:
    """The message that refuses an archive; also checks that no file was touched on the way."""
    with untouched(), pytest.raises(UnsafeArchiveError) as caught:
        unpack(archive, limits=limits, strip=strip, expected_size=expected_size)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) <= 150
    assert caught.value.code == "HP-T05"
    return message


_listeners: list[list[str]] = []


def _listen(event: str, args: tuple[object, ...]) -> None:
    if _listeners and (event == "open" or event.startswith(("os.", "shutil."))):
        _listeners[-1].append(f"{event} {args}")


sys.addaudithook(_listen)


@contextmanager
def untouched() -> Iterator[None]:
    """Fails when the interpreter opens, makes, moves or removes any file within."""
    touched: list[str] = []
    _listeners.append(touched)
    try:
        yield
    finally:
        _listeners.pop()
    assert touched == []


def block(
    name: bytes,
    size: int | bytes = 0,
    *,
    kind: bytes = b"0",
    mode: bytes = b"0000644\0",
    link: bytes = b"",
    prefix: bytes = b"",
    magic: bytes = b"ustar\x0000",
    checksum: bytes | None = None,
) -> bytes:
    """One header block; `size` may be the bytes of its field."""
    field = size if isinstance(size, bytes) else b"%011o\0" % size
    whole = bytearray(512)
    for at, value in (
        (0, name[:100]),
        (100, mode),
        (108, b"0001750\0"),
        (116, b"0001750\0"),
        (124, field),
        (136, b"14371147125\0"),
        (148, b" " * 8),
        (156, kind),
        (157, link),
        (257, magic),
        (265, b"alice"),
        (297, b"staff"),
        (345, prefix),
    ):
        whole[at : at + len(value)] = value
    whole[148:156] = b"%06o\0 " % sum(whole) if checksum is None else checksum
    return bytes(whole)


def padded(contents: bytes) -> bytes:
    return contents + bytes(-len(contents) % 512)


def member(name: bytes, contents: bytes = b"x", **fields: bytes) -> bytes:
    return block(name, len(contents), kind=fields.pop("kind", b"0"), **fields) + padded(contents)


def folder(name: bytes, mode: bytes = b"0000755\0") -> bytes:
    return block(name, 0, kind=b"5", mode=mode)


def long_name(name: bytes) -> bytes:
    return member(b"././@LongLink", name + b"\0", kind=b"L")


def record(key: bytes, value: bytes) -> bytes:
    body = b" " + key + b"=" + value + b"\n"
    length = len(body) + 1
    while len(b"%d" % length) + len(body) != length:
        length += 1
    return b"%d" % length + body


def pax(*records: bytes, kind: bytes = b"x") -> bytes:
    return member(b"PaxHeaders/x", b"".join(records), kind=kind)


def tarball(*members: bytes) -> bytes:
    return b"".join(members) + END


def tar_of(files: Mapping[str, bytes], form: int = tarfile.GNU_FORMAT) -> bytes:
    """A tar as Python packs one, without folders."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=form) as tar:
        for name, contents in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(contents)
            tar.addfile(info, io.BytesIO(contents))
    return whole.getvalue()


def zip_of(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip as Python packs one; a name with a trailing slash is a folder."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", method) as archive:
        for name, contents in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), contents, method)
    return whole.getvalue()


def read_tar(plain: bytes) -> dict[str, bytes | None]:
    """What the stock clients find in a tar; None stands for a folder."""
    found: dict[str, bytes | None] = {}
    with tarfile.open(fileobj=io.BytesIO(plain), mode="r|") as tar:
        for info in tar:
            file = tar.extractfile(info)
            assert info.isfile() or info.isdir()
            assert (info.uid, info.gid, info.uname, info.gname, info.mtime) == (0, 0, "", "", 0)
            assert info.mode == (0o644 if info.isfile() else 0o755)
            assert info.name not in found
            found[info.name] = file.read() if file else None
    return found
