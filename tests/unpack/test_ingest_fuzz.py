import bz2
import gzip
import lzma

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.paths import fold
from hubproxy.errors import UnsafeArchiveError
from tests.archives import END, MODEL, read_tar, tar_of, unpack, zip_of
from tests.mutating import mutated

PACKED = gzip.compress(tar_of(MODEL), mtime=0)
BZIPPED = bz2.compress(tar_of(MODEL))
XZIPPED = lzma.compress(tar_of(MODEL))

SEGMENTS = st.text(
    st.characters(
        codec="utf-8", exclude_characters='/\\:. $"~<>|?*', exclude_categories=["C", "Z"]
    ),
    min_size=1,
    max_size=63,
).map(lambda segment: f"_{segment}")  # never the name of a device
FILES = st.dictionaries(
    st.lists(SEGMENTS, min_size=1, max_size=5).map("/".join),
    st.binary(max_size=1500),
    min_size=1,
    max_size=6,
)


def _clash(files: dict[str, bytes]) -> bool:
    """Whether names differ in case alone, or one is a file and a folder."""
    parts = [name.split("/") for name in files]
    prefixes = {"/".join(part[:end]) for part in parts for end in range(1, len(part) + 1)}
    above = {"/".join(part[:end]) for part in parts for end in range(1, len(part))}
    return len({fold(prefix) for prefix in prefixes}) < len(prefixes) or bool(above & set(files))


@given(FILES, st.sampled_from([1, 2]), st.integers(1, 3000))
def test_an_archive_of_our_own_comes_out_as_it_went_in(
    files: dict[str, bytes], form: int, most: int
) -> None:
    assume(not _clash(files))
    archive = tar_of(files, form)
    plain, said = unpack(archive)
    again, said_again = unpack(plain, most=most)
    assert again == plain
    assert said_again.files == said.files
    assert said_again.changes == ()
    found = read_tar(plain)
    assert {name: found[f"./{name}"] for name in files} == files
    assert [name for name, contents in found.items() if contents is not None] == [
        f"./{file.path}" for file in said.files
    ]


def _refused_or_sound(archive: bytes) -> None:
    limits = ArchiveLimits(members=50, unpacked_bytes=1 << 20)
    try:
        plain, said = unpack(archive, limits=limits)
    except UnsafeArchiveError:
        return
    assert said.size == len(plain) <= 1 << 20
    read_tar(plain)
    assert unpack(plain)[0] == plain


@given(st.binary(max_size=3000), st.sampled_from([b"", b"\x1f\x8b\x08", b"PK\3\4", b"BZh9", END]))
def test_random_bytes_are_refused(noise: bytes, start: bytes) -> None:
    _refused_or_sound(start + noise)


ARCHIVES = {
    "tar": tar_of({**MODEL, "n" * 255: b"long"}),
    "pax": tar_of({**MODEL, "n" * 255: b"long"}, 2),
    "tar.gz": PACKED,
    "tar.bz2": BZIPPED,
    "tar.xz": XZIPPED,
    "zip": zip_of(MODEL),
    "stored zip": zip_of(MODEL, 0),
}


@pytest.mark.parametrize("archive", ARCHIVES.values(), ids=ARCHIVES)
@given(data=st.data())
def test_a_mutated_archive_is_refused_or_sound(archive: bytes, data: st.DataObject) -> None:
    _refused_or_sound(data.draw(mutated(archive)))


@given(at=st.integers(0, 1 << 20), bit=st.integers(0, 7))
def test_no_flipped_bit_of_a_gzip_gives_other_files(at: int, bit: int) -> None:
    whole = bytearray(PACKED)
    whole[at % len(whole)] ^= 1 << bit
    try:
        plain, _ = unpack(bytes(whole))
    except UnsafeArchiveError:
        return
    assert plain == unpack(PACKED)[0]


@given(FILES)
def test_a_top_folder_taken_away_at_once_or_later_gives_the_same(files: dict[str, bytes]) -> None:
    assume(not _clash(files))
    archive = tar_of({f"model/{name}": contents for name, contents in files.items()})
    assert unpack(archive, strip="model")[0] == unpack(unpack(archive)[0], strip="model")[0]
