"""Modules of any size, packed as hubs send them, in little time.

The weights are normal float32 numbers in blocks of 4 MiB that repeat: far beyond the 32 KiB
that deflate looks back, so that they compress as little as weights do. Each block is
deflated once, at zlib's own level 6, and its bytes are used again.
"""

import random
import struct
import tarfile
import zlib
from array import array
from functools import cache
from pathlib import Path

from tests.models import index, tiny

_BLOCK = 4 * 1024 * 1024
_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"


def pack(path: Path, size: int) -> None:
    """Write a tar.gz of a small graph and `size` bytes of weights."""
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks, rest = divmod(size, _BLOCK)
    weights = _weights()
    front = _member("saved_model.pb", tiny("a graph" * 1000))
    front += _member("variables/variables.index", index())
    front += _header("variables/variables.data-00000-of-00001", size)
    back = bytes(-size % tarfile.BLOCKSIZE + tarfile.RECORDSIZE)
    deflated = _deflate(weights) if blocks else b""
    crc = length = 0
    with path.open("wb") as file:
        file.write(_HEAD)
        for plain, packed in (
            (front, _deflate(front)),
            *((weights, deflated) for _ in range(blocks)),
            (weights[:rest], _deflate(weights[:rest])),
            (back, _deflate(back, last=True)),
        ):
            crc, length = zlib.crc32(plain, crc), length + len(plain)
            file.write(packed)
        file.write(struct.pack("<II", crc, length & 0xFFFFFFFF))


@cache
def _weights() -> bytes:
    normal = random.Random(1).gauss
    return array("f", (normal(0, 0.05) for _ in range(_BLOCK // 4))).tobytes()


def _deflate(plain: bytes, *, last: bool = False) -> bytes:
    """Raw deflate that ends at a byte, so that more may follow."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return packer.compress(plain) + packer.flush(zlib.Z_FINISH if last else zlib.Z_FULL_FLUSH)


def _member(name: str, content: bytes) -> bytes:
    return _header(name, len(content)) + content + bytes(-len(content) % tarfile.BLOCKSIZE)


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)
