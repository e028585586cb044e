import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import partial

import pytest

from hubproxy.core.limits import ArchiveLimits
from tests.archives import MODEL, read_tar, refusal_of, unpack, zip_of

ZEROS = bytes(1 << 20)


def entry(
    name: bytes,
    contents: bytes = b"contents",
    *,
    local_name: bytes | None = None,
    method: int = 0,
    packed: bytes | None = None,
    flags: int = 0,
    crc: int | None = None,
    size: int | None = None,
    attributes: int = 0,
    local_method: int | None = None,
    local_size: int | None = None,
    extra: bytes = b"",
    local_extra: bytes = b"",
    tail: bytes = b"",
    offset: int | None = None,
    disk: int = 0,
) -> Callable[[int], tuple[bytes, bytes]]:
    """An entry, for `zipped`: its local header with its data, and its place in the directory."""
    packed = contents if packed is None else packed
    crc = zlib.crc32(contents) if crc is None else crc
    size = len(contents) if size is None else size
    local_size = size if local_size is None else local_size
    local_method = method if local_method is None else local_method
    local_name = name if local_name is None else local_name

    def at(place: int) -> tuple[bytes, bytes]:
        where = place if offset is None else offset
        head = struct.pack(
            "<4s5H3I2H", b"PK\x03\x04", 20, flags, local_method, 0, 33, crc, len(packed),
            local_size, len(local_name), len(local_extra),
        )  # fmt: skip
        listed = struct.pack(
            "<4s6H3I5H2I", b"PK\x01\x02", 0x314, 20, flags, method, 0, 33, crc, len(packed), size,
            len(name), len(extra), 0, disk, 0, attributes, where,
        )  # fmt: skip
        return head + local_name + local_extra + packed + tail, listed + name + extra

    return at


def zipped(
    *made: Callable[[int], tuple[bytes, bytes]],
    gap: bytes = b"",
    comment: bytes = b"",
    claims: int | None = None,
    shift: int = 0,
    disk: int = 0,
) -> bytes:
    body = directory = b""
    for one in made:
        local, listed = one(len(body))
        body += local
        directory += listed
    body += gap
    count = len(made) if claims is None else claims
    end = struct.pack(
        "<4s4H2IH", b"PK\x05\x06", disk, disk, count, count, len(directory), len(body) + shift,
        len(comment),
    )  # fmt: skip
    return body + directory + end + comment


def deflated(contents: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-15)
    return engine.compress(contents) + engine.flush()


def link(mode: int) -> int:
    return (mode | 0o777) << 16


OK = entry(b"ok")
DEFLATED = partial(entry, method=8, packed=deflated(b"contents"))
WIDE = struct.pack("<2H2Q", 1, 16, 8, 8)

