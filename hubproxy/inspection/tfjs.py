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


class _Node(msgspec.Struct, frozen=True):
    op: str


class _Function(msgspec.Struct, frozen=True, rename="camel"):
    node_def: tuple[_Node, ...] = ()


class _Library(msgspec.Struct, frozen=True):
    function: tuple[_Function, ...] = ()


class _Graph(msgspec.Struct, frozen=True):
    node: tuple[_Node, ...] = ()
    library: _Library = _Library()


class _Weight(msgspec.Struct, frozen=True):
    shape: tuple[int, ...]


class _Group(msgspec.Struct, frozen=True):
    weights: tuple[_Weight, ...]


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


class _Model(msgspec.Struct, frozen=True, rename="camel"):
    weights_manifest: tuple[_Group, ...]
    model_topology: _Graph = _Graph()
    model_initializer: _Graph = _Graph()
    signature: _Signature | None = None
    generated_by: str | None = None


def read_tfjs(content: bytes) -> Facts:
    """The facts of a `model.json`.

    Raises:
        UnreadableError: it is not one, or more than any real one has.
    """
    try:
        # Not strict: protobuf's JSON has its 64-bit numbers as strings.
        model = msgspec.json.decode(content, type=_Model, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableError(f"model.json is not a TensorFlow.js model: {error}") from error
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


def _ops(graph: _Graph) -> Iterator[str]:
    yield from (node.op for node in graph.node)
    yield from (node.op for function in graph.library.function for node in function.node_def)


def _parameters(manifest: tuple[_Group, ...]) -> int:
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
