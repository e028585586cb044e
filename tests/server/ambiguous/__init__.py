"""Requests that two readers could understand differently, and others that no good client sends.

Each row of `REFUSED` is answered with 4xx or 505, or not at all, and is the last thing that is
read from its connection. `ACCEPTED` looks like them and is in order.
"""

from tests.server.ambiguous.accepted import ACCEPTED, LAST
from tests.server.ambiguous.doors import (
    DOORS,
    FORWARD,
    HIDDEN,
    REVERSE,
    SECRET,
    TUNNEL,
    WANTED,
    Door,
    Row,
    Table,
)
from tests.server.ambiguous.floods import FLOODS, FOREIGN
from tests.server.ambiguous.framing import CHUNKS, CODINGS, LENGTHS
from tests.server.ambiguous.hosts import HOSTS
from tests.server.ambiguous.lines import ENDS, HEADERS, METHODS, VERSIONS
from tests.server.ambiguous.ranges import RANGES, Ranged
from tests.server.ambiguous.targets import TARGETS

_TABLES: dict[str, Table] = {
    "host": HOSTS,
    "target": TARGETS,
    "length": LENGTHS,
    "coding": CODINGS,
    "chunk": CHUNKS,
    "end": ENDS,
    "header": HEADERS,
    "version": VERSIONS,
    "method": METHODS,
    "flood": FLOODS,
    "foreign": FOREIGN,
}
REFUSED: Table = {
    f"{kind}-{name}": row for kind, table in _TABLES.items() for name, row in table.items()
}

__all__ = [
    "ACCEPTED", "DOORS", "FORWARD", "HIDDEN", "LAST", "RANGES", "REFUSED", "REVERSE",
    "SECRET", "TUNNEL", "WANTED", "Door", "Ranged", "Row", "Table",
]  # fmt: skip