REFUSED = {
    "symbolic link": (zipped(OK, entry(b"l", attributes=link(stat.S_IFLNK))), "'l' is a symbolic"),
    "device": (zipped(OK, entry(b"d", attributes=link(stat.S_IFCHR))), "'d' is no file or folder"),
    "fifo": (zipped(OK, entry(b"p", attributes=link(stat.S_IFIFO))), "'p' is no file or folder"),
    "folder as a file": (
        zipped(OK, entry(b"d", attributes=link(stat.S_IFDIR))),
        "'d' is a file by its name or by its attributes",
    ),
    "file as a folder": (
        zipped(OK, entry(b"d/", b"", attributes=link(stat.S_IFREG))),
        "'d/' is a file by its name or by its attributes",
    ),
    "old folder as a file": (zipped(OK, entry(b"d", attributes=0x10)), "'d' is a file by its name"),
    "folder with contents": (zipped(OK, entry(b"d/")), "'d/' is a folder with contents"),
    "up": (zipped(OK, entry(b"../x")), "'../x' has a '..' segment"),
    "absolute": (zipped(OK, entry(b"/etc/x")), "'/etc/x' has an absolute name"),
    "backslash": (zipped(OK, entry(b"..\\x")), r"'..\\x' has a backslash"),
    "NUL": (zipped(OK, entry(b"a\0b")), r"'a\x00b' has the invisible character U+0000"),
    "empty name": (zipped(OK, entry(b"")), "'' has an empty name"),
    "code page 437": (zipped(OK, entry(b"\x81")), r"'\\x81' has a name that is not UTF-8"),
    "twice": (zipped(OK, entry(b"ok")), "'ok' comes twice"),
    "case": (zipped(OK, entry(b"OK")), "'OK' cannot be told from 'ok'"),
    "encrypted": (zipped(OK, entry(b"e", flags=1)), "'e' is encrypted"),
    "strongly encrypted": (zipped(OK, entry(b"e", flags=0x41)), "'e' is encrypted"),
    "masked headers": (zipped(OK, entry(b"e", flags=0x2000)), "'e' is encrypted"),
    "patch": (zipped(OK, entry(b"e", flags=0x20)), "'e' has the flags 0x0020"),
    "bzip2": (zipped(OK, entry(b"m", method=12)), "'m' is packed by method 12"),
    "lzma": (zipped(OK, entry(b"m", method=14)), "'m' is packed by method 14"),
    "deflate64": (zipped(OK, entry(b"m", method=9)), "'m' is packed by method 9"),
    "two sizes": (zipped(OK, entry(b"s", size=4)), "'s' is stored, and has two sizes"),
    "other local name": (
        zipped(OK, entry(b"good", local_name=b"evil")),
        "'good' has another name in its local header",
    ),
    "other local method": (
        zipped(OK, entry(b"m", local_method=8)),
        "'m' has another method in its local header",
    ),
    "other local size": (
        zipped(OK, entry(b"s", local_size=7)),
        "'s' has another size or checksum in its local header",
    ),
    "no local size": (
        zipped(OK, entry(b"s", local_size=0)),
        "'s' has another size or checksum in its local header",
    ),
    "wrong descriptor": (
        zipped(OK, entry(b"s", flags=8, tail=b"PK\x07\x08" + bytes(12))),
        "'s' has another size or checksum after its data",
    ),
    "no descriptor": (
        zipped(OK, entry(b"s", flags=8)),
        "'s' has another size or checksum after its data",
    ),
    "wrong checksum": (zipped(OK, entry(b"c", crc=1)), "'c' has a wrong checksum"),
    "wrong checksum, deflated": (zipped(OK, DEFLATED(b"c", crc=1)), "'c' has a wrong checksum"),
    "more than it says": (zipped(OK, DEFLATED(b"s", size=5)), "'s' has another size than its"),
    "less than it says": (zipped(OK, DEFLATED(b"s", size=50)), "'s' has another size than its"),
    "damaged": (zipped(OK, entry(b"s", method=8, packed=b"\xff" * 9)), "'s' is damaged"),
    "deflate cut short": (
        zipped(OK, entry(b"s", method=8, packed=deflated(b"contents")[:-2])),
        "'s' is cut short",
    ),
    "deflate with a tail": (
        zipped(OK, entry(b"s", method=8, packed=deflated(b"contents") + b"x")),
        "'s' has bytes after the end of its data",
    ),
    "same data twice": (zipped(OK, entry(b"ok", offset=0)), "'ok' overlaps another entry"),
    "overlap": (zipped(entry(b"ok", b"x" * 99), entry(b"o", offset=40)), "'o' overlaps another"),
    "gap": (zipped(entry(b"ok", tail=b"hidden"), entry(b"g")), "'g' follows bytes of no entry"),
    "gap at the end": (zipped(OK, gap=b"hidden"), "bytes of no entry stand before the zip's"),
    "unlisted entry": (zipped(OK, gap=OK(0)[0]), "bytes of no entry stand before the zip's"),
    "something before it": (b"PK\x03\x04MZ" + zipped(OK), "directory does not reach to its end"),
    "first at another place": (
        zipped(entry(b"ok", offset=2)),
        "'ok' follows bytes of no entry",
    ),
    "offset beyond the end": (
        zipped(OK, entry(b"o", offset=9999)),
        "'o' follows bytes of no entry",
    ),
    "bytes after the end": (zipped(OK) + b"x", "the zip has no end records: cut short?"),
    "two end records": (
        zipped(OK, comment=zipped(OK)[-22:]),
        "the zip has 2 end records",
    ),
    "directory elsewhere": (zipped(OK, shift=1), "directory does not reach to its end record"),
    "claims more": (zipped(OK, claims=2), "the zip has 1 entries, and claims 2"),
    "claims fewer": (zipped(OK, OK, claims=1), "the zip has 2 entries, and claims 1"),
    "claims none": (zipped(OK, claims=0), "directory is larger than its entries"),
    "claims too many": (zipped(OK, claims=40_000), "it has 40000 entries; 20000 are allowed"),
    "part of many": (zipped(OK, disk=1), "it is one part of a zip of many"),
    "entry of another disk": (zipped(OK, entry(b"o", disk=1)), "'o' lies on another disk"),
    "unicode path": (
        zipped(OK, entry(b"u", extra=struct.pack("<2HBI", 0x7075, 9, 1, 0) + b"evil")),
        "'u' has another name in its extra field",
    ),
    "unicode path, locally": (
        zipped(OK, entry(b"u", local_extra=struct.pack("<2HBI", 0x7075, 9, 1, 0) + b"evil")),
        "'u' has another name in its extra field",
    ),
    "broken extra": (zipped(OK, entry(b"x", extra=b"\1\0\xff\0")), "'x' has a broken extra field"),
    "short extra": (zipped(OK, entry(b"x", extra=b"\1\0\0")), "'x' has a broken extra field"),
    "extra twice": (zipped(OK, entry(b"x", extra=WIDE + WIDE)), "'x' has a broken extra field"),
    "zip64 without a field": (
        zipped(OK, entry(b"w", size=0xFFFFFFFF)),
        "'w' lacks the zip64 field of its size",
    ),
    "runs into the directory": (
        zipped(OK, entry(b"r")).replace(b"\x08\0\0\0" * 2 + b"\1", b"\x0c\0\0\0" * 2 + b"\1"),
        "'r' runs into the zip's directory",
    ),
    "no local header": (
        zipped(OK, entry(b"n")).replace(b"PK\3\4", b"PK\3\5").replace(b"PK\3\5", b"PK\3\4", 1),
        "'n' has no local header",
    ),
    "endless local extra": (
        zipped(OK, entry(b"n")).replace(b"\1\0\0\0ncon", b"\1\0\xff\xffncon"),
        "'n' is cut short",
    ),
    "endless listed name": (
        zipped(OK, entry(b"n")).replace(b"\1\0" + bytes(12), b"\xff\xff" + bytes(12)),
        "the zip's directory is broken",
    ),
    "garbage in the directory": (
        zipped(OK, OK).replace(b"PK\1\2", b"PK\1\3"),
        "the zip's directory is broken",
    ),
    "no entries": (zipped(), "it has no files"),
    "only folders": (zipped(entry(b"d/", b"")), "it has no files"),
}


