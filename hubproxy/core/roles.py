"""The signed roles of a trust list: what each lists, and whom it lets list more."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import translate
from itertools import takewhile
from typing import Any

from hubproxy.core.digest import Descriptor
from hubproxy.core.handle import Handle

TOP = "targets"
"""The role that the officers sign together."""

_WILD = frozenset("*?[")
_Match = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Delegation:
    """A role that may list what its patterns match, segment by segment (TUF 1.0, 4.5).

    Args:
        role: its name.
        patterns: of target paths; `*` never matches a slash.
        terminating: whether a look-up that one of the patterns matches ends with this role.
        threshold: how many of its keys must sign it.
        keys: key id -> public key, as TUF 1.0 (4.2) writes it in JSON.
    """

    role: str
    patterns: tuple[str, ...]
    terminating: bool = True
    threshold: int = 1
    keys: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def covers(self, path: str) -> bool:
        """Whether a target path matches one of the patterns."""
        return bool(_tree((self,)).found(path.split("/")))

    def signed_alike(self, other: "Delegation") -> bool:
        """Whether what was signed well enough for the one is so for the other."""
        return self.threshold == other.threshold and self.keys == other.keys


@dataclass(frozen=True, slots=True)
class RoleFile:
    """The file of a role, as the list's snapshot binds it."""

    version: int
    file: Descriptor


@dataclass(frozen=True, slots=True)
class Role:
    """What one signed role lists.

    Args:
        name: of the role: `targets`, or a team's.
        version: of its file.
        expires: timezone-aware UTC.
        targets: target path -> descriptor of the record.
        revoked: the target paths whose record takes an approval back.
        delegations: in the order in which they are asked.
    """

    name: str
    version: int
    expires: datetime
    targets: Mapping[str, Descriptor]
    revoked: frozenset[str] = frozenset()
    delegations: tuple[Delegation, ...] = ()
    _sorted: Sequence[str] = field(init=False, repr=False, compare=False)
    _patterns: "_Node" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_sorted", sorted(self.targets))
        object.__setattr__(self, "_patterns", _tree(self.delegations))

    def below(self, start: str) -> Iterator[str]:
        """The target paths that begin with `start`, sorted."""
        first = bisect_left(self._sorted, start)
        some = (self._sorted[at] for at in range(first, len(self._sorted)))
        return takewhile(lambda path: path.startswith(start), some)

    def asked(self, path: Sequence[str]) -> tuple[list[str], bool]:
        """The roles to ask next about a target path, and whether only they may answer.

        Args:
            path: its segments.
        """
        names: list[str] = []
        if not self.delegations:
            return names, False
        for at in self._patterns.found(path):
            one = self.delegations[at]
            names.append(one.role)
            if one.terminating:
                return names, True
        return names, False

    def asked_of_any(self, unversioned: Handle) -> list[str]:
        """The roles that may list some version of a module, in some format."""
        found = self._patterns.found(str(unversioned).split("/"), deeper=2)
        return [self.delegations[at].role for at in found]


class _Node:
    """A tree of patterns by their segments: one look-up asks all delegations at once."""

    __slots__ = ("ends", "literal", "wild")

    def __init__(self) -> None:
        self.ends: list[int] = []
        self.literal: dict[str, _Node] = {}
        self.wild: dict[str, tuple[_Match, _Node]] = {}

    def add(self, pattern: str, number: int) -> None:
        node = self
        for part in pattern.split("/"):
            if _WILD.isdisjoint(part):
                node = node.literal.setdefault(part, _Node())
                continue
            if part not in node.wild:
                match = _anything if part == "*" else re.compile(translate(part)).match
                node.wild[part] = match, _Node()
            node = node.wild[part][1]
        node.ends.append(number)

    def found(self, parts: Sequence[str], *, deeper: int = 0) -> list[int]:
        """The numbers, sorted, of what matches the segments and so many more of any text."""
        nodes = [self]
        for part in parts:
            after = []
            for node in nodes:
                literal = node.literal.get(part)
                if literal is not None:
                    after.append(literal)
                for match, inner in node.wild.values():
                    if match(part):
                        after.append(inner)
            nodes = after
        for _ in range(deeper):
            nodes = [inner for node in nodes for inner in node._inner()]
        return sorted({number for node in nodes for number in node.ends})

    def _inner(self) -> Iterator["_Node"]:
        yield from self.literal.values()
        for _, node in self.wild.values():
            yield node


def _anything(part: str) -> bool:  # noqa: ARG001  # as a pattern's `match` is called
    """What `*` matches within a segment."""
    return True


def _tree(delegations: Sequence[Delegation]) -> _Node:
    tree = _Node()
    for number, one in enumerate(delegations):
        for pattern in one.patterns:
            tree.add(pattern, number)
    return tree
