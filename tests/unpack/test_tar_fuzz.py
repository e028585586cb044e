"""Tars of members that are each right by their checksums, and wrong in any other way."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.archives import END, block, long_name, padded, pax, record
from tests.fuzz.tar import SEEDS, TAR, check, mended
from tests.hostile.archives.names import SHORT
from tests.mutating import mutated

NAMES = st.sampled_from(
    [b"a", b"a/b", b"a/b/c", b"b", b"./a", b"a/", b"A", b"", *(name for name, _ in SHORT.values())]
)
SIZES = st.one_of(
    st.integers(0, 1100).map(lambda size: b"%011o\0" % size),
    st.integers(0, 1100).map(lambda size: b"\x80" + size.to_bytes(11, "big")),
    st.binary(min_size=12, max_size=12),
)
KINDS = st.one_of(st.sampled_from([b"0", b"\0", b"5", b"7"]), st.binary(min_size=1, max_size=1))
HEADERS = st.builds(
    block,
    NAMES,
    SIZES,
    kind=KINDS,
    mode=st.sampled_from([b"0000644\0", b"0004755\0", b"rwxrwxrw", b"\xff" * 8]),
    prefix=st.sampled_from([b"", b"a", b"..", b"/"]),
    magic=st.sampled_from([b"ustar\x0000", b"ustar  \0", bytes(8), b"ustar\x0001"]),
)
RECORDS = st.builds(
    record,
    st.sampled_from([b"path", b"size", b"linkpath", b"comment", b"GNU.sparse.major", b""]),
    st.one_of(NAMES, st.integers(0, 2000).map(lambda size: b"%d" % size), st.binary(max_size=20)),
)
EXTENDED = st.one_of(
    NAMES.map(long_name),
    st.lists(RECORDS, max_size=3).map(lambda records: pax(*records)),
    st.lists(RECORDS, max_size=3).map(lambda records: pax(*records, kind=b"g")),
)
PARTS = st.one_of(
    HEADERS,
    EXTENDED,
    st.integers(0, 1100).map(lambda size: padded(b"x" * size)),
    st.just(END),
    st.builds(lambda name, size: block(name, size) + padded(b"x" * size), NAMES, st.integers(0, 9)),
)


@given(st.lists(PARTS, max_size=8).map(b"".join))
def test_members_that_are_put_together_anyhow_are_refused_or_read_as_python_does(
    members: bytes,
) -> None:
    check(members + END)


@given(mutated(TAR).map(mended))
@example(TAR)
def test_a_header_that_was_changed_is_refused_or_read_as_python_does(archive: bytes) -> None:
    check(archive)


@pytest.mark.parametrize("archive", SEEDS)
def test_what_fuzzing_begins_with_is_refused_or_read_as_python_does(archive: bytes) -> None:
    check(archive)