@pytest.mark.parametrize(("archive", "why"), REFUSED.values(), ids=REFUSED)
def test_a_hostile_zip_is_refused(archive: bytes, why: str) -> None:
    assert why in refusal_of(archive)


def test_the_builder_of_hostile_zips_can_build_a_good_one() -> None:
    good = zipped(OK, entry(b"d/", b""), DEFLATED(b"d/z"), comment=b"a comment")
    assert read_tar(unpack(good)[0]) == {
        ".": None, "./ok": b"contents", "./d": None, "./d/z": b"contents",
    }  # fmt: skip
    assert zipfile.ZipFile(io.BytesIO(good)).testzip() is None


def test_a_zip_cut_anywhere_is_refused() -> None:
    whole = zip_of(MODEL)
    for length in range(0, len(whole), 11):
        refusal_of(whole[:length])
    refusal_of(whole[:-1])


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_means_the_same_as_a_tar(method: int) -> None:
    plain, said = unpack(zip_of({**MODEL, "größe": b"x" * 900_000}, method))
    found = read_tar(plain)
    assert {name: found[f"./{name}"] for name in MODEL} == MODEL
    assert found["./größe"] == b"x" * 900_000
    assert said.media_type == "application/zip"
    for file in said.files:
        assert plain[file.offset : file.offset + file.size] == found[f"./{file.path}"]


