"""The table of ops: what each op of the supported TensorFlows can do, read from `ops.tsv`.

A line is a name, a class, the TensorFlows that have the op, and why it has that class. An op that
is not in it comes from a library of its own, and what it does is unknown.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple, cast, get_args

OpClass = Literal[
    "pure",
    "stateful",
    "data",
    "internal",
    "accelerator",
    "test",
    "file-read",
    "file-write",
    "network",
    "code",
    "denial",
]
CLASSES: tuple[OpClass, ...] = get_args(OpClass)
ALLOWED: frozenset[OpClass] = frozenset({"pure", "stateful"})
"""The classes whose ops pass without a word; everything else is held."""

WHY: Mapping[OpClass, str] = {
    "pure": "it computes",
    "stateful": "it keeps state within the process",
    "data": "input pipelines can read files, and hide what they run; a module has no need of one",
    "internal": "TensorFlow makes it for itself; no saved module has a need of it",
    "accelerator": "it drives an accelerator, and what it does there is not known here",
    "test": "it was made for TensorFlow's own tests; no module has a need of it",
    "file-read": "it reads files of the machine that loads the module",
    "file-write": "it writes files on the machine that loads the module",
    "network": "it talks to other machines from the one that loads the module",
    "code": "it runs code that the graph does not show",
    "denial": "it can stop the process that loads the module",
}

TABLE = 2
"""Version of the table; raised with every change of a class."""

PATH = Path(__file__).with_name("ops.tsv")


class OpKind(NamedTuple):
    """What an op can do, and why it is classed so."""

    kind: OpClass
    reason: str


class Entry(NamedTuple):
    """A line of the table. `versions` are those of TensorFlow, such as `2.21`."""

    kind: OpClass
    reason: str
    versions: frozenset[str]


def classed(op: str) -> OpKind | None:
    """The class of an op; None for one that no supported TensorFlow has."""
    return _kinds().get(op)


@cache
def _kinds() -> dict[str, OpKind]:
    found = {}
    for line in PATH.read_text().splitlines():
        name, kind, _, reason = line.split("\t")
        found[name] = OpKind(cast("OpClass", kind), reason)
    return found


def entries() -> dict[str, Entry]:
    """The whole table, by name.

    Raises:
        ValueError: a line is damaged, of no known class, or not in order.
    """
    found: dict[str, Entry] = {}
    last = ""
    for line in PATH.read_text().splitlines() if PATH.exists() else ():
        name, kind, versions, reason = line.split("\t")
        if kind not in CLASSES or name <= last or not reason:
            raise ValueError(f"the table of ops is damaged at {name}")
        found[name] = Entry(kind, reason, frozenset(versions.split()))
        last = name
    return found


def write(table: Mapping[str, Entry]) -> str:
    """The text of a table."""
    return "".join(
        f"{name}\t{one.kind}\t{' '.join(sorted(one.versions))}\t{one.reason}\n"
        for name, one in sorted(table.items())
    )
