"""The processes that a test has begun."""

import os
from pathlib import Path


def children() -> set[int]:
    """The processes that this one has begun, and has not waited for the end of."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = path.read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue  # it has ended meanwhile
        if int(parent) == os.getpid():
            found.add(int(path.parent.name))
    return found
