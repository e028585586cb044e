"""Tell what TensorFlow itself finds in modules: `python tell_facts.py FOLDER ...`, one JSON object.

Runs in TensorFlow 1.15 and 2 alike, and so in Python 3.7.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2


def facts(folder: Path) -> dict[str, Any]:
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((folder / "saved_model.pb").read_bytes())
    ops = set()  # type: set[str]
    for meta in saved.meta_graphs:
        ops.update(node.op for node in meta.graph_def.node)
        for function in meta.graph_def.library.function:
            ops.update(node.op for node in function.node_def)
    return {
        "ops": sorted(ops),
        "graphs": [told(meta) for meta in saved.meta_graphs],
        "parameters": numbers(folder),
    }


def told(meta: Any) -> list[Any]:
    calls = {
        name: [tensors(one.inputs), tensors(one.outputs)]
        for name, one in meta.signature_def.items()
        if not name.startswith("__saved_model_")
    }
    return [sorted(meta.meta_info_def.tags), meta.meta_info_def.tensorflow_version, calls]


def tensors(named: Any) -> dict[str, Any]:
    return {
        name: [
            tf.as_dtype(tensor.dtype).name,
            None
            if tensor.tensor_shape.unknown_rank
            else [dimension.size for dimension in tensor.tensor_shape.dim],
        ]
        for name, tensor in named.items()
    }


def numbers(folder: Path) -> int:
    """Of the checkpoint, without what only an optimizer or the saving itself has."""
    total = 0
    for name, shape in tf.train.list_variables(str(folder / "variables" / "variables")):
        if ".OPTIMIZER_SLOT" not in name and name != "_CHECKPOINTABLE_OBJECT_GRAPH":
            size = 1
            for dimension in shape:
                size *= dimension
            total += size
    return total


if __name__ == "__main__":
    json.dump({folder: facts(Path(folder)) for folder in sys.argv[1:]}, sys.stdout)
