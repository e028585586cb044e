"""The rows of the corpus of hostile archives."""

from collections.abc import Callable
from dataclasses import dataclass

Table = dict[str, tuple[bytes, str]]
"""What a row is about -> its bytes, and a phrase of the refusal: with the member's name in it,
where there is one."""


@dataclass(frozen=True)
class Row:
    """An archive, and what must be said of it.

    Args:
        build: makes it.
        why: stands in the refusal.
    """

    build: Callable[[], bytes]
    why: str


class Rows(dict[str, Row]):
    """Rows by name, in the order they are written, of archives that take a while to make."""

    def row(self, why: str) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
        """Take a function as the row of its name."""

        def add(build: Callable[[], bytes]) -> Callable[[], bytes]:
            self[build.__name__.replace("_", " ")] = Row(build, why)
            return build

        return add
