"""Texts that were a `model.json` once, and any JSON in its shape: each gets a verdict."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.modeljson import LAYERS, SEEDS, check
from tests.inspection.jsonmodel import MODEL
from tests.mutating import mutated

KEYS = st.sampled_from(
    "modelTopology weightsManifest signature node op name library function nodeDef paths weights "
    "shape dim size inputs tensorShape class_name config layers model_config".split()
)
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.sampled_from(["-1", "ReadFile", "Lambda", "../x", "C:\\x", "1e400", "\ud800"]),
        st.text(max_size=5),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=20,
)


@pytest.mark.parametrize("content", SEEDS, ids=["graph", "layers"])
@given(changes=st.data())
def test_a_model_json_that_was_changed_gets_a_verdict(
    content: bytes, changes: st.DataObject
) -> None:
    check(changes.draw(mutated(content)))


@pytest.mark.parametrize("model", [MODEL, LAYERS], ids=["graph", "layers"])
@given(key=KEYS, value=VALUES, top=st.booleans())
def test_a_model_json_with_anything_in_a_place_gets_a_verdict(
    model: dict[str, Any], key: str, value: object, top: bool
) -> None:
    topology = {**model["modelTopology"], key: value}
    changed = {**model, key: value} if top else {**model, "modelTopology": topology}
    check(json.dumps(changed).encode())


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_a_model_json_of_anything_gets_a_verdict(model: dict[str, object]) -> None:
    check(json.dumps({"weightsManifest": [], **model}).encode())


@pytest.mark.parametrize("depth", [100, 2000, 200_000])
@pytest.mark.parametrize("pair", ["[]", ('{"modelTopology":', "}")], ids=["lists", "objects"])
def test_a_model_json_without_end_gets_a_verdict(depth: int, pair: tuple[str, str]) -> None:
    start, end = pair
    check(f'{{"weightsManifest":[],"x":{start * depth}1{end * depth}}}'.encode())
