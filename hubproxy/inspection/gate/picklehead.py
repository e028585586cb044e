"""Whether a file is a pickle, told by its first opcodes: whatever its name, protocol or frame."""

import io
import pickletools
import re

PEEK = 64 * 1024
"""Bytes that are needed of a file's beginning."""

_CALLS = frozenset({"GLOBAL", "INST", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4"})
_NAMED = re.compile(r"[A-Za-z_][\w.]* [A-Za-z_][\w.]*")


def calls(head: bytes) -> bool:
    """Whether what begins so is a pickle that imports something.

    Words and weights can be read as opcodes too, but not to a stop, or to the end of `head`, and
    with the name of a module among them.
    """
    stream, imports = io.BytesIO(head), False
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            if opcode.name in ("GLOBAL", "INST"):
                imports |= _NAMED.fullmatch(str(argument)) is not None
            else:
                imports |= opcode.name in _CALLS
    except Exception:  # noqa: BLE001  # of what is no pickle, it raises whatever comes
        return imports and len(head) >= PEEK and stream.tell() == len(head)
    return imports
