"""Undoes deflate in bounded steps: with ISA-L where there is a wheel, else with zlib."""

import zlib
from collections.abc import Callable, Generator, Iterator
from types import ModuleType

_engine: ModuleType = zlib
try:
    from isal import isal_zlib

    _engine = isal_zlib
except ImportError:  # no wheel for this machine
    pass

GZIP_FRAME = 31
"""`wbits` of a gzip member: its header is read, its CRC-32 and its length are checked."""

RAW = -15
"""`wbits` of bare deflate, as in a zip."""

_ERRORS: tuple[type[Exception], ...] = (zlib.error, _engine.error)
_STEP = 256 * 1024


def inflate(
    pieces: Iterator[bytes], wbits: int, fault: Callable[[str], Exception]
) -> Generator[bytes, None, bytes]:
    """Undo one deflate stream, in pieces of at most 256 KiB, and return what follows it.

    What follows is the rest of the last piece taken; more of `pieces` may be left.

    Args:
        pieces: the stream. The first one must hold a gzip header whole: ISA-L loses its place
            in one that comes in parts.
        wbits: `GZIP_FRAME` or `RAW`.
        fault: makes the error to raise from what is wrong with the stream.
    """
    engine = _engine.decompressobj(wbits=wbits)
    piece = b""
    while not engine.eof:
        piece = piece or next(pieces, b"")
        before = len(piece)
        try:
            out: bytes = engine.decompress(piece, _STEP)
        except _ERRORS as error:
            raise fault(f"is damaged ({error})") from None
        piece = engine.unconsumed_tail
        if out:
            yield out
        elif len(piece) == before and not engine.eof:
            raise fault("is cut short")
    unused: bytes = engine.unused_data
    return unused
