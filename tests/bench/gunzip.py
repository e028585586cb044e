"""Unpacks a tar.gz with the daemon's library and throws the result away.

    python -m tests.bench.gunzip FILE

It prints the seconds of CPU that this took.
"""

import sys
import time
from pathlib import Path

from hubproxy.unpack import inflate

_PIECE = 256 * 1024


def main(file: str) -> None:
    before = time.process_time()
    with Path(file).open("rb", buffering=0) as packed:
        unpacker = inflate._engine.decompressobj(wbits=31)
        while piece := packed.read(_PIECE):
            unpacker.decompress(piece)
    sys.stdout.write(f"{time.process_time() - before}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
