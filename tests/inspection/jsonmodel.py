"""A model of TensorFlow.js."""

from typing import Any

# As TensorFlow.js Converter 3.7.0 writes it, 64-bit numbers as strings.
MODEL: dict[str, Any] = {
    "format": "graph-model",
    "generatedBy": "2.5.0",
    "signature": {
        "inputs": {
            "inputs": {"dtype": "DT_STRING", "tensorShape": {"dim": [{"size": "-1"}]}},
            "any": {"dtype": "DT_INT32", "tensorShape": {"unknownRank": True}},
        },
        "outputs": {
            "scores": {
                "dtype": "DT_FLOAT",
                "tensorShape": {"dim": [{"size": "-1"}, {"size": "54"}]},
            }
        },
    },
    "modelTopology": {
        "node": [{"name": "a", "op": "Const"}, {"name": "b", "op": "MatMul", "input": ["a"]}],
        "library": {"function": [{"nodeDef": [{"name": "c", "op": "Less"}]}]},
    },
    "modelInitializer": {"node": [{"name": "d", "op": "HashTableV2"}]},
    "weightsManifest": [
        {
            "paths": ["group1-shard1of1.bin"],
            "weights": [{"name": "a", "shape": [3, 4], "dtype": "float32"}, {"shape": []}],
        }
    ],
}
