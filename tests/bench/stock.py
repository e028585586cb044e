"""What `tensorflow_hub` does to load a module, without TensorFlow.

    python -m tests.bench.stock URL

The same reader with the same sizes: urllib's answer goes into `tarfile.open(mode="r|*")`, and
each file is copied in pieces of 10 MiB, without a look at length or digest. It prints the
seconds from asking to the last byte on disk, and the bytes of the files.
"""

import shutil
import sys
import tarfile
import tempfile
import time
import urllib.request
from pathlib import Path

_PIECE = 10 << 20


def load(url: str, folder: Path) -> int:
    """Download and unpack; returns the bytes of the files."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    size = 0
    with opener.open(url) as answer, tarfile.open(mode="r|*", fileobj=answer) as tar:
        for member in tar:
            place = folder / member.name.lstrip("/")
            if member.isdir():
                place.mkdir(parents=True, exist_ok=True)
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            source = tar.extractfile(member)
            assert source is not None
            with place.open("wb") as file:
                while piece := source.read(_PIECE):
                    file.write(piece)
                    size += len(piece)
    return size


def main(url: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix="hubproxy-stock-"))
    try:
        started = time.monotonic()
        size = load(url, folder)
        sys.stdout.write(f"{time.monotonic() - started} {size}\n")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
