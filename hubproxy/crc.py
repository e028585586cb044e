"""The CRC-32 of gzip and zip (RFC 1952): ISA-L's where there is a wheel, else zlib's."""

import zlib
from types import ModuleType

_engine: ModuleType = zlib
try:
    from isal import isal_zlib

    _engine = isal_zlib
except ImportError:  # no wheel for this machine
    pass


def crc32(piece: bytes, before: int = 0) -> int:
    """The CRC-32 of bytes that follow others whose CRC-32 is `before`."""
    value: int = _engine.crc32(piece, before)
    return value
