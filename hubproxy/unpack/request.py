"""What the parent asks of the child, and what the child answers: JSON, both."""

import msgspec

from hubproxy.unpack.ingest import Unpacked

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes; 20,000 files with the longest names stay below it."""


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on one archive's reader.

    Args:
        memory: bytes of address space.
        cpu_seconds: of work, for each GiB that the archive may have, and for the first.
    """

    memory: int = 768 * 1024**2
    cpu_seconds: int = 60


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """How to read the archive on standard input, and the bounds that the child lays on itself.

    Args:
        zip_bytes: of a zip, in a file that can be read at any place; 0 for what comes by a pipe.
    """

    members: int
    depth: int
    name_bytes: int
    unpacked_bytes: int
    ratio: int
    strip: str
    expected_size: int | None
    hash_files: bool
    zip_bytes: int
    memory: int
    cpu_seconds: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the archive held, or why it is refused."""

    unpacked: Unpacked | None = None
    why: str = ""
    remedy: str = ""
