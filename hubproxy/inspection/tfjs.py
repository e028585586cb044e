"""The facts of a TensorFlow.js model: `model.json`, with its graph and the shapes of its weights.

The graph is a `GraphDef` in protobuf's JSON form. A model of layers has none, only weights. All
weights count as parameters: which of them were variables, and which constants, is not told.
"""

from collections.abc import Iterator, Mapping
from math import prod

import msgspec

from hubproxy.inspection.facts import ANY, Facts, Graph, Signature, Tensor, UnreadableError
from hubproxy.inspection.savedmodel import MOST_PARAMETERS, kinds

_DTYPES = {"DT_FLOAT": "float32", "DT_DOUBLE": "float64", "DT_HALF": "float16"}


class Node(msgspec.Struct, frozen=True):
    """A node of a graph."""

    op: str
    name: str = ""


class _Named(msgspec.Struct, frozen=True):
    name: str = ""


class _Function(msgspec.Struct, frozen=True, rename="camel"):
    signature: _Named = _Named()
    node_def: tuple[Node, ...] = ()


class _Library(msgspec.Struct, frozen=True):
    function: tuple[_Function, ...] = ()


class GraphDef(msgspec.Struct, frozen=True):
    """A graph with its library."""

    node: tuple[Node, ...] = ()
    library: _Library = _Library()


class _Weight(msgspec.Struct, frozen=True):
    shape: tuple[int, ...]


class Group(msgspec.Struct, frozen=True):
    """Weights, and the files that hold them."""

    weights: tuple[_Weight, ...]
    paths: tuple[str, ...] = ()


class _Dimension(msgspec.Struct, frozen=True):
    size: int = 0


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    dim: tuple[_Dimension, ...] = ()
    unknown_rank: bool = False


class _Tensor(msgspec.Struct, frozen=True, rename="camel"):
    dtype: str = "DT_INVALID"
    tensor_shape: _Shape = _Shape()


class _Signature(msgspec.Struct, frozen=True):
    inputs: dict[str, _Tensor] = {}
    outputs: dict[str, _Tensor] = {}


class Model(msgspec.Struct, frozen=True, rename="camel"):
    """What is looked at of a `model.json`."""

    weights_manifest: tuple[Group, ...]
    model_topology: GraphDef = GraphDef()
    model_initializer: GraphDef = GraphDef()
    signature: _Signature | None = None
    generated_by: str | None = None


def parse(content: bytes) -> Model:
    """What a `model.json` says.

    Raises:
        UnreadableError: it is not one.
    """
    try:
        # Not strict: protobuf's JSON has its 64-bit numbers as strings.
        return msgspec.json.decode(content, type=Model, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableError(
            f"model.json is not a TensorFlow.js model: {error}", damaged=True
        ) from error


def facts_of(model: Model) -> Facts:
    """The facts of a `model.json`, parsed.

    Raises:
        UnreadableError: more than any real one has.
    """
    found = model.signature
    calls = (
        (Signature("default", _tensors(found.inputs), _tensors(found.outputs)),) if found else ()
    )
    ops = kinds(op for part in (model.model_topology, model.model_initializer) for op in _ops(part))
    return Facts(
        graphs=(Graph(tensorflow=model.generated_by or "", signatures=calls),),
        ops=ops or None,
        parameters=_parameters(model.weights_manifest),
    )


def _ops(graph: GraphDef) -> Iterator[str]:
    yield from (node.op for node in graph.node)
    yield from (node.op for function in graph.library.function for node in function.node_def)


def _parameters(manifest: tuple[Group, ...]) -> int:
    total = sum(max(prod(weight.shape), 0) for group in manifest for weight in group.weights)
    if total > MOST_PARAMETERS:
        raise UnreadableError("its weights are larger than any machine's memory")
    return total


def _tensors(named: Mapping[str, _Tensor]) -> tuple[Tensor, ...]:
    return tuple(
        Tensor(name, _dtype(tensor.dtype), _shape(tensor.tensor_shape))
        for name, tensor in sorted(named.items())
    )


def _dtype(name: str) -> str:
    return _DTYPES.get(name, name.removeprefix("DT_").lower())


def _shape(shape: _Shape) -> tuple[int, ...] | None:
    if shape.unknown_rank:
        return None
    return tuple(max(dimension.size, ANY) for dimension in shape.dim)
