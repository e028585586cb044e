"""What one check of the doctor's found."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "FAIL"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line.

    Args:
        check: the name of what was looked at, a word.
        state: `FAIL` where something does not work; `warn` where it will not, or only may.
        text: what was found.
        fix: a command, or what to do, for all that is not `ok`.
    """

    check: str
    state: State
    text: str
    fix: str = ""
