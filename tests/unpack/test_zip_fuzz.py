"""Zips of entries that agree with one another more often than chance would have it."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.zip import SEEDS, check
from tests.hostile.archives.names import SHORT
from tests.mutating import mutated
from tests.zips import deflated, entry, zipped

CONTENTS = b"contents"
NAMES = st.sampled_from(
    [b"a", b"a/b", b"b", b"A", b"a/", "ü".encode(), *(name for name, _ in SHORT.values())]
)
SIZES = st.one_of(st.none(), st.sampled_from([0, 7, 8, 9, 0xFFFFFFFF]))
FLAGS = st.sampled_from([0, 0, 8, 0x800, 2, 1, 0x2000])
EXTRA = st.one_of(
    st.just(b""),
    st.just(b"\1\0\x10\0" + (8).to_bytes(8, "little") * 2),
    st.binary(max_size=12),
)
ENTRIES = st.builds(
    entry,
    NAMES,
    st.just(CONTENTS),
    local_name=st.one_of(st.none(), NAMES),
    method=st.sampled_from([0, 0, 8, 12, 99]),
    packed=st.sampled_from([None, deflated(CONTENTS), b"", CONTENTS]),
    flags=FLAGS,
    local_flags=st.one_of(st.none(), FLAGS),
    crc=st.one_of(st.none(), st.just(1)),
    size=SIZES,
    local_size=SIZES,
    attributes=st.one_of(st.just(0), st.sampled_from([0x10, 0o120777 << 16, 0o100644 << 16])),
    extra=EXTRA,
    local_extra=EXTRA,
    tail=st.sampled_from([b"", b"", b"PK\7\x08" + bytes(12), b"hidden"]),
    offset=st.one_of(st.none(), st.integers(0, 200)),
)
PLAIN = st.builds(entry, NAMES, st.binary(max_size=40))


@given(
    st.lists(st.one_of(PLAIN, ENTRIES), max_size=5),
    st.sampled_from([b"", b"", b"gap"]),
    st.one_of(st.just(b""), st.binary(max_size=30)),
    st.one_of(st.none(), st.integers(0, 6)),
    st.sampled_from([0, 0, 0, 1, -1]),
)
def test_entries_that_are_put_together_anyhow_are_refused_or_read_as_python_does(
    entries: list[object], gap: bytes, comment: bytes, claims: int | None, shift: int
) -> None:
    try:
        archive = zipped(*entries, gap=gap, comment=comment, claims=claims, shift=shift)  # type: ignore[arg-type]  # hypothesis knows no callables
    except struct.error:
        return
    check(archive)


@pytest.mark.parametrize("archive", SEEDS[:3], ids=["deflated", "stored", "zip64"])
@given(data=st.data())
def test_a_zip_that_was_changed_is_refused_or_read_as_python_does(
    archive: bytes, data: st.DataObject
) -> None:
    check(data.draw(mutated(archive)))


@pytest.mark.parametrize("archive", SEEDS)
def test_what_fuzzing_begins_with_is_refused_or_read_as_python_does(archive: bytes) -> None:
    check(archive)
