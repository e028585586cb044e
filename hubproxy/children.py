"""What the parents of the two confined children share: what a child is given to start with."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def read_only(descriptor: int) -> Iterator[int]:
    """The same file, which the child cannot write by this descriptor."""
    again = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield again
    finally:
        os.close(again)


def environ() -> dict[str, str]:
    """The child finds what this process imports, and is told nothing else."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, map(os.path.abspath, sys.path)))}
