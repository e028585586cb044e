"""Patterns of canonical handles, as the officers' policy has them."""

import re
from functools import lru_cache

PATTERN = re.compile(r"(?:[A-Za-z0-9*?._+-]+/)*[A-Za-z0-9*?._+-]+")
"""What a pattern looks like."""


def matches(pattern: str, handle: str) -> bool:
    """Whether a pattern matches a canonical handle: `*` within a segment, `**` any segments."""
    return _compiled(pattern).fullmatch(handle) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*|\*|\?)", pattern)
    known = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(known.get(part, re.escape(part)) for part in parts))
