"""What a `model.json` says of itself."""

import json

import pytest

from hubproxy.inspection.facts import Graph, Signature, Tensor, UnreadableError
from hubproxy.inspection.tfjs import facts_of, parse
from tests.inspection.jsonmodel import MODEL


def test_a_graph_model_says_what_it_is() -> None:
    facts = facts_of(parse(json.dumps(MODEL).encode()))
    inputs = (Tensor("any", "int32", None), Tensor("inputs", "string", (-1,)))
    call = Signature("default", inputs, (Tensor("scores", "float32", (-1, 54)),))
    assert facts.graphs == (Graph(tensorflow="2.5.0", signatures=(call,)),)
    assert facts.ops == ("Const", "HashTableV2", "Less", "MatMul")
    assert (facts.parameters, facts.trainable) == (13, None)


def test_a_model_of_layers_has_weights_and_no_ops() -> None:
    layers = {
        "format": "layers-model",
        "modelTopology": {"model_config": {"class_name": "Sequential"}},
        "weightsManifest": MODEL["weightsManifest"],
    }
    facts = facts_of(parse(json.dumps(layers).encode()))
    assert (facts.ops, facts.parameters) == (None, 13)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"{}", id="no weights"),
        pytest.param(b'{"weightsManifest": ' + b"[" * 100_000, id="deep"),
        pytest.param(b'{"weightsManifest": [], "generatedBy": "\xff"}', id="not UTF-8"),
        pytest.param(json.dumps(MODEL).encode()[:-9], id="cut"),
        pytest.param(
            json.dumps({**MODEL, "modelTopology": {"node": [{"op": 7}]}}).encode(), id="a number"
        ),
        pytest.param(
            json.dumps({"weightsManifest": [{"weights": [{"shape": [2**40] * 4}]}]}).encode(),
            id="more numbers than there are",
        ),
    ],
)
def test_what_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableError):
        facts_of(parse(content))
