"""What is wrong, or soon will be, with a list that verifies."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hubproxy.trust.inforce import InForce


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend: how bad, what, and the command that mends it."""

    level: Literal["error", "warning"]
    what: str
    remedy: str


def lint(held: InForce, at: datetime) -> tuple[Finding, ...]:
    """Every finding, the worst first. `at` is now, timezone-aware UTC."""
    raise NotImplementedError
