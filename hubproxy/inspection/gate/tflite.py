"""The gate's reader of TFLite models: which operators one names, by the FlatBuffer's own tables.

TFLite's built-in operators compute; a custom one is native code from elsewhere, and a `Flex` one is
an op of TensorFlow, with all that it may do (tensorflow/lite/schema/schema.fbs).
"""

import struct
from collections.abc import Iterator

from hubproxy.inspection.collector import Collector
from hubproxy.inspection.facts import UnreadableError
from hubproxy.inspection.gate.optable import ALLOWED, WHY, classed
from hubproxy.inspection.modulefiles import ModuleFiles

IDENTIFIER = b"TFL3"
_CUSTOM = 32
_LAST_BUILTIN = 209
_MOST_CODES = 10_000
_LONGEST_NAME = 256


def gate(files: ModuleFiles, found: Collector) -> None:
    """Look into every TFLite model, by its name or its first bytes."""
    for path in files.paths:
        marked = files.at(path, 4, 4) == IDENTIFIER
        if not marked and not path.lower().endswith((".tflite", ".lite")):
            continue
        try:
            if not marked:
                raise UnreadableError("it does not begin as TFLite does", damaged=True)
            for code, name in _operators(_Buffer(files, path)):
                _check(code, name, path, found)
        except (UnreadableError, struct.error) as error:
            found.add(
                "tflite:damaged",
                path,
                why=f"it cannot be loaded, and what another reader makes of it is unknown: {error}",
                verdict="refuse",
            )


def _check(code: int, name: str, path: str, found: Collector) -> None:
    if code == _CUSTOM:
        if name.startswith("Flex"):
            op = name.removeprefix("Flex")
            kind = classed(op)
            if kind is not None and kind.kind in ALLOWED:
                found.add(
                    "tflite:flex",
                    f"{name} in {path}",
                    why="it runs an op of TensorFlow that its options say, whatever its name says",
                    remedy="Officers can allow it for this module.",
                )
                return
            found.add(
                f"op:{op}",
                path,
                why="it runs an op of TensorFlow: "
                + (f"{WHY[kind.kind]} ({kind.reason})" if kind else "one that is not known here"),
                remedy="Officers can allow it for this module.",
            )
            return
        found.add(
            "tflite:custom",
            f"{name or 'an operator without a name'} in {path}",
            why="it needs an operator of native code that is not TFLite's own",
            remedy="Officers can allow it for this module.",
        )
    elif not 0 <= code <= _LAST_BUILTIN:
        found.add(
            "tflite:unknown",
            f"operator {code} in {path}",
            why="no TFLite that hubproxy knows has this operator",
            remedy="Officers can allow it for this module.",
        )


class _Buffer:
    """The tables of a FlatBuffer, read where they lie."""

    def __init__(self, files: ModuleFiles, path: str) -> None:
        self._files, self._path = files, path

    def read(self, at: int, size: int) -> bytes:
        if not 0 <= at <= self._files.size(self._path) - size:
            raise UnreadableError("it points outside of itself", damaged=True)
        return self._files.at(self._path, at, size)

    def u32(self, at: int) -> int:
        return int.from_bytes(self.read(at, 4), "little")

    def field(self, table: int, number: int) -> int:
        """Where a field of a table lies; 0 when it is not there."""
        vtable = table - int.from_bytes(self.read(table, 4), "little", signed=True)
        size = int.from_bytes(self.read(vtable, 2), "little")
        at = 4 + 2 * number
        if at + 2 > size:
            return 0
        offset = int.from_bytes(self.read(vtable + at, 2), "little")
        return table + offset if offset else 0

    def reference(self, at: int) -> int:
        return at + self.u32(at)


def _operators(buffer: _Buffer) -> Iterator[tuple[int, str]]:
    """Number and, of a custom one, name of each operator that the model may use."""
    field = buffer.field(buffer.reference(0), 1)
    if not field:
        return
    vector = buffer.reference(field)
    count = buffer.u32(vector)
    if count > _MOST_CODES:
        raise UnreadableError(f"it names {count:,} operators", damaged=True)
    for number in range(count):
        code = buffer.reference(vector + 4 + 4 * number)
        old, new = buffer.field(code, 0), buffer.field(code, 3)
        numbers = [
            int.from_bytes(buffer.read(old, 1), "little", signed=True) if old else 0,
            int.from_bytes(buffer.read(new, 4), "little", signed=True) if new else 0,
        ]
        name = buffer.field(code, 1)
        # The larger of the two is the one that counts.
        yield max(numbers), _text(buffer, buffer.reference(name)) if name else ""


def _text(buffer: _Buffer, at: int) -> str:
    size = min(buffer.u32(at), _LONGEST_NAME)
    return buffer.read(at + 4, size).decode("utf-8", "replace")