class _Pipe(io.RawIOBase):
    """A file that cannot be sought in: programs write data descriptors to one."""

    def __init__(self) -> None:
        self.whole = b""

    def writable(self) -> bool:
        return True

    def write(self, piece: bytes, /) -> int:  # type: ignore[override]  # what zipfile gives is bytes
        self.whole += piece
        return len(piece)


@pytest.mark.parametrize("wide", [False, True], ids=["zip", "zip64"])
def test_a_zip_written_to_a_pipe_is_read(wide: bool) -> None:
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in MODEL.items():
            with archive.open(name, "w", force_zip64=wide) as file:
                file.write(contents)
    found = read_tar(unpack(pipe.whole)[0])
    assert {name: found[f"./{name}"] for name in MODEL} == MODEL


def _with_zip64_end(whole: bytes, *, where: int = 0, count: int = 0, length: int = 44) -> bytes:
    at = len(whole) - 22
    (_, _, _, _, entries, size, start, _) = struct.unpack("<4s4H2IH", whole[at:])
    wide = struct.pack(
        "<4sQ2H2I4Q", b"PK\x06\x06", length, 45, 45, 0, 0, entries + count, entries + count, size,
        start,
    )  # fmt: skip
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, at + where, 1)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, entries, 0xFFFF, size, 0xFFFFFFFF, 0)
    return whole[:at] + wide + locator + end


def test_a_zip64_end_record_is_read() -> None:
    assert unpack(_with_zip64_end(zip_of(MODEL))) == unpack(zip_of(MODEL))


@pytest.mark.parametrize(
    ("archive", "why"),
    [
        (_with_zip64_end(zip_of(MODEL), where=1), "zip64 end record is not where it must be"),
        (_with_zip64_end(zip_of(MODEL), length=45), "zip64 end record is broken"),
        (_with_zip64_end(zip_of(MODEL), count=1), "two end records differ"),
    ],
    ids=["elsewhere", "longer", "other count"],
)
def test_a_zip64_end_record_that_lies_is_refused(archive: bytes, why: str) -> None:
    assert why in refusal_of(archive)


def test_sizes_in_a_zip64_field_are_read() -> None:
    extra = struct.pack("<2H2Q", 1, 16, 8, 8)

    def wide(place: int) -> tuple[bytes, bytes]:
        local, listed = entry(b"w", extra=extra, local_extra=extra)(place)
        full = b"\xff" * 8
        return local[:18] + full + local[26:], listed[:20] + full + listed[28:]

    assert read_tar(unpack(zipped(wide))[0])["./w"] == b"contents"


def test_a_zip_bomb_is_refused_before_anything_is_unpacked() -> None:
    bomb = zip_of({"a": b"x", "bomb": ZEROS * 20})
    assert "more than 200 times its size" in refusal_of(bomb)
    assert unpack(bomb, expected_size=100 << 20)[1].files[1].size == 20 << 20


def test_a_zip_that_claims_too_much_is_refused() -> None:
    small = ArchiveLimits(unpacked_bytes=100_000)
    claims = zip_of({"a": b"x", "large": ZEROS})
    assert "'large' takes the zip beyond 100000 bytes" in refusal_of(claims, limits=small)


def test_a_zip_larger_than_the_limit_is_not_spooled() -> None:
    small = ArchiveLimits(unpacked_bytes=1000)
    assert "larger than 1000 bytes" in refusal_of(zipped(entry(b"a", ZEROS)), limits=small)
