"""What this process connects to, and which names it looks up, as the interpreter itself tells.

    with watched() as seen:
        ...
    assert seen == []

An audit hook cannot be taken out again, so there is one, which tells whoever is watching. It sees
what Python's own `socket` does: not C code with sockets of its own.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_CONNECTS = ("socket.connect", "socket.sendto", "socket.sendmsg")
_LOOKUPS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
_watching: list[list[str]] = []


@cache
def _hook() -> None:
    def told(event: str, args: tuple[object, ...]) -> None:
        if not _watching or event not in _CONNECTS + _LOOKUPS:
            return
        what = args[1] if event in _CONNECTS else args[0]
        for seen in _watching:
            seen.append(f"{event} {what}")

    sys.addaudithook(told)


@contextmanager
def watched() -> Iterator[list[str]]:
    """A list that grows while this lasts: the event's name, and the address or the name."""
    _hook()
    seen: list[str] = []
    _watching.append(seen)
    try:
        yield seen
    finally:
        _watching.remove(seen)
