"""The files of a SavedModel's variables: each that the index names is there, and no other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.inspection.gate.looking import looked, names, objects
from tests.inspection.wire import meta, saved_model, variable
from tests.models import MODEL, index, tiny

VARIABLES = "variables/variables"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({f"{VARIABLES}.data-00000-of-00001": b"w"}, ["pass"], id="all there"),
        pytest.param({}, ["refuse", "saved_model:shard-missing"], id="none"),
        pytest.param(
            {f"{VARIABLES}.data-00000-of-00002": b"w", f"{VARIABLES}.data-00001-of-00002": b"w"},
            ["refuse", "saved_model:shard-missing", "saved_model:shard-strange"],
            id="another count",
        ),
        pytest.param(
            {f"{VARIABLES}.data-00000-of-00001": b"w", f"{VARIABLES}.data-00001-of-00002": b"w"},
            ["hold", "saved_model:shard-strange"],
            id="one too many",
        ),
    ],
)
def test_every_shard_of_the_variables_is_there(
    files: dict[str, bytes], expected: list[str]
) -> None:
    assert names({"saved_model.pb": tiny(), f"{VARIABLES}.index": index(), **files}) == expected


def test_a_missing_shard_is_named() -> None:
    shard = f"{VARIABLES}.data-00000-of-00002"
    found = looked({"saved_model.pb": tiny(), f"{VARIABLES}.index": index(2), shard: b"w"})
    assert str(found.findings[0]) == (
        f"saved_model:shard-missing in {VARIABLES}.data-00001-of-00002"
    )


def test_a_graph_with_variables_needs_their_index() -> None:
    found = meta() + objects(variable(1, b"", trainable=True))
    assert names({"saved_model.pb": saved_model(found)}) == ["refuse", "saved_model:shard-missing"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"an index" * 20, id="no table"),
        pytest.param(index()[1:], id="cut in front"),
        pytest.param(index(2**31 - 1), id="too many shards"),
        pytest.param(index(0), id="no shards"),
    ],
)
def test_an_index_that_cannot_be_read_is_held(content: bytes) -> None:
    files = {"saved_model.pb": tiny(), f"{VARIABLES}.index": content}
    assert names(files) == ["hold", "saved_model:index-unread"]


def test_a_model_below_has_its_own_variables() -> None:
    below = {f"below/{path}": content for path, content in MODEL.items()}
    assert names({**MODEL, **below}) == ["pass"]
    del below["below/variables/variables.data-00000-of-00001"]
    (found,) = looked({**MODEL, **below}).findings
    assert str(found).endswith("in below/variables/variables.data-00000-of-00001")


def test_an_index_of_thousands_of_shards_names_a_few_that_are_missing() -> None:
    files = {"saved_model.pb": tiny(), f"{VARIABLES}.index": index(9_999)}
    (found,) = looked(files).findings
    assert found.where.endswith(" and 9996 more")


@given(st.integers(0, len(index(3)) - 1), st.integers(0, 255))
def test_a_changed_byte_of_an_index_never_makes_a_missing_shard_pass(at: int, byte: int) -> None:
    content = bytearray(index(3))
    content[at] = byte
    shards = {f"{VARIABLES}.data-{number:05d}-of-00003": b"w" for number in range(2)}
    files = {"saved_model.pb": tiny(), f"{VARIABLES}.index": bytes(content), **shards}
    assert looked(files).verdict != "pass"


@given(st.binary(max_size=200), st.binary(max_size=48))
def test_no_bytes_make_the_reader_of_the_index_fail(content: bytes, footer: bytes) -> None:
    files = {"saved_model.pb": tiny(), f"{VARIABLES}.index": content + footer + index()[-8:]}
    assert looked(files).verdict in ("hold", "refuse")
