"""Tiny SavedModels that a gate passes, laid down field by field."""

from tests.inspection.wire import graph, meta, node, number, saved_model, varint

_MAGIC = bytes.fromhex("57fb808b247547db")


def tiny(text: str = "a graph") -> bytes:
    """A `saved_model.pb` that computes nothing, and differs with its text."""
    return saved_model(meta(graph(node("Const", text))))


def index(shards: int = 1) -> bytes:
    """A `variables.index` of so many shards, and of no variable."""
    first = _block(b"", number(1, shards))
    pointer = _block(b"", varint(0) + varint(len(first) - 5))
    footer = varint(0) + varint(0) + varint(len(first)) + varint(len(pointer) - 5)
    return first + pointer + footer.ljust(40, b"\0") + _MAGIC


def _block(key: bytes, value: bytes) -> bytes:
    """A block of one entry, not compressed; its checksum is looked at by nobody here."""
    entry = varint(0) + varint(len(key)) + varint(len(value)) + key + value
    return entry + bytes(4) + (1).to_bytes(4, "little") + bytes(5)


MODEL = {
    "saved_model.pb": tiny(),
    "variables/variables.index": index(),
    "variables/variables.data-00000-of-00001": b"weights",
}
"""A whole module."""
