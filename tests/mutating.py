"""Bytes that were whole once: flipped, cut, put in, said twice, blanked."""

from collections.abc import Callable

from hypothesis import strategies as st


@st.composite
def mutated(draw: st.DrawFn, whole: bytes) -> bytes:
    """Something near to `whole`, never empty."""
    made = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(made) - 1))
        draw(st.sampled_from(_CHANGES))(draw, made, at)
        made = made or bytearray(b"\0")
    return bytes(made)


def _flip(draw: st.DrawFn, made: bytearray, at: int) -> None:
    made[at] ^= 1 << draw(st.integers(0, 7))


def _put(draw: st.DrawFn, made: bytearray, at: int) -> None:
    made[at : at + 1] = draw(st.binary(max_size=8))


def _cut(draw: st.DrawFn, made: bytearray, at: int) -> None:
    del made[at : at + draw(st.integers(1, 600))]


def _repeat(draw: st.DrawFn, made: bytearray, at: int) -> None:
    made[at:at] = made[at : at + draw(st.integers(1, 1024))]


def _zero(draw: st.DrawFn, made: bytearray, at: int) -> None:
    made[at : at + 8] = bytes(len(made[at : at + 8]))


_CHANGES: tuple[Callable[[st.DrawFn, bytearray, int], None], ...] = (
    _flip, _put, _cut, _repeat, _zero,
)  # fmt: skip
