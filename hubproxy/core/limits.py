"""Bounds on what is read from strangers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """Bounds on an archive that is read.

    Args:
        members: files and folders.
        depth: folders above a file.
        name_bytes: bytes of one path, as UTF-8.
        unpacked_bytes: bytes of the plain tar.
        ratio: unpacked bytes for one byte sent; looked at from 16 MiB on, and only where
            no record says how large the module is.
    """

    members: int = 20_000
    depth: int = 32
    name_bytes: int = 1024
    unpacked_bytes: int = 64 * 1024**3
    ratio: int = 200
