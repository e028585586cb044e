"""Archives that look odd and are not: the reader takes them, whatever the gate makes of them."""

import gzip
import io
import struct
import tarfile
import zipfile
from collections.abc import Callable
from functools import partial

from tests.archives import block, folder, long_name, member, padded, pax, record, tar_of, tarball
from tests.archives import zip_of as zipped_by_python
from tests.cli.modules import ARCHIVES, CLEAN, POISONED
from tests.zips import entry, with_zip64_end, zipped

OLD = {"kind": b"\0", "magic": bytes(8)}


def _members(before: bytes = b"", **fields: bytes) -> bytes:
    return b"".join(
        member(before + name.encode(), whole, **fields) for name, whole in CLEAN.items()
    )


def _folders() -> bytes:
    made = (folder(b"./"), folder(b"./variables/"), folder(b"./assets/"))
    return tarball(*made, _members(before=b"./"))


def _every_kind_of_name() -> bytes:
    names = {
        "assets/größe.txt": b"umlaut",
        "assets/" + "n" * 255: b"the longest segment",
        "assets/" + "/".join(["d" * 60] * 15): b"long",
        "assets/..a/b..c/.hidden": b"dots",
        "assets/scale:0": b"as TensorFlow names a tensor",
        "assets/console": b"no device",
        "assets/日本語": b"no Latin",
    }
    return tar_of(CLEAN | names, tarfile.PAX_FORMAT)


def _folders_of_32() -> bytes:
    return tar_of(CLEAN | {"assets/" + "d/" * 31 + "f": b"deep"})


def _described_header() -> bytes:
    """A gzip header with everything that one may hold."""
    packed = gzip.compress(tar_of(CLEAN), mtime=0)
    extra = struct.pack("<H", 300) + b"e" * 300
    flags = bytes([packed[3] | 4 | 8 | 16])
    return packed[:3] + flags + packed[4:10] + extra + b"model.tar\0a comment\0" + packed[10:]


def _streamed() -> bytes:
    """A zip that a program wrote to a pipe: sizes and checksums follow the data."""
    whole = _Pipe()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in CLEAN.items():
            archive.writestr(name, contents)
    return whole.written


class _Pipe(io.RawIOBase):
    def __init__(self) -> None:
        self.written = b""

    def writable(self) -> bool:
        return True

    def write(self, piece: bytes, /) -> int:  # type: ignore[override]  # what zipfile gives is bytes
        self.written += piece
        return len(piece)


def _by_long_names() -> bytes:
    return tarball(
        *(long_name(name.encode()) + member(b"x", whole) for name, whole in CLEAN.items())
    )


def _by_pax() -> bytes:
    return tarball(
        pax(record(b"comment", b"of git archive"), kind=b"g"),
        *(
            pax(record(b"path", name.encode()), record(b"size", b"%d" % len(whole)))
            + block(b"PaxHeaders/x")
            + padded(whole)
            for name, whole in CLEAN.items()
        ),
    )


def _zipped() -> bytes:
    entries = (entry(name.encode(), whole) for name, whole in CLEAN.items())
    return zipped(entry(b"assets/", b"", attributes=0x10), *entries, comment=b"PK" * 99)


HARMLESS: dict[str, tuple[Callable[[], bytes], str]] = {
    **{name: (partial(bytes, whole), "pass") for name, whole in ARCHIVES.items()},
    "of ustar": (lambda: tar_of(CLEAN, tarfile.USTAR_FORMAT), "pass"),
    "of pax": (lambda: tar_of(CLEAN, tarfile.PAX_FORMAT), "pass"),
    "of v7": (lambda: tarball(_members(**OLD)), "pass"),
    "of contiguous files": (lambda: tarball(_members(kind=b"7")), "pass"),
    "with every folder": (_folders, "pass"),
    "with every kind of name": (_every_kind_of_name, "pass"),
    "with 32 folders in one another": (_folders_of_32, "pass"),
    "with long names that are short": (_by_long_names, "pass"),
    "with all of it in pax": (_by_pax, "pass"),
    "with setuid bits": (lambda: tarball(_members(mode=b"0004755\0")), "pass"),
    "with modes that are no numbers": (lambda: tarball(_members(mode=b"rwxr-xr-")), "pass"),
    "with much padding": (lambda: tar_of(CLEAN) + bytes(1 << 19), "pass"),
    "gzip with padding": (lambda: ARCHIVES["model.tar.gz"] + bytes(4096), "pass"),
    "gzip with a whole header": (_described_header, "pass"),
    "zip by hand": (_zipped, "pass"),
    "zip by a pipe": (_streamed, "pass"),
    "zip with an end of zip64": (lambda: with_zip64_end(zipped_by_python(CLEAN)), "pass"),
    "poisoned": (lambda: tar_of(POISONED), "hold"),
    "poisoned zip": (lambda: zipped_by_python(POISONED), "hold"),
}
