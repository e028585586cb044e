"""Which blobs go when room is needed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.core.digest import Digest
from hubproxy.core.retention import CachedBlob, choose_victims


def blob(name: int, *, size: int = 10, used_at: float = 0, held: bool = False) -> CachedBlob:
    return CachedBlob(digest=Digest.of_hex(f"{name:064x}"), size=size, used_at=used_at, held=held)


def names(digests: list[Digest]) -> list[int]:
    return [int(digest.hex, 16) for digest in digests]


def test_the_least_recently_used_goes_first() -> None:
    blobs = [blob(1, used_at=30), blob(2, used_at=10), blob(3, used_at=20)]
    assert names(choose_victims(blobs, need=15)) == [2, 3]


def test_what_is_held_stays() -> None:
    blobs = [blob(1, used_at=1, held=True), blob(2, used_at=2)]
    assert names(choose_victims(blobs, need=10)) == [2]


def test_no_more_goes_than_is_needed() -> None:
    blobs = [blob(1, used_at=1), blob(2, used_at=2)]
    assert names(choose_victims(blobs, need=10)) == [1]
    assert choose_victims(blobs, need=0) == []


def test_all_that_may_go_is_chosen_when_it_is_not_enough() -> None:
    blobs = [blob(1, used_at=1), blob(2, used_at=2, held=True), blob(3, used_at=3)]
    assert names(choose_victims(blobs, need=1000)) == [1, 3]


def test_blobs_used_at_the_same_time_go_in_the_order_of_their_names() -> None:
    assert names(choose_victims([blob(2), blob(1)], need=20)) == [1, 2]


def test_a_negative_need_is_an_error() -> None:
    with pytest.raises(ValueError, match="cannot free -1 bytes"):
        choose_victims([], need=-1)


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 5), st.booleans()), max_size=12),
    st.integers(0, 600),
)
def test_enough_goes_whenever_enough_may_go(shapes: list[tuple[int, int, bool]], need: int) -> None:
    blobs = [
        blob(name, size=size, used_at=used_at, held=held)
        for name, (size, used_at, held) in enumerate(shapes)
    ]
    by_digest = {item.digest: item for item in blobs}
    victims = [by_digest[digest] for digest in choose_victims(blobs, need=need)]
    free = sum(item.size for item in blobs if not item.held)
    assert not any(item.held for item in victims)
    assert sum(item.size for item in victims) >= min(need, free)
    if victims:
        # Without the last one it would not have been enough.
        assert sum(item.size for item in victims[:-1]) < need
