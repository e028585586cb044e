"""The tar reader, and the streams around it: refuses, or gives what Python's tarfile gives."""

import gzip
import io
import tarfile

from hubproxy.core.limits import ArchiveLimits
from hubproxy.errors import UnsafeArchiveError
from tests.archives import MODEL, read_tar, tar_of, unpack, untouched
from tests.hostile.archives.headers import HEADERS
from tests.hostile.archives.members import MEMBERS
from tests.hostile.archives.streams import BZIPPED, PACKED, XZIPPED

LIMITS = ArchiveLimits(members=50, unpacked_bytes=1 << 20)
TAR = tar_of({**MODEL, "n" * 200: b"long"})

SEEDS = (
    TAR,
    tar_of({**MODEL, "n" * 200: b"long"}, tarfile.PAX_FORMAT),
    tar_of({"größe": b"x"}, tarfile.USTAR_FORMAT),
    PACKED,
    BZIPPED,
    XZIPPED,
    *(members + bytes(1024) for table in (MEMBERS, HEADERS) for members, _ in table.values()),
)


def check(archive: bytes) -> None:
    """Read an archive; and read it again with every checksum of a header put right."""
    _check(archive)
    whole = mended(archive)
    if whole != archive:
        _check(whole)


def _check(archive: bytes) -> None:
    try:
        with untouched():
            plain, said = unpack(archive, limits=LIMITS)
    except UnsafeArchiveError:
        return
    assert said.size == len(plain) <= LIMITS.unpacked_bytes
    found = read_tar(plain)
    assert unpack(plain)[0] == plain
    if said.media_type not in ("application/x-tar", "application/gzip"):
        return
    try:
        by_python = _python_reads(archive)
    except tarfile.TarError:
        return  # refused there, and so not read in another way
    # At a time or an owner that is no number, it stops without a word.
    assert by_python.items() <= found.items()


def _python_reads(archive: bytes) -> dict[str, bytes]:
    """The files of an archive by Python's reader, each named from `./`."""
    if archive.startswith(b"\x1f\x8b"):
        archive = gzip.decompress(archive)
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
        for info in tar:
            assert info.isfile() or info.isdir()
            name = info.name
            while name.startswith("./"):
                name = name[2:]
            file = tar.extractfile(info)
            if file is not None:
                assert name not in found
                found[f"./{name}"] = file.read()
    return found


def mended(archive: bytes) -> bytes:
    """The same, with the checksum that each header needs."""
    whole = bytearray(archive)
    for at in range(0, len(whole) - 511, 512):
        if whole[at + 257 : at + 262] == b"ustar":
            block = whole[at : at + 512]
            total = sum(block) - sum(block[148:156]) + 8 * ord(" ")
            whole[at + 148 : at + 156] = b"%06o\0 " % total
    return bytes(whole)
