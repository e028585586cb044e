"""Cards to check: of a record, filled in as a person would."""

import json
from typing import Any

from hubproxy.cards.document import Document, encode
from hubproxy.cards.template import MARK, template
from hubproxy.core.record import Record
from hubproxy.inspection.facts import Facts, Graph, Signature, Tensor, Vocabulary
from tests.made import make

FACTS = Facts(
    graphs=(
        Graph(
            tags=("serve",),
            tensorflow="2.21.0",
            signatures=(
                Signature(
                    "default",
                    (Tensor("sentences", "string", (-1,)),),
                    (Tensor("default", "float32", (-1, 50)),),
                ),
            ),
        ),
    ),
    ops=("Const", "GatherV2", "LookupTableFindV2"),
    parameters=48_190_600,
    trainable=48_190_600,
    vocabularies=(Vocabulary("assets/tokens.txt", 963_812),),
)
ANSWER = "A hundred years of news in English."
ACCEPTED = "unknown, accepted by ada"

Place = tuple[str | int, ...]
CARD: Place = ("metadata", "component", "modelCard")
TASK: Place = (*CARD, "modelParameters", "task")
DATASETS: Place = (*CARD, "modelParameters", "datasets")
CONSIDERATIONS: Place = (*CARD, "considerations")
FAIRNESS: Place = (*CONSIDERATIONS, "fairnessAssessments")
LICENCES: Place = ("metadata", "component", "licenses")
REMOVE = object()


def a_record() -> Record:
    return make().record


def filled(record: Record) -> Document:
    """The template with every question answered."""
    return filled_in(template(record, FACTS))


def filled_in(card: Document) -> Document:
    """A card with every question answered."""
    found: Document = json.loads(json.dumps(card), object_hook=_answered)
    return found


def with_changes(record: Record, *changes: tuple[Place, Any]) -> bytes:
    """The filled card with other values at some paths; `REMOVE` takes one away."""
    card = filled(record)
    for path, value in changes:
        *way, last = path
        inner: Any = card
        for step in way:
            inner = inner[step]
        if value is REMOVE:
            del inner[last]
        else:
            inner[last] = value
    return encode(card)


def _answered(found: dict[str, Any]) -> dict[str, Any]:
    return {name: _answer(value) for name, value in found.items()}


def _answer(value: Any) -> Any:
    if isinstance(value, list):
        return [_answer(inner) for inner in value]
    return ANSWER if isinstance(value, str) and value.startswith(MARK) else value
