"""Range, If-Range and If-None-Match, as RFC 9110 has them."""

import re
from dataclasses import dataclass

from hubproxy.errors import HubproxyError

# A number longer than any size is not worth reading: the header is then ignored.
_RANGE = re.compile(r"bytes=([0-9]{0,30})-([0-9]{0,30})", re.IGNORECASE | re.ASCII)
_ETAG = re.compile(r'(W/)?"[^"\x00-\x20\x7f]*"')
_LISTED = re.compile(rf"[ \t,]*({_ETAG.pattern})[ \t]*(?=,|\Z)")


class UnsatisfiableRangeError(HubproxyError):
    """The range asked for begins behind the end. The answer's Content-Range is `bytes */size`."""

    code = "RANGE_NOT_SATISFIABLE"
    status = 416

    def __init__(self, size: int) -> None:
        super().__init__(
            f"the range begins behind the last of {size} bytes",
            remedy="Ask for the whole, or drop what was kept of an older version.",
        )
        self.size = size


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes [start, end) of a representation; never empty."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start

    def content_range(self, size: int) -> str:
        """The Content-Range of an answer with this part of `size` bytes."""
        return f"bytes {self.start}-{self.end - 1}/{size}"


def parse_range(header: str | None, size: int) -> Range | None:
    """The part of `size` bytes that a Range header asks for.

    Returns:
        None to send the whole: no header, another unit, several ranges, or not a range.

    Raises:
        UnsatisfiableRangeError: nothing of the range exists.
    """
    match = _RANGE.fullmatch(header.strip(" \t")) if header is not None else None
    if match is None or match[0].endswith("=-"):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= size:
        raise UnsatisfiableRangeError(size)
    return Range(start, end)


def etag_matches(header: str | None, etag: str) -> bool:
    """Whether If-None-Match names an entity tag, by weak comparison.

    Args:
        header: `*` or a list of entity tags. What follows a malformed one is not read.
        etag: with its quotes.
    """
    if header is None:
        return False
    if header.strip(" \t") == "*":
        return True
    at = 0
    while (match := _LISTED.match(header, at)) is not None:
        if match[1].removeprefix("W/") == etag.removeprefix("W/"):
            return True
        at = match.end()
    return False


def if_range_matches(header: str | None, etag: str) -> bool:
    """Whether a Range may be honoured: If-Range is absent, or is this very (strong) entity tag.

    A date never matches, as answers carry no Last-Modified.
    """
    if header is None:
        return True
    match = _ETAG.fullmatch(header.strip(" \t"))
    return match is not None and match[1] is None and match[0] == etag
