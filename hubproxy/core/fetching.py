"""Values that pass between the pull-through and an upstream."""

from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resume:
    """Where a broken transfer stopped.

    Args:
        offset: bytes of upstream's representation already taken.
        validator: the strong ETag or the Last-Modified text it had; empty when it had neither.
    """

    offset: int
    validator: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """An upstream's answer, its body still to be read.

    Args:
        offset: where the body begins in upstream's representation: the one asked for, or 0
            when upstream starts over (it cannot resume, or its validator changed).
        length: bytes that `body` will give, None when upstream does not say.
        media_type: upstream's Content-Type, without parameters.
        validator: strong ETag, else Last-Modified, else empty.
        url: where the bytes come from, without query or user.
        body: the bytes, undecoded, in pieces of any size. Ends early only by raising.
    """

    offset: int
    length: int | None
    media_type: str
    validator: str
    url: str
    body: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Probed:
    """What an upstream says that it has, without its bytes.

    Args:
        same: it says that nothing has changed since it gave the validator it was asked with.
        validator: what it has now: strong ETag, else Last-Modified, else empty.
        length: bytes of it, None when upstream does not say.
    """

    same: bool
    validator: str
    length: int | None
