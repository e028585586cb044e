"""What a mirror is to hold: names and patterns, over what the trust list names."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from hubproxy.core.handle import Handle
from hubproxy.core.patterns import PATTERN, matches
from hubproxy.core.record import FORMATS, Format

_WILD = frozenset("*?")


class Want(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Some modules that are wanted.

    Args:
        modules: handles in any spelling, with a version or without, and patterns of canonical
            handles: `*` is any text within one segment, `**` any segments.
        versions: of what is named without a version, so many of the highest; 0 for all.
        largest: bytes that one archive may have; 0 for no limit.
        formats: those that are wanted; empty for all.
    """

    modules: tuple[str, ...]
    versions: int = 1
    largest: int = 0
    formats: tuple[Format, ...] = ()

    def __post_init__(self) -> None:
        if not self.modules:
            raise ValueError("modules is empty")
        if self.versions < 0 or self.largest < 0:
            raise ValueError("versions and largest are numbers from 0 on")
        for name in self.modules:
            _name(name)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A module of the trust list that is wanted, if its archive has at most `largest` bytes."""

    exact: Handle
    format: Format
    largest: int


def choose(
    wants: Iterable[Want], listed: Iterable[tuple[Handle, Format]]
) -> tuple[list[Chosen], list[str]]:
    """What is wanted of a list, and the names that match nothing on it.

    Args:
        wants: what is asked for.
        listed: exact handles that are approved, with their formats.

    Returns:
        Each module once, sorted, with the largest size that any want allows it; and the names, as
        they were written, in their order.
    """
    known = sorted(set(listed))
    found: dict[tuple[Handle, Format], int] = {}
    unmatched = []
    for want in wants:
        fitting = [one for one in known if one[1] in (want.formats or FORMATS)]
        for name in want.modules:
            chosen = _highest(_matching(_name(name), fitting), want.versions)
            if not chosen:
                unmatched.append(name)
            for one in chosen:
                # 0 is no limit, so it is the largest of all.
                before = found.get(one, want.largest)
                found[one] = 0 if 0 in (before, want.largest) else max(before, want.largest)
    return [Chosen(exact, form, largest) for (exact, form), largest in sorted(found.items())], (
        unmatched
    )


def _name(text: str) -> Handle | str:
    """A handle, or a pattern as it stands.

    Raises:
        ValueError: neither.
    """
    if _WILD.isdisjoint(text):
        return Handle.parse(text)
    if not PATTERN.fullmatch(text):
        raise ValueError(f"{text!r} is no pattern of handles, such as tfhub.dev/google/*")
    return text


def _matching(
    name: Handle | str, listed: list[tuple[Handle, Format]]
) -> list[tuple[Handle, Format]]:
    if isinstance(name, Handle):
        return [one for one in listed if name in (one[0], one[0].unversioned)]
    return [
        one
        for one in listed
        if matches(name, str(one[0])) or matches(name, str(one[0].unversioned))
    ]


def _highest(found: list[tuple[Handle, Format]], count: int) -> list[tuple[Handle, Format]]:
    """Of each module, what has one of its `count` highest versions; all where that is 0."""
    versions: defaultdict[Handle, set[int]] = defaultdict(set)
    for exact, _ in found:
        assert exact.version is not None
        versions[exact.unversioned].add(exact.version)
    kept = {
        name.at(version)
        for name, some in versions.items()
        for version in sorted(some, reverse=True)[: count or None]
    }
    return [one for one in found if one[0] in kept]


EVERYTHING = Want(modules=("**",), versions=0)
"""Every version of every module."""
