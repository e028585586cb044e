"""A tiny module of the proxy's own: whoever can load it has a working way to the proxy.

It is encoded here, field by field (https://protobuf.dev/programming-guides/encoding), so that
nothing binary lies in the sources and no TensorFlow is needed to make it. One constant, in the
form that every `tensorflow_hub` reads: `saved_model.pb` with one graph without tags, whose
signature `default` gives the constant, beside the `tfhub_module.pb` of `hub.Module`. So it loads
by `hub.Module` from 0.1.1 on, and by `hub.load` from 0.5.0 on, in TensorFlow 1.15 to 2.21.
"""

import base64
import hashlib
from collections.abc import Iterable
from functools import cache

from hubproxy.core import tar
from hubproxy.server.pages import Page

VALUE = b"hubproxy canary 1"
"""What the signature `default` gives."""

_PATH = "-/canary/1"
_DT_STRING = 7  # tensorflow.DataType
_OLDEST_PRODUCER = 27  # of a graph, as TensorFlow 1.15 accepts it


def canary_path(hub: str) -> str:
    """Where a hub's canary is, such as `/tfhub.dev/-/canary/1`.

    No module can have this name: a segment of a handle begins with a letter, digit or underscore.
    """
    return f"/{hub}/{_PATH}"


def canary_page() -> Page:
    """The canary as one plain tar, with the digest that the client hook asks for (RFC 9530)."""
    body = _archive()
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return Page(body, "application/x-tar", headers={"Repr-Digest": f"sha-256=:{digest}:"})


@cache
def canary_files() -> dict[str, bytes]:
    """The module's files."""
    return {"saved_model.pb": _saved_model(), "tfhub_module.pb": _field(1, 3)}  # format: FORMAT_V3


@cache
def _archive() -> bytes:
    pieces = [tar.header("", folder=True)]
    for path, content in canary_files().items():
        pieces += [tar.header(path, len(content)), content, bytes(tar.padding(len(content)))]
    return b"".join([*pieces, tar.END])


def _saved_model() -> bytes:
    """`tensorflow.SavedModel`, the numbers being those of TensorFlow's `.proto` files."""
    tensor = _message((1, _DT_STRING), (2, b""), (8, VALUE))  # dtype, tensor_shape, string_val
    node = _message(
        (1, b"canary"),  # name
        (2, b"Const"),  # op
        (5, _entry(b"dtype", _message((6, _DT_STRING)))),  # attr: type
        (5, _entry(b"value", _message((8, tensor)))),  # attr: tensor
    )
    graph = _message((1, node), (4, _message((1, _OLDEST_PRODUCER))))  # node, versions
    output = _message((1, b"canary:0"), (2, _DT_STRING), (3, b""))  # name, dtype, tensor_shape
    signature = _message((2, _entry(b"default", output)))  # outputs
    # meta_info_def (without tags), graph_def, signature_def
    meta_graph = _message((1, b""), (2, graph), (5, _entry(b"default", signature)))
    return _message((1, 1), (2, meta_graph))  # saved_model_schema_version, meta_graphs


def _entry(key: bytes, value: bytes) -> bytes:
    """One entry of a map."""
    return _message((1, key), (2, value))


def _message(*fields: tuple[int, int | bytes]) -> bytes:
    return b"".join(_field(number, value) for number, value in fields)


def _field(number: int, value: int | bytes) -> bytes:
    """A number as varint; bytes, text and messages with their length before them."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    """Seven bits at a time, the lowest first; the top bit says that more follow."""

    def groups(rest: int) -> Iterable[int]:
        while rest > 0x7F:
            yield rest & 0x7F | 0x80
            rest >>= 7
        yield rest

    return bytes(groups(value))
