"""The reader of `model.json`: whatever it holds, the gate has a verdict."""

import json
from typing import Any

import msgspec

from tests.inspection.gate.looking import looked
from tests.inspection.jsonmodel import MODEL

LAYERS: dict[str, Any] = {
    "format": "layers-model",
    "modelTopology": {
        "model_config": {
            "class_name": "Sequential",
            "config": {"layers": [{"class_name": "Lambda", "config": {"function": ["x", None]}}]},
        }
    },
    "weightsManifest": [{"paths": ["../group1.bin"], "weights": [{"shape": []}]}],
}

SEEDS = tuple(json.dumps(model).encode() for model in (MODEL, LAYERS))


def check(content: bytes) -> None:
    """Look into a module with this `model.json`, and with weights."""
    found = looked({"model.json": content, "group1-shard1of1.bin": bytes(52)})
    assert found.verdict in ("pass", "hold", "refuse")
    assert len(msgspec.json.encode(found)) < (1 << 16) + 40 * len(content)
