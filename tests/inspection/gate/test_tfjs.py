"""TensorFlow.js: the ops of every graph of a `model.json`, and where its weights come from."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.inspection.gate.looking import looked, names
from tests.inspection.jsonmodel import MODEL

WEIGHTS = "group1-shard1of1.bin"


def files(model: Any, folder: str = "", weights: str = WEIGHTS) -> dict[str, bytes]:
    """A model's files."""
    text = model if isinstance(model, bytes) else json.dumps(model).encode()
    return {f"{folder}model.json": text, f"{folder}{weights}": bytes(48)}


def changed(**parts: Any) -> dict[str, Any]:
    return {**copy.deepcopy(MODEL), **parts}


def of_op(op: str) -> dict[str, Any]:
    return {"node": [{"name": "evil", "op": op}]}


def within(op: str) -> dict[str, Any]:
    body = {"signature": {"name": "body"}, "nodeDef": [{"name": "evil", "op": op}]}
    return {"node": [{"name": "call", "op": "body"}], "library": {"function": [body]}}


def weights_at(*paths: str) -> dict[str, Any]:
    return changed(weightsManifest=[{"paths": list(paths), "weights": []}])


@pytest.mark.parametrize("folder", ["", "web/", "a/b/"])
def test_a_model_that_computes_passes_wherever_it_lies(folder: str) -> None:
    assert names(files(MODEL, folder)) == ["pass"]


@pytest.mark.parametrize("op", ["_FusedMatMul", "FusedDepthwiseConv2dNative"])
def test_what_the_converter_fuses_passes(op: str) -> None:
    assert names(files(changed(modelTopology=of_op(op)))) == ["pass"]


@pytest.mark.parametrize("op", ["ReadFile", "Nobodys", "PyFunc", "WriteFile"])
@pytest.mark.parametrize("part", ["modelTopology", "modelInitializer"])
def test_an_op_that_is_not_of_a_harmless_class_is_held(op: str, part: str) -> None:
    for graph in (of_op(op), within(op)):
        assert names(files(changed(**{part: graph}), "web/")) == ["hold", f"op:{op}"]


def test_a_function_does_not_hide_an_op_by_its_name() -> None:
    body = {"signature": {"name": "ReadFile"}, "nodeDef": []}
    graph = {**of_op("ReadFile"), "library": {"function": [body]}}
    assert names(files(changed(modelTopology=graph))) == ["hold", "op:ReadFile"]


def test_a_model_of_layers_is_read_for_code() -> None:
    inner = {"class_name": "Lambda", "config": {"function": "4wEAAAA="}}
    layers = {"model_config": {"class_name": "Sequential", "config": {"layers": [inner]}}}
    found = names(files(changed(format="layers-model", modelTopology=layers)))
    assert found == ["hold", "keras:Lambda"]


@pytest.mark.parametrize(
    "path",
    [
        "../other.bin",
        "a/../../other.bin",
        "/etc/passwd",
        "//elsewhere.test/w.bin",
        "https://elsewhere.test/w.bin",
        "C:\\w.bin",
        "a\\w.bin",
        "w.bin?x",
        "w.bin#x",
        "%2e%2e/w.bin",
        ".\t./w.bin",
        "w\n.bin",
        "",
    ],
)
def test_weights_that_a_browser_would_fetch_from_elsewhere_are_refused(path: str) -> None:
    found = looked({**files(weights_at(path)), "w.bin": b"w"})
    assert [one.name for one in found.findings] == ["tfjs:weights-outside"]
    assert found.verdict == "refuse"
    assert found.findings[0].where == f"{path!r} in model.json"


def test_a_file_of_that_very_name_is_no_excuse() -> None:
    path = "%2e%2e/w.bin"
    assert names(files(weights_at(path), weights=path)) == ["refuse", "tfjs:weights-outside"]


def test_weights_that_are_not_there_are_refused_by_name() -> None:
    (found,) = looked(files(weights_at(WEIGHTS, "group1-shard2of2.bin"))).findings
    assert str(found) == "tfjs:weights-missing in 'group1-shard2of2.bin' in model.json"
    assert found.verdict == "refuse"


def test_weights_are_looked_for_beside_the_model() -> None:
    elsewhere = {"web/model.json": json.dumps(MODEL).encode(), WEIGHTS: bytes(48)}
    assert names(elsewhere) == ["refuse", "tfjs:weights-missing"]


EVIL = json.dumps(of_op("ReadFile"))
ESCAPED = EVIL.replace("ReadFile", "R\\u0065adFile")
FINE = json.dumps(of_op("Add"))
REST = f'"weightsManifest": [{{"paths": ["{WEIGHTS}"], "weights": []}}]'


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            f'{{"modelTopology": {FINE}, "modelTopology": {EVIL}, {REST}}}', id="the last counts"
        ),
        pytest.param(f'{{"m\\u006fdelTopology": {EVIL}, {REST}}}', id="an escaped key"),
        pytest.param(f'{{"modelTopology": {ESCAPED}, {REST}}}', id="an escaped op"),
    ],
)
def test_json_is_read_as_a_browser_reads_it(text: str) -> None:
    assert names(files(text.encode())) == ["hold", "op:ReadFile"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="cut short"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b'{"weightsManifest": 1}', id="another shape"),
        pytest.param(b"[" * 100_000, id="deeper than JSON is read"),
        pytest.param(b"\xff\xfe{}", id="no UTF-8"),
    ],
)
def test_a_model_that_cannot_be_read_is_refused(text: bytes) -> None:
    assert names(files(text)) == ["refuse", "tfjs:damaged"]


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_fail(text: bytes) -> None:
    assert looked(files(text)).verdict in ("pass", "hold", "refuse")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)


@given(st.sampled_from(sorted(MODEL)), _JSON)
def test_no_value_makes_the_reader_fail(part: str, value: Any) -> None:
    assert looked(files(changed(**{part: value}))).verdict in ("pass", "hold", "refuse")
