"""A look into a module within the test's own process, and nodes that call and are called."""

from collections.abc import Mapping
from tempfile import TemporaryFile

import msgspec

from hubproxy.core.formats import detect_format
from hubproxy.inspection.inspected import Inspected
from hubproxy.inspection.look import look
from tests.inspection.wire import data, number, pair
from tests.made import make


def looked(files: Mapping[str, bytes]) -> Inspected:
    """What is inside a module of these files."""
    made = make(files=files)
    record = msgspec.structs.replace(made.record, format=detect_format(files))
    with TemporaryFile() as file:
        file.write(made.plain)
        file.flush()
        return look(file.fileno(), record.format, record.files)


def names(files: Mapping[str, bytes]) -> list[str]:
    """The verdict, then the names of the findings."""
    found = looked(files)
    return [found.verdict, *(finding.name for finding in found.findings)]


def step(op: str, name: str, *inputs: str, calls: str = "", **texts: bytes) -> bytes:
    """A node with inputs, attributes that are texts, and a function that it calls."""
    parts = [data(1, name.encode()), data(2, op.encode())]
    parts += [data(3, one.encode()) for one in inputs]
    parts += [pair(5, key, data(2, text)) for key, text in texts.items()]
    if calls:
        parts.append(pair(5, "f", data(10, data(1, calls.encode()))))
    return b"".join(parts)


def function(name: str, arguments: str, *nodes: bytes) -> bytes:
    """A FunctionDef; the names of its arguments are apart by spaces."""
    given = [data(2, data(1, one.encode())) for one in arguments.split()]
    return data(1, data(1, name.encode()), *given) + b"".join(data(3, node) for node in nodes)


def graph_of(*nodes: bytes, functions: tuple[bytes, ...] = ()) -> bytes:
    """A GraphDef of nodes and functions."""
    return b"".join(data(1, one) for one in nodes) + data(2, *(data(1, one) for one in functions))


def saver(filename: str, save: str, restore: str) -> bytes:
    """The saver of a MetaGraphDef."""
    return data(3, data(1, filename.encode()), data(2, save.encode()), data(3, restore.encode()))


def asset(tensor: str, filename: str) -> bytes:
    """An asset of a MetaGraphDef."""
    return data(6, data(1, data(1, tensor.encode())), data(2, filename.encode()))


def objects(*nodes: bytes, concrete: Mapping[str, tuple[int, ...]] | None = None) -> bytes:
    """The object graph of a MetaGraphDef, with concrete functions and what is bound to them."""
    parts = [data(1, node) for node in nodes]
    for name, bound in (concrete or {}).items():
        parts.append(pair(2, name, b"".join(number(2, one) for one in bound)))
    return data(7, *parts)


ASSET_OBJECT = data(5, number(1, 0))
"""A SavedObject that is the first asset."""
