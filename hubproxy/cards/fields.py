"""Where a card answers each of `CARD_FIELDS`, and what is an answer."""

import re
from collections.abc import Iterator
from typing import Any

from hubproxy.cards.document import Document
from hubproxy.core.record import CARD_FIELDS

_PARAMETERS, _CONSIDERATIONS = "modelCard.modelParameters", "modelCard.considerations"
_FAIRNESS = f"{_CONSIDERATIONS}.fairnessAssessments.*"
_PLACES: dict[str, tuple[str, ...]] = {
    "task": (f"{_PARAMETERS}.task",),
    "architecture": (f"{_PARAMETERS}.architectureFamily", f"{_PARAMETERS}.modelArchitecture"),
    "datasets": (
        f"{_PARAMETERS}.datasets.*.name",
        f"{_PARAMETERS}.datasets.*.description",
        f"{_PARAMETERS}.datasets.*.contents.url",
    ),
    "licence": ("licenses.*.license.id", "licenses.*.license.name", "licenses.*.expression"),
    "limitations": (f"{_CONSIDERATIONS}.technicalLimitations.*",),
    "ethicalConsiderations": (f"{_CONSIDERATIONS}.ethicalConsiderations.*.name",),
    "fairnessAssessments": (f"{_FAIRNESS}.groupAtRisk", f"{_FAIRNESS}.harms"),
}
_ACCEPTED = re.compile(r"unknown, accepted by (\S[^\n]{0,99})", re.IGNORECASE)
_NOBODY = frozenset({"name", "nobody", "..."})
_NO_ANSWERS = frozenset({"", "?", "-", "n/a", "na", "tbd", "todo", "unknown", "not known"})


def answers(subject: Document, field: str) -> list[str]:
    """The texts with which a component answers a field: neither blank, nor "unknown" alone."""
    return [text for text in _texts(subject, field) if not _is_empty(text)]


def acceptance(text: str) -> str | None:
    """Who accepts that something is unknown, or None for a text that says anything else."""
    match = _ACCEPTED.fullmatch(text.strip())
    if match is None or match[1].strip().lower() in _NOBODY:
        return None
    return match[1].strip()


def unaccepted(subject: Document) -> Iterator[str]:
    """The fields that say "unknown", or as little, without the name of who accepted that."""
    for field in CARD_FIELDS:
        if any(map(_is_empty, _texts(subject, field))):
            yield field


def _texts(subject: Document, field: str) -> list[str]:
    return [text for place in _PLACES[field] for text in _at(subject, place.split("."))]


def _at(value: Any, path: list[str]) -> Iterator[str]:
    """The texts at a path, whose `*` is every item of a list."""
    if not path:
        if isinstance(value, str):
            yield value
    elif path[0] == "*":
        for item in value if isinstance(value, list) else ():
            yield from _at(item, path[1:])
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


def _is_empty(text: str) -> bool:
    said = text.strip().lower().rstrip(".!")
    return said in _NO_ANSWERS or (said.startswith("unknown, accep") and acceptance(text) is None)
