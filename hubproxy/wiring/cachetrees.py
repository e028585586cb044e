"""Cache folders of tensorflow_hub, written from the store."""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hubproxy.core.cachetree import descriptor, key_of, spellings
from hubproxy.core.handle import Handle
from hubproxy.core.record import Format
from hubproxy.errors import UsageError
from hubproxy.store.cachetree import CacheTree
from hubproxy.wiring.choosing import Choice, Stocked

LOADED: tuple[Format, ...] = ("saved_model", "tf1_hub")
"""The formats that `hub.load` reads."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export has written.

    Args:
        modules: that the folder has now.
        copied: how many of them were laid out now.
        names: spellings that lead to them.
        taken: spellings that a client's own copy has.
        absent: modules that the store has not.
        pruned: how many names and copies were removed.
    """

    modules: tuple[Stocked, ...]
    copied: int
    names: int
    taken: tuple[str, ...]
    absent: tuple[Stocked, ...]
    pruned: tuple[int, int]


def export(
    folder: Path, choice: Choice, aliases: Sequence[str], *, update: bool, prune: bool
) -> Exported:
    """Write what is chosen into a cache folder.

    Args:
        aliases: further spellings of handles, to be hashed as they are written.
        update: bring an earlier export up to date.
        prune: remove what is not chosen any more.

    Raises:
        UsageError: something else lies there, or an alias is of no module that is exported.
        MismatchError: an archive in the store is damaged.
    """
    loaded = [one for one in choice.modules if one.listed.format in LOADED]
    here = [one for one in loaded if one.archive is not None]
    # Under one handle the client finds one module: the format that hubproxy would serve.
    first: dict[Handle, Stocked] = {}
    for one in sorted(here, key=lambda one: LOADED.index(one.listed.format)):
        first.setdefault(one.listed.exact, one)
    named = _named(choice, first, aliases)
    tree, copied, taken = CacheTree(folder), 0, []
    with tree.writing(update=update):
        for one in first.values():
            assert one.archive is not None
            copied += tree.copy(one.record, one.archive)
        for spelling, one in named.items():
            text = descriptor(
                spelling,
                time=str(datetime.now()),  # noqa: DTZ005  # as tensorflow_hub writes it
                host=socket.gethostname(),
                pid=os.getpid(),
            )
            if not tree.name(spelling, one.record, text):
                taken.append(spelling)
        pruned = tree.prune(set(map(key_of, named))) if prune else (0, 0)
    absent = tuple(one for one in loaded if one.archive is None)
    return Exported(
        tuple(first.values()), copied, len(named) - len(taken), tuple(taken), absent, pruned
    )


def _named(
    choice: Choice, modules: dict[Handle, Stocked], aliases: Sequence[str]
) -> dict[str, Stocked]:
    """Spelling -> module: of each exact handle, and of those without a version."""
    known: dict[Handle, Stocked] = dict(modules)
    for exact, one in modules.items():
        if choice.snapshot.exact(exact.unversioned, LOADED) == exact:
            known[exact.unversioned] = one
    found = {text: one for handle, one in known.items() for text in spellings(handle)}
    for alias in aliases:
        try:
            found[alias] = known[Handle.parse(alias)]
        except (ValueError, KeyError) as error:
            raise UsageError(
                f"--alias {alias!r} is no way to write the handle of an exported module",
                remedy="Name one that is approved and in the store, as users write it.",
            ) from error
    return found
