"""The header of a `.npy` file: whether its array is of numbers, or of Python's objects.

The header is a Python literal (NEP 1), which numpy evaluates; its `descr` goes on to `numpy.dtype`,
which takes many spellings of an object. Here it is read by a grammar of our own: what is not
written as numpy writes it is not plain. (`ast` is left broken by text that is nested too deeply.)
"""

import re
import struct
from typing import Any

MAGIC = b"\x93NUMPY"
MOST_HEADER = 10_000 + 12
"""Bytes that are needed of a file; `numpy.load` reads no longer header unless it is told to."""

_PLAIN = re.compile(r"[<>|=]?[biufcSUVmM?][0-9]{0,9}(\[[0-9]{0,9}[A-Za-z]{1,2}\])?")
_TOKEN = re.compile(r"\s*('[^'\\]*'|[0-9]{1,18}L?|True|False|[][(){},:])")
_CLOSING = {"(": ")", "[": "]"}
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
        described = _Header(head[start:end].decode("latin-1")).fields()
    except ValueError:
        return False
    return _is_plain(described.get("descr"))


class _Header:
    """Reads the literal, word by word."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text.rstrip(), 0

    def fields(self) -> dict[str, Any]:
        """The header's fields.

        Raises:
            ValueError: it is not written as numpy writes it.
        """
        found: dict[str, Any] = {}
        self._expect("{")
        while (word := self._next()) != "}":
            if not word.startswith("'") or word[1:-1] in found:
                raise ValueError(f"not a field: {word}")
            self._expect(":")
            found[word[1:-1]] = self._value(self._next(), _DEEPEST)
            if self._peek() != "}":
                self._expect(",")
        if self._at != len(self._text):
            raise ValueError("more behind the end")
        return found

    def _value(self, word: str, depth: int) -> Any:
        if word.startswith("'"):
            return word[1:-1]
        if word not in _CLOSING:
            if word in "]){},:":
                raise ValueError(f"not a value: {word}")
            return None  # a number, or a truth: of no interest
        if depth == 0:
            raise ValueError("it is nested too deeply")
        values = []
        while (inner := self._next()) != _CLOSING[word]:
            values.append(self._value(inner, depth - 1))
            if self._peek() != _CLOSING[word]:
                self._expect(",")
        return tuple(values) if word == "(" else values

    def _expect(self, wanted: str) -> None:
        if self._next() != wanted:
            raise ValueError(f"not {wanted}")

    def _peek(self) -> str:
        at = self._at
        word = self._next()
        self._at = at
        return word

    def _next(self) -> str:
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            raise ValueError("not a token")
        self._at = found.end()
        return found.group(1)


def _is_plain(descr: object) -> bool:
    if isinstance(descr, str):
        return _PLAIN.fullmatch(descr) is not None
    if isinstance(descr, tuple):
        return len(descr) == 2 and _is_plain(descr[0])  # with the shape of a subarray
    if not isinstance(descr, list):
        return False
    return all(
        isinstance(field, tuple) and len(field) in (2, 3) and _is_plain(field[1]) for field in descr
    )
