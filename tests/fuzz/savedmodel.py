"""The protobuf walk: whatever a `saved_model.pb` holds, the gate has a verdict."""

import msgspec

from tests.cli.modules import CLEAN, POISONED
from tests.inspection.gate.looking import looked
from tests.inspection.wire import data, graph, meta, node, saved_model, shape, variable

SEEDS = (
    CLEAN["saved_model.pb"],
    POISONED["saved_model.pb"],
    saved_model(meta(graph(node("VariableV2", "w", shape=data(7, shape(2, 3)))), trainable=["w"])),
    saved_model(meta(objects=data(1, variable(1, shape(2, 3), trainable=True)))),
    saved_model(meta(data(6, data(1, data(1, b"x:0")), data(2, b"../../etc/passwd")))),
)
FILES = {path: whole for path, whole in CLEAN.items() if path.startswith("variables/")}


def check(content: bytes) -> None:
    """Look into a module with this graph, and with its variables."""
    found = looked({**FILES, "saved_model.pb": content})
    assert found.verdict in ("pass", "hold", "refuse")
    assert len(msgspec.json.encode(found)) < (1 << 16) + 40 * len(content)
