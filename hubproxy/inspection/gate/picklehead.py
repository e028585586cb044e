"""Whether a file is a pickle, told by its first opcodes: whatever its name, protocol or frame."""

import io
import pickletools
import re

PEEK = 64 * 1024
"""Bytes that are needed of a file's beginning."""

_CALLS = frozenset({"GLOBAL", "INST", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4"})
_NAMED = re.compile(r"[A-Za-z_][\w.]* [A-Za-z_][\w.]*")


_MANY = 100
"""Opcodes in a row that neither words nor weights are read as by accident."""


def calls(head: bytes) -> bool:
    """Whether what begins so is a pickle that imports something, or may do so further on.

    Words and weights can be read as opcodes too, but not to a stop, or to the end of `head`, and
    with the name of a module among them.
    """
    stream, imports, count = io.BytesIO(head), False, 0
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            count += 1
            if opcode.name in ("GLOBAL", "INST"):
                imports |= _NAMED.fullmatch(str(argument)) is not None
            else:
                imports |= opcode.name in _CALLS
    except Exception:  # noqa: BLE001  # of what is no pickle, it raises whatever comes
        to_the_end = len(head) >= PEEK and stream.tell() == len(head)
        return to_the_end and (imports or count >= _MANY)
    return imports
