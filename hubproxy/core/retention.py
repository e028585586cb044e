"""Which blobs go when room is needed."""

from collections.abc import Iterable
from dataclasses import dataclass

from hubproxy.core.digest import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedBlob:
    """A blob in the store, as eviction sees it.

    Args:
        digest: its name.
        size: bytes on disk.
        used_at: when it was last served or made, in seconds since the epoch.
        held: it is pinned, or is being read or written, and must stay.
    """

    digest: Digest
    size: int
    used_at: float
    held: bool


def choose_victims(blobs: Iterable[CachedBlob], *, need: int) -> list[Digest]:
    """Choose which blobs to evict so that at least `need` bytes are freed.

    Args:
        blobs: every blob in the store, in any order.
        need: bytes to free. 0 evicts nothing.

    Returns:
        Digests to delete, least recently used first. A held blob is never chosen, so the
        sizes may add up to less than `need` when everything that may go is not enough.

    Raises:
        ValueError: `need` is negative.
    """
    if need < 0:
        raise ValueError(f"cannot free {need} bytes")
    victims: list[Digest] = []
    for blob in sorted(blobs, key=lambda blob: (blob.used_at, blob.digest)):
        if need <= 0:
            break
        if not blob.held:
            victims.append(blob.digest)
            need -= blob.size
    return victims
