"""Tables of samples, and goals, in Markdown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median

_DIGITS = 3


@dataclass
class Table:
    """Samples by row (what was measured, with its unit) and column (who)."""

    title: str
    columns: Sequence[str]
    _cells: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, row: str, column: str, value: float) -> None:
        self._cells.setdefault(row, {}).setdefault(column, []).append(value)

    def samples(self, row: str, column: str) -> list[float]:
        """In the order of the rounds; empty when the column was not measured."""
        return self._cells.get(row, {}).get(column, [])

    def middle(self, row: str, column: str) -> float | None:
        found = self.samples(row, column)
        return float(median(found)) if found else None

    def ratio(self, rows: Sequence[str], column: str, to: str) -> float | None:
        """The median over the rounds of: mean over `rows` of one column by that of another.

        None when one of them was not measured.
        """
        ours = [self.samples(row, column) for row in rows]
        theirs = [self.samples(row, to) for row in rows]
        if not all(ours) or not all(theirs):
            return None
        rounds = zip(zip(*ours, strict=True), zip(*theirs, strict=True), strict=True)
        return median(fmean(a) / fmean(b) for a, b in rounds)

    def lines(self) -> Iterator[str]:
        yield f"### {self.title}"
        yield ""
        yield from _line("", *self.columns)
        yield from _line(*["---"] * (len(self.columns) + 1))
        for row, cells in self._cells.items():
            yield from _line(row, *(_shown(cells.get(column, [])) for column in self.columns))
        yield ""


@dataclass(frozen=True, slots=True)
class Goal:
    """What was to be reached. `value` is None when it could not be measured."""

    name: str
    value: float | None
    limit: float
    unit: str = "x"
    at_least: bool = False

    @property
    def met(self) -> str:
        if self.value is None:
            return "not measured"
        good = self.value >= self.limit if self.at_least else self.value <= self.limit
        return "yes" if good else "**no**"


def goal_lines(goals: Sequence[Goal]) -> Iterator[str]:
    yield "### Goals"
    yield ""
    yield from _line("", "goal", "found", "met")
    yield from _line("---", "---", "---", "---")
    for goal in goals:
        wanted = f"{'>=' if goal.at_least else '<='} {_number(goal.limit)} {goal.unit}"
        found = "" if goal.value is None else f"{_number(goal.value)} {goal.unit}"
        yield from _line(goal.name, wanted, found, goal.met)
    yield ""


def _shown(samples: Sequence[float]) -> str:
    """The median, and the spread in brackets."""
    if not samples:
        return ""
    if min(samples) == max(samples):
        return _number(samples[0])
    return f"{_number(median(samples))} ({_number(min(samples))} to {_number(max(samples))})"


def _number(value: float) -> str:
    """Three digits that count, without an exponent."""
    if value >= 10**_DIGITS:
        return f"{value:,.0f}"
    return f"{value:.{_DIGITS}g}"


def _line(*cells: str) -> Iterator[str]:
    yield f"| {' | '.join(cells)} |"
