import io
import struct
import zipfile

import pytest

from hubproxy.core.limits import ArchiveLimits
from tests.archives import MODEL, read_tar, refusal_of, unpack, zip_of
from tests.hostile.archives import bombs
from tests.hostile.archives.zipends import ENDS
from tests.hostile.archives.zipentries import DEFLATED, ENTRIES, OK
from tests.zips import entry, with_zip64_end, zipped

ZEROS = bytes(1 << 20)


@pytest.mark.parametrize(("archive", "why"), (ENTRIES | ENDS).values(), ids=[*ENTRIES, *ENDS])
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


def test_a_zip64_end_record_is_read() -> None:
    assert unpack(with_zip64_end(zip_of(MODEL))) == unpack(zip_of(MODEL))


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


def test_a_directory_that_is_too_large_to_hold_is_refused() -> None:
    row = bombs.ROWS["zip with a directory of 17 mib"]
    assert row.why in refusal_of(row.build())


def test_a_zip_larger_than_the_limit_is_not_spooled() -> None:
    small = ArchiveLimits(unpacked_bytes=1000)
    assert "larger than 1000 bytes" in refusal_of(zipped(entry(b"a", ZEROS)), limits=small)
