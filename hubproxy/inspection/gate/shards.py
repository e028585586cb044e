"""Whether the files that hold a SavedModel's variables are all there.

`variables.index` is a table in LevelDB's format: a footer of 48 bytes points to an index block,
which points to data blocks; the first entry, under the empty key, is a `BundleHeaderProto` with
the number of shards (tensorflow/core/util/tensor_bundle, tensorflow/core/lib/io/format.cc).
"""

import re
from typing import Any

from google.protobuf.message import DecodeError

from hubproxy.inspection.collector import Collector
from hubproxy.inspection.facts import UnreadableError
from hubproxy.inspection.messages import message
from hubproxy.inspection.modulefiles import ModuleFiles

_FOOTER, _MAGIC = 48, bytes.fromhex("57fb808b247547db")
_TRAILER = 5
"""Bytes after a block: how it is compressed, and its CRC."""
_MOST_BLOCK = 16 * 1024 * 1024
_MOST_SHARDS = 10_000
_SHARD = re.compile(r"variables\.data-([0-9]{5,})-of-([0-9]{5,})")


def check_shards(files: ModuleFiles, folder: str, *, needed: bool, found: Collector) -> None:
    """See that every shard of the variables is there, and no other.

    Args:
        folder: where the `saved_model.pb` lies, with a slash at its end; empty for the root.
        needed: whether the graph has variables to restore.
    """
    index = f"{folder}variables/variables.index"
    prefix = f"{folder}variables/"
    there = {path.removeprefix(prefix) for path in files.paths if path.startswith(prefix)}
    shards = {name for name in there if _SHARD.fullmatch(name)}
    if index not in files:
        if needed or shards:
            _missing(index, found)
        return
    try:
        count = _count(files, index)
    except (UnreadableError, ValueError) as error:
        found.add(
            "saved_model:index-unread",
            index,
            why=f"whether all variables are there cannot be told: {error}",
            remedy="A person may accept it unread.",
        )
        return
    expected = {f"variables.data-{number:05d}-of-{count:05d}" for number in range(count)}
    for name in sorted(expected - there):
        _missing(f"{prefix}{name}", found)
    for name in sorted(shards - expected):
        found.add(
            "saved_model:shard-strange",
            f"{prefix}{name}",
            why="the index of the variables does not name it, so nobody reads it",
            remedy="It would pass without that file.",
        )


def _missing(path: str, found: Collector) -> None:
    found.add(
        "saved_model:shard-missing",
        path,
        why="the module's variables lie in it and it is not there, so the module cannot be loaded",
        remedy="It would have to be packed again, with that file.",
        verdict="refuse",
    )


def _count(files: ModuleFiles, index: str) -> int:
    """How many shards the index names.

    Raises:
        ValueError: it is not laid out as TensorFlow does.
    """
    size = files.size(index)
    footer = files.at(index, max(size - _FOOTER, 0), _FOOTER)
    if len(footer) < _FOOTER or not footer.endswith(_MAGIC):
        raise ValueError("it is not a table of variables")
    _, at = _handle(footer, 0)
    (where, length), _ = _handle(footer, at)
    _, value = _first(_block(files, index, where, length))
    (where, length), _ = _handle(value, 0)
    key, value = _first(_block(files, index, where, length))
    header: Any = message("BundleHeader")
    try:
        header.ParseFromString(value)
    except DecodeError as error:
        raise ValueError("its header cannot be read") from error
    if key or not 0 < header.num_shards <= _MOST_SHARDS:
        raise ValueError(f"it names {header.num_shards} shards")
    return int(header.num_shards)


def _block(files: ModuleFiles, index: str, where: int, length: int) -> bytes:
    if length > _MOST_BLOCK:
        raise ValueError(f"it has a block of {length:,} bytes")
    block = files.at(index, where, length + _TRAILER)
    if len(block) < length + _TRAILER:
        raise ValueError("it is cut short")
    if block[length]:
        raise ValueError("it is compressed")
    return block[:length]


def _first(block: bytes) -> tuple[bytes, bytes]:
    """The first entry of a block."""
    shared, at = _varint(block, 0)
    key_size, at = _varint(block, at)
    value_size, at = _varint(block, at)
    end = at + key_size + value_size
    if shared or end > len(block):
        raise ValueError("a block of it is damaged")
    return block[at : at + key_size], block[at + key_size : end]


def _handle(text: bytes, at: int) -> tuple[tuple[int, int], int]:
    """Offset and size of a block, and where their encoding ends."""
    where, at = _varint(text, at)
    length, at = _varint(text, at)
    return (where, length), at


def _varint(text: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(text) and shift < 64:
        byte = text[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return number, at
    raise ValueError("a number of it is damaged")
