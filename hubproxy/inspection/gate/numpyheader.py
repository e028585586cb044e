"""The header of a `.npy` file: whether its array is of numbers, or of Python's objects.

The header is a Python literal (NEP 1). numpy hands its `descr` on to `numpy.dtype`, which takes
many spellings of an object: what is not written as numpy writes numbers and texts is not plain.
"""

import ast
import re
import struct

MAGIC = b"\x93NUMPY"
MOST_HEADER = 10_000 + 12
"""Bytes that are needed of a file; `numpy.load` reads no longer header unless it is told to."""

_PLAIN = re.compile(r"[<>|=]?[biufcSUVmM?][0-9]{0,9}(\[[0-9]{0,9}[A-Za-z]{1,2}\])?")
_DEEPEST = 16


def data_at(head: bytes) -> int:
    """Where the data begins: right behind the header. `head` begins with the magic."""
    if head[6:7] > b"\x01":
        return 12 + int(struct.unpack_from("<I", head.ljust(12, b"\0"), 8)[0])
    return 10 + int(struct.unpack_from("<H", head.ljust(10, b"\0"), 8)[0])


def is_plain(head: bytes) -> bool:
    """Whether what begins so is an array that `numpy.load` reads without unpickling."""
    end = data_at(head)
    if not head.startswith(MAGIC) or end > min(len(head), MOST_HEADER):
        return False
    start = 12 if head[6:7] > b"\x01" else 10
    try:
        described = ast.literal_eval(head[start:end].decode("latin-1").strip())
        return isinstance(described, dict) and _plain(described.get("descr"), _DEEPEST)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False


def _plain(descr: object, depth: int) -> bool:
    if isinstance(descr, str):
        return _PLAIN.fullmatch(descr) is not None
    if isinstance(descr, tuple) and len(descr) == 2:
        return depth > 0 and _plain(descr[0], depth - 1)  # with the shape of a subarray
    if not isinstance(descr, list) or not depth:
        return False
    fields = (len(field) in (2, 3) if isinstance(field, tuple) else False for field in descr)
    return all(fields) and all(_plain(field[1], depth - 1) for field in descr)
