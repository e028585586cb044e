"""What the parent asks of the child, and what the child answers: JSON, both."""

import msgspec

from hubproxy.core.record import FileEntry, Format
from hubproxy.inspection.inspected import Inspected


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on one look into a module.

    Args:
        memory: bytes of address space.
        cpu_seconds: of work.
        wall_seconds: in all; only the parent looks at this.
        answer: bytes.
    """

    memory: int = 3 * 1024**3
    cpu_seconds: int = 30
    wall_seconds: float = 90
    answer: int = 4 * 1024**2


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What to look into, and the bounds that the child lays upon itself.

    Args:
        pickles: whether to import the library that reads pickles, before nothing can be opened.
    """

    form: Format
    files: tuple[FileEntry, ...]
    memory: int
    cpu_seconds: int
    answer: int
    pickles: bool = False


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, or why nothing can be told.

    Args:
        pickles: it was not asked with `pickles`, and would have to be.
    """

    inspected: Inspected | None = None
    why: str = ""
    pickles: bool = False
