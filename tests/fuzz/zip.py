"""The zip reader: refuses, or gives what Python's zipfile gives."""

import io
import zipfile

from hubproxy.core.limits import ArchiveLimits
from hubproxy.errors import UnsafeArchiveError
from tests.archives import MODEL, read_tar, unpack, untouched, zip_of
from tests.hostile.archives.zipends import ENDS
from tests.hostile.archives.zipentries import ENTRIES
from tests.zips import with_zip64_end

LIMITS = ArchiveLimits(members=50, unpacked_bytes=1 << 20)

SEEDS = (
    zip_of(MODEL),
    zip_of(MODEL, zipfile.ZIP_STORED),
    with_zip64_end(zip_of(MODEL)),
    *(archive for table in (ENTRIES, ENDS) for archive, _ in table.values()),
)


def check(archive: bytes) -> None:
    """Read an archive; one that does not begin as a zip is made to."""
    if archive[:4] not in (b"PK\x03\x04", b"PK\x05\x06"):
        archive = b"PK\x03\x04" + archive[4:]
    try:
        with untouched():
            plain, said = unpack(archive, limits=LIMITS)
    except UnsafeArchiveError:
        return
    assert said.size == len(plain) <= LIMITS.unpacked_bytes
    found = read_tar(plain)
    assert unpack(plain)[0] == plain
    try:
        by_python = _python_reads(archive)
    except (zipfile.BadZipFile, NotImplementedError):
        return  # refused there, and so not read in another way
    assert by_python == {name: whole for name, whole in found.items() if whole is not None}


def _python_reads(archive: bytes) -> dict[str, bytes]:
    """The files of an archive by Python's reader, each named from `./`."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(archive)) as zipped:
        assert zipped.testzip() is None
        for info in zipped.infolist():
            if info.is_dir():
                continue
            name = info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437")
            path = name.decode()
            while path.startswith("./"):
                path = path[2:]
            assert f"./{path}" not in found
            found[f"./{path}"] = zipped.read(info)
    return found
