"""Which patterns a team can be given, and what is wrong with the others.

A pattern matches segment by segment (TUF 1.0, 4.5), so one matches modules of one depth: a target
is `<hub>/<path>/<version>/<format>.json`, which on kaggle.com is seven segments and elsewhere
four or more.
"""

import re

from hubproxy.core.handle import KAGGLE_HOST
from hubproxy.core.record import FORMATS
from hubproxy.core.trustlist import Delegation

_SEGMENT = re.compile(r"[A-Za-z0-9*?._+-]+")
_WILD = re.compile(r"[*?]")
_KAGGLE_DEPTH, _LEAST_DEPTH, _MOST_DEPTH = 7, 4, 18
_EXAMPLES = f"tfhub.dev/google/*/*/* or {KAGGLE_HOST}/google/*/*/*/*/*"


def pattern_fault(pattern: str) -> str:
    """Why a pattern can match no module, as the end of a sentence; empty when it can."""
    parts = pattern.split("/")
    if not all(_SEGMENT.fullmatch(part) for part in parts):
        return f"is no pattern of paths, such as {_EXAMPLES}"
    if "**" in pattern:
        return "has `**`, and each `*` matches within one segment: write one pattern per depth"
    if any(part in (".", "..") for part in parts):
        return "has a segment that no module's path has"
    return _depth_fault(parts) or _end_fault(parts)


def _depth_fault(parts: list[str]) -> str:
    hub, depth = parts[0], len(parts)
    if not Delegation("", (hub,)).covers(KAGGLE_HOST):
        if not _LEAST_DEPTH <= depth <= _MOST_DEPTH:
            return (
                f"has {depth} segments, and a module of {hub} has {_LEAST_DEPTH} or more: "
                "hub, path, version and format"
            )
    elif depth != _KAGGLE_DEPTH and (hub == KAGGLE_HOST or depth < _LEAST_DEPTH):
        return (
            f"has {depth} segments, and a module of {KAGGLE_HOST} has {_KAGGLE_DEPTH}: "
            "hub, owner, model, framework, variation, version and format"
        )
    return ""


def _end_fault(parts: list[str]) -> str:
    version, form = parts[-2:]
    if not any(Delegation("", (form,)).covers(f"{one}.json") for one in FORMATS):
        return f"ends in {form}, which is the format of no record: end it in `*`"
    if not _WILD.search(version) and not version.isdigit():
        return f"has {version} where the version stands: write `*` there"
    return ""


def overlap(one: str, other: str) -> bool:
    """Whether some path matches both patterns."""
    mine, theirs = one.split("/"), other.split("/")
    return len(mine) == len(theirs) and all(map(_meet, mine, theirs))


def _meet(one: str, other: str) -> bool:
    """Whether some text matches both of two patterns of one segment."""
    states = {(0, 0)}
    seen = set()
    while states:
        i, j = state = states.pop()
        if state in seen:
            continue
        seen.add(state)
        if (i, j) == (len(one), len(other)):
            return True
        if i < len(one) and one[i] == "*":
            states.add((i + 1, j))
            if j < len(other):
                states.add((i, j + 1))
        if j < len(other) and other[j] == "*":
            states.add((i, j + 1))
            if i < len(one):
                states.add((i + 1, j))
        pair = {*one[i : i + 1], *other[j : j + 1]} if i < len(one) and j < len(other) else {"*"}
        if "*" not in pair and ("?" in pair or len(pair) == 1):
            states.add((i + 1, j + 1))
    return False
