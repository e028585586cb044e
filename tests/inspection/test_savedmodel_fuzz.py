"""Messages that were SavedModels once, and messages of any fields: each gets a verdict."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.savedmodel import SEEDS, check
from tests.inspection.wire import data, number
from tests.mutating import mutated

NUMBERS = st.sampled_from([0, 1, 3, 7, 100, 101, 201, 2**31 - 1, 2**31, 2**62, 2**63 - 1, -1])
FIELDS = st.integers(1, 10)
MESSAGES = st.recursive(
    st.one_of(
        st.builds(number, FIELDS, NUMBERS),
        st.builds(data, FIELDS, st.sampled_from([b"ReadFile", b"x:0", b"^x", b"../x", b"\xff"])),
        st.builds(data, FIELDS, st.binary(max_size=6)),
    ),
    lambda inner: st.builds(
        lambda field, parts: data(field, *parts), FIELDS, st.lists(inner, max_size=5)
    ),
    max_leaves=30,
)


@pytest.mark.parametrize("content", SEEDS)
@given(changes=st.data())
def test_a_graph_that_was_changed_gets_a_verdict(content: bytes, changes: st.DataObject) -> None:
    check(changes.draw(mutated(content)))


@given(st.lists(MESSAGES, min_size=1, max_size=6))
def test_a_meta_graph_of_any_fields_gets_a_verdict(fields: list[bytes]) -> None:
    check(data(2, *fields))


@given(st.lists(MESSAGES, min_size=1, max_size=6), st.integers(2, 7))
def test_a_part_of_a_graph_of_any_fields_gets_a_verdict(fields: list[bytes], part: int) -> None:
    check(SEEDS[0] + data(2, data(part, *fields)))


@pytest.mark.parametrize("depth", [90, 101, 5000])
def test_a_graph_in_a_graph_without_end_gets_a_verdict(depth: int) -> None:
    content = b""
    for _ in range(depth):
        content = data(2, content)
    check(content)
