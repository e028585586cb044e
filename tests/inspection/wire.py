"""SavedModels as strangers make them: laid down field by field, apart from hubproxy's code.

Numbers are those of TensorFlow's own .proto files.
"""

from collections.abc import Mapping


def varint(number: int) -> bytes:
    out = bytearray()
    number &= 2**64 - 1
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def data(field: int, *parts: bytes) -> bytes:
    whole = b"".join(parts)
    return varint(field << 3 | 2) + varint(len(whole)) + whole


def pair(field: int, key: str, value: bytes) -> bytes:
    """An entry of a map."""
    return data(field, data(1, key.encode()), data(2, value))


def shape(*sizes: int) -> bytes:
    return b"".join(data(2, number(1, size)) for size in sizes)


ANY_RANK = number(3, 1)


def node(op: str, name: str = "", **attributes: bytes) -> bytes:
    attrs = (pair(5, key, value) for key, value in attributes.items())
    return data(1, name.encode()) + data(2, op.encode()) + b"".join(attrs)


def graph(*nodes: bytes, functions: Mapping[str, list[bytes]] | None = None) -> bytes:
    """A GraphDef."""
    library = [
        data(1, data(1, data(1, name.encode())), *(data(3, inner) for inner in body))
        for name, body in (functions or {}).items()
    ]
    return b"".join(data(1, one) for one in nodes) + data(2, *library)


def tensor(dtype: int, dimensions: bytes) -> bytes:
    return data(1, b"x:0") + number(2, dtype) + data(3, dimensions)


def signature(inputs: Mapping[str, bytes], outputs: Mapping[str, bytes]) -> bytes:
    ins = (pair(1, name, one) for name, one in inputs.items())
    return b"".join(ins) + b"".join(pair(2, name, one) for name, one in outputs.items())


def meta(
    *graphs: bytes,
    tags: tuple[str, ...] = ("serve",),
    version: str = "2.21.0",
    signatures: Mapping[str, bytes] | None = None,
    objects: bytes = b"",
    trainable: list[str] | None = None,
) -> bytes:
    """A MetaGraphDef; several graphs are one field given more than once."""
    parts = [data(1, *(data(4, tag.encode()) for tag in tags), data(5, version.encode()))]
    parts += [data(2, one) for one in graphs]
    parts += [pair(5, name, one) for name, one in (signatures or {}).items()]
    if trainable is not None:
        names = [data(1, data(1, f"{name}:0".encode())) for name in trainable]
        parts.append(pair(4, "trainable_variables", data(2, *names)))
    return b"".join(parts) + (data(7, objects) if objects else b"")


def saved_model(*metas: bytes) -> bytes:
    return number(1, 1) + b"".join(data(2, one) for one in metas)


def variable(dtype: int, dimensions: bytes, *, trainable: bool) -> bytes:
    """A SavedObject that is one."""
    return data(7, number(1, dtype), data(2, dimensions), number(3, int(trainable)))
