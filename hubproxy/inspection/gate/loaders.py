"""What loaders do with a meta graph: what they run, what they feed, what they hand out.

Sources: `tensorflow/python/saved_model/{loader_impl,load_v1_in_v2,load}.py`, and
`saved_model_lib.py` of tensorflow_hub 0.12.
"""

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import DecodeError

from hubproxy.inspection.messages import message

_ASSETS = "saved_model_assets"
_SAVERS = "savers"


def outputs(meta: Any) -> Iterator[str]:
    """The tensors that a client asks for."""
    for signature in meta.signature_def.values():
        for tensor in signature.outputs.values():
            yield from _tensors(tensor)


def _tensors(tensor: Any) -> Iterator[str]:
    yield tensor.name
    sparse = tensor.coo_sparse
    yield from (
        sparse.values_tensor_name,
        sparse.indices_tensor_name,
        sparse.dense_shape_tensor_name,
    )
    for component in tensor.composite_tensor.components:
        yield from _tensors(component)


def unfed(meta: Any) -> Iterator[str]:
    """What runs with no asset fed: calls, restoring, saving, the initializers of variables."""
    yield from outputs(meta)
    yield from (meta.saver_def.restore_op_name, meta.saver_def.save_tensor_name)
    for collection in meta.collection_def.values():
        for text in collection.bytes_list.value:
            yield from _of_variable(text)


def collected(meta: Any) -> Iterator[str]:
    """What a loader may run: the initial op, those of tables and variables, whatever is collected.

    The savers are not among them: they are a list of their own, and run when one saves.
    """
    for name, collection in meta.collection_def.items():
        yield from collection.node_list.value
        if name != _SAVERS:
            for text in collection.bytes_list.value:
                yield from _of_variable(text)


def _of_variable(text: bytes) -> Iterator[str]:
    variable: Any = message("Variable")
    try:
        variable.ParseFromString(text)
    except DecodeError:  # of another kind
        return
    yield from (variable.initializer_name, variable.snapshot_name, variable.initial_value_name)


def assets(meta: Any) -> list[Any]:
    """Every asset that one loader or the other knows of.

    Raises:
        DecodeError: they cannot be read.
    """
    return [*meta.asset_file_def, *_collected_assets(meta)]


def fed(meta: Any, *, for_hub: bool) -> set[str]:
    """The tensors that each loader replaces by the name of an asset's file.

    TensorFlow takes the collection where the field is empty, tensorflow_hub the collection alone.

    Args:
        for_hub: whether it is a module that tensorflow_hub loads by itself.
    """
    field = {one.tensor_info.name for one in meta.asset_file_def}
    collection = {one.tensor_info.name for one in _collected_assets(meta)}
    if field and (for_hub or _ASSETS in meta.collection_def):
        return field & collection
    return field or collection


def _collected_assets(meta: Any) -> list[Any]:
    found = []
    if _ASSETS in meta.collection_def:
        for packed in meta.collection_def[_ASSETS].any_list.value:
            asset: Any = message("AssetFile")
            if packed.type_url.rpartition("/")[2] == "tensorflow.AssetFileDef":
                asset.ParseFromString(packed.value)
            found.append(asset)
    return found


def handed_out(meta: Any) -> set[str]:
    """The functions that a loaded module has as its members."""
    objects = meta.object_graph_def
    found = set(objects.concrete_functions)
    for node in objects.nodes:
        found.update(node.function.concrete_functions)
        found.add(node.bare_concrete_function.concrete_function_name)
    return found


def taken(meta: Any) -> set[str]:
    """The functions that TensorFlow may run though no node calls them.

    They are the gradients of others; or they are put in the place of others, as Grappler does with
    functions that implement the same interface (`implementation_selector.cc`).
    """
    library = meta.graph_def.library
    found = {one.gradient_func for one in (*library.gradient, *library.registered_gradients)}
    alike = (one for one in library.function if "api_implements" in one.attr)
    return found | {one.signature.name for one in alike}
