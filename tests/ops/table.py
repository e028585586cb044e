"""The table of ops beside what a TensorFlow registers."""

from collections.abc import Mapping

from hubproxy.inspection.gate.optable import Entry
from tests.ops.rules import suggested


def unclassed(known: Mapping[str, Entry], ops: Mapping[str, bool]) -> list[str]:
    """The ops that nobody has classed, sorted."""
    return sorted(ops.keys() - known.keys())


def merged(known: Mapping[str, Entry], ops: Mapping[str, bool], version: str) -> dict[str, Entry]:
    """The table with every op of one more TensorFlow in it."""
    found = {}
    for name in known.keys() | ops.keys():
        entry = known.get(name)
        if entry is None:
            kind, reason = suggested(name, stateful=ops[name])
            entry = Entry(kind, reason, frozenset())
        others = entry.versions - {version}
        versions = others | {version} if name in ops else others
        if versions:
            found[name] = Entry(entry.kind, entry.reason, versions)
    return found
