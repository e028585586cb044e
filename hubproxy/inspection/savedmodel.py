"""The facts of a SavedModel, and of a module in the format of TF1's `hub.Module`: `saved_model.pb`.

The number of parameters is summed up over the shapes of variables, not over what the checkpoint
holds: a checkpoint has the optimizer's and the save counter's too, and is a table format of its
own to parse. In TensorFlow 2 the variables are those of the object graph, without the slots that
an optimizer keeps for each; in TensorFlow 1 the variables' own nodes in the graph, of the meta
graph that has the most. What was frozen into constants is not counted.
"""

from collections.abc import Iterable, Iterator
from math import prod
from typing import Any

from google.protobuf.message import DecodeError, Message

from hubproxy.inspection.facts import ANY, Facts, Graph, Signature, Tensor, UnreadableError
from hubproxy.inspection.messages import message

MOST_KINDS = 10_000
"""Kinds of op that a module may name: TensorFlow 2.21 registers 1,908."""

_LONGEST_NAME = 256
MOST_PARAMETERS = 2**62
"""More than any machine holds."""

_TRAINABLE = "trainable_variables"
_VARIABLES = frozenset({"VarHandleOp", "Variable", "VariableV2"})
_NO_NUMBERS = frozenset({"string", "resource", "variant"})
_OWN_SIGNATURES = frozenset({"__saved_model_init_op", "__saved_model_train_op"})
# tensorflow/core/framework/types.proto, as `tf.DType.name` has them.
_DTYPES = dict(
    enumerate(
        "float32 float64 int32 uint8 int16 int8 string complex64 int64 bool qint8 quint8 qint32 "
        "bfloat16 qint16 quint16 uint16 complex128 float16 resource variant uint32 uint64 "
        "float8_e5m2 float8_e4m3fn float8_e4m3fnuz float8_e4m3b11fnuz float8_e5m2fnuz int4 uint4 "
        "int2 uint2 float4_e2m1fn".split(),
        start=1,
    )
)
_REFERENCE = 100


def parse(content: bytes) -> Any:
    """The message in a `saved_model.pb`.

    Raises:
        UnreadableError: it is not one, or holds no graph.
    """
    saved: Any = message("SavedModel")
    try:
        saved.ParseFromString(content)
    except DecodeError as error:
        raise UnreadableError(
            f"saved_model.pb is not a SavedModel: {error}", damaged=True
        ) from error
    if not saved.meta_graphs:
        raise UnreadableError("saved_model.pb holds no graph", damaged=True)
    return saved


def facts_of(saved: Any) -> Facts:
    """The facts of a `saved_model.pb`, parsed. Vocabularies are not in it.

    Raises:
        UnreadableError: more than any real one has.
    """
    parameters, trainable = _parameters(saved.meta_graphs)
    return Facts(
        graphs=tuple(map(_graph, saved.meta_graphs)),
        ops=kinds(op for meta in saved.meta_graphs for op in _ops(meta.graph_def)),
        parameters=parameters,
        trainable=trainable,
    )


def kinds(ops: Iterable[str]) -> tuple[str, ...]:
    """Each kind of op once, sorted.

    Raises:
        UnreadableError: more of them, or longer names, than any real module has.
    """
    found: set[str] = set()
    for op in ops:
        found.add(op)
        if len(found) > MOST_KINDS or len(op) > _LONGEST_NAME:
            raise UnreadableError(f"it names more than {MOST_KINDS} kinds of op, or longer ones")
    return tuple(sorted(found))


def dtype_name(number: int) -> str:
    """TensorFlow's name of a type of numbers; a reference to one ends in `_ref`."""
    if number - _REFERENCE in _DTYPES:
        return f"{_DTYPES[number - _REFERENCE]}_ref"
    return _DTYPES.get(number, f"type {number}")


def _ops(graph: Any) -> Iterator[str]:
    """Of every node, in every function too: whatever is there can be called by somebody."""
    yield from (node.op for node in graph.node)
    yield from (node.op for function in graph.library.function for node in function.node_def)


def _graph(meta: Any) -> Graph:
    return Graph(
        tags=tuple(sorted(meta.meta_info_def.tags)),
        tensorflow=meta.meta_info_def.tensorflow_version,
        signatures=tuple(
            Signature(name, _tensors(found.inputs), _tensors(found.outputs))
            for name, found in sorted(meta.signature_def.items())
            if name not in _OWN_SIGNATURES
        ),
    )


def _tensors(named: Any) -> tuple[Tensor, ...]:
    return tuple(
        Tensor(name, dtype_name(tensor.dtype), _shape(tensor.tensor_shape))
        for name, tensor in sorted(named.items())
    )


def _shape(shape: Any) -> tuple[int, ...] | None:
    if shape.unknown_rank:
        return None
    return tuple(max(dimension.size, ANY) for dimension in shape.dim)


def _parameters(graphs: Iterable[Any]) -> tuple[int | None, int | None]:
    """All, and the trainable ones, of the meta graph that has the most."""
    found = []
    for meta in graphs:
        if meta.object_graph_def.nodes:
            found.append(_of_objects(meta.object_graph_def.nodes))
        else:
            found.append(_of_nodes(meta))
    return max(found, key=lambda pair: (pair[0] is not None, pair[0]))


def _of_objects(nodes: Any) -> tuple[int | None, int | None]:
    slots = {slot.slot_variable_node_id for node in nodes for slot in node.slot_variables}
    variables = [
        (node.variable, node.variable.trainable)
        for number, node in enumerate(nodes)
        if node.HasField("variable") and number not in slots
    ]
    every = [(dtype_name(one.dtype), one.shape) for one, _ in variables]
    changing = [(dtype_name(one.dtype), one.shape) for one, trainable in variables if trainable]
    return _total(every), _total(changing)


def _of_nodes(meta: Any) -> tuple[int | None, int | None]:
    sizes = {
        node.name: (dtype_name(node.attr["dtype"].type), node.attr["shape"].shape)
        for node in meta.graph_def.node
        if node.op in _VARIABLES
    }
    if _TRAINABLE not in meta.collection_def:
        return _total(sizes.values()), None
    names = {_named(text) for text in meta.collection_def[_TRAINABLE].bytes_list.value}
    return _total(sizes.values()), _total(sizes[name] for name in names if name in sizes)


def _named(text: bytes) -> str:
    """The node of a variable that a collection of TensorFlow 1 names."""
    variable: Any = message("Variable")
    try:
        variable.ParseFromString(text)
    except DecodeError as error:
        raise UnreadableError(f"a variable in saved_model.pb is not one: {error}") from error
    name: str = variable.variable_name
    return name.partition(":")[0]


def _total(variables: Iterable[tuple[str, Message]]) -> int | None:
    """Numbers in these variables; None when the shape of one is open."""
    total = 0
    for dtype, dimensions in variables:
        shape = _shape(dimensions)
        if dtype in _NO_NUMBERS:
            continue
        if shape is None or ANY in shape:
            return None
        total += prod(shape)
        if total > MOST_PARAMETERS:
            raise UnreadableError("its variables are larger than any machine's memory")
    return total
