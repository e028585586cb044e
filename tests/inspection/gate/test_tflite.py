"""TFLite: the operators that a model names, by hand-made FlatBuffers."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.inspection.gate.looking import looked, names

_CUSTOM = 32


def tflite(*codes: tuple[int, int, str], identifier: bytes = b"TFL3") -> bytes:
    """A model of operator codes alone: the old field, the new one, and a custom one's name."""
    out = bytearray(struct.pack("<I4s", 16, identifier))
    out += struct.pack("<HHHH", 8, 8, 0, 4)  # the root's vtable
    out += struct.pack("<iI", 8, 4)  # the root: its vtable, and the vector right behind
    out += struct.pack("<I", len(codes))
    vector = len(out)
    out += bytes(4 * len(codes))
    for number, (old, new, name) in enumerate(codes):
        vtable = len(out)
        out += struct.pack("<HHHHHH", 12, 16, 4, 8 if name else 0, 0, 12)
        table = len(out)
        struct.pack_into("<I", out, vector + 4 * number, table - (vector + 4 * number))
        out += struct.pack("<ib3xIi", table - vtable, old, 8, new)
        if name:
            out += struct.pack("<I", len(name)) + name.encode() + b"\0"
            out += bytes(-len(out) % 4)
    return bytes(out)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        pytest.param([], ["pass"], id="no operator"),
        pytest.param([(0, 0, ""), (3, 3, ""), (127, 150, "")], ["pass"], id="builtin ones"),
        pytest.param([(_CUSTOM, _CUSTOM, "Mine")], ["hold", "tflite:custom"], id="a custom one"),
        pytest.param([(_CUSTOM, 0, "Mine")], ["hold", "tflite:custom"], id="in the old field"),
        pytest.param([(0, _CUSTOM, "Mine")], ["hold", "tflite:custom"], id="in the new field"),
        pytest.param([(_CUSTOM, _CUSTOM, "")], ["hold", "tflite:custom"], id="without a name"),
        pytest.param([(0, 0, "Mine")], ["pass"], id="a name of a builtin one"),
        pytest.param([(127, 4000, "")], ["hold", "tflite:unknown"], id="of no TFLite"),
        pytest.param(
            [(0, 0, ""), (_CUSTOM, _CUSTOM, "FlexReadFile")], ["hold", "op:ReadFile"], id="Flex"
        ),
        pytest.param(
            [(_CUSTOM, _CUSTOM, "FlexAddV2")],
            ["hold", "tflite:flex"],
            id="Flex, it says, that computes",
        ),
        pytest.param(
            [(_CUSTOM, _CUSTOM, "FlexNobodys")], ["hold", "op:Nobodys"], id="Flex unknown"
        ),
    ],
)
def test_operators_are_judged(codes: list[tuple[int, int, str]], expected: list[str]) -> None:
    assert names({"m.tflite": tflite(*codes)}) == expected
    assert names({"m.bin": tflite(*codes)}) == expected


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"text", id="text"),
        pytest.param(tflite(identifier=b"TFL2"), id="another identifier"),
        pytest.param(tflite((0, 0, ""))[:30], id="cut short"),
        pytest.param(b"\xff\xff\xff\x7fTFL3", id="a root far outside"),
        pytest.param(struct.pack("<I4s", 8, b"TFL3") + b"\xff" * 8, id="a vtable far outside"),
    ],
)
def test_what_is_no_tflite_is_refused(content: bytes) -> None:
    assert names({"m.tflite": content}) == ["refuse", "tflite:damaged"]


def test_too_many_operators_are_refused() -> None:
    many = bytearray(tflite())
    struct.pack_into("<I", many, 24, 10_001)
    assert names({"m.tflite": bytes(many)}) == ["refuse", "tflite:damaged"]


WHOLE = tflite((_CUSTOM, _CUSTOM, "Mine"), (3, 3, ""))


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_no_changed_byte_makes_the_reader_fail(at: int, byte: int) -> None:
    changed = WHOLE[:at] + bytes([byte]) + WHOLE[at + 1 :]
    assert looked({"m.tflite": changed}).verdict in ("pass", "hold", "refuse")
