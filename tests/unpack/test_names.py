import pytest

from tests.archives import long_name, member, pax, record, refusal_of, tarball
from tests.hostile.archives.names import NAMES, SHORT


@pytest.mark.parametrize(("name", "why"), SHORT.values(), ids=SHORT)
def test_a_hostile_name_is_refused(name: bytes, why: str) -> None:
    assert why in refusal_of(tarball(member(b"ok"), member(name)))


@pytest.mark.parametrize(
    ("name", "why"),
    [row for row in NAMES.values() if row[0]],
    ids=[key for key, row in NAMES.items() if row[0]],
)
def test_a_hostile_name_is_refused_from_an_extended_header_too(name: bytes, why: str) -> None:
    assert why in refusal_of(tarball(long_name(name), member(b"ok")))
    assert why in refusal_of(tarball(pax(record(b"path", name)), member(b"ok")))
