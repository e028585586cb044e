"""A card to fill in: what the module itself says stands there, what only a person knows is asked.

TensorFlow Hub's launch post warned that a module carries the bias of the data it was made from.
So the questions about data and about people are asked in plain words, and `check` takes no
card in which one of them still stands.
"""

from itertools import islice

from hubproxy.cards.document import Document, component, document, properties
from hubproxy.core.record import Record
from hubproxy.inspection.facts import Facts, Graph, Tensor

MARK = "FILL IN:"
"""How each place begins that a person has yet to fill."""

HELP = (
    f"Replace every text that begins with {MARK[:-1]}. Remove what does not apply. What "
    'nobody can find out is written as "unknown, accepted by NAME", with the name of who decides '
    "that the module may be used all the same."
)

_MOST_LINES, _LONGEST_LINE = 200, 300


def template(record: Record, facts: Facts | None = None) -> Document:
    """A card of a module, filled as far as the module itself says.

    Args:
        facts: what was found inside; None where it was not looked into.
    """
    subject = component(record)
    # What a person looks for comes before what the machine has found.
    last = {name: subject.pop(name) for name in ("externalReferences", "properties")}
    if not record.licence:
        asked = _ask("Under which licence may it be used? An SPDX name, such as Apache-2.0.")
        subject["licenses"] = [{"license": {"name": asked}}]
    subject |= {"modelCard": _card(facts), **last}
    if facts is not None:
        subject["properties"] += _told(facts)
    card = document(
        subject,
        name=f"hubproxy card {record.handle} {record.format} {record.archive.digest}",
        at=record.decided_at,
    )
    return {**card, "metadata": {"properties": properties(help=HELP), **card["metadata"]}}


def _ask(question: str) -> str:
    return f"{MARK} {question}"


def _card(facts: Facts | None) -> Document:
    parameters: Document = {
        "task": _ask(
            "What does it do? In a few words, such as sentence embedding or image classification."
        ),
        "architectureFamily": _ask(
            "What kind of model is it? Such as transformer, or convolutional neural network."
        ),
        "modelArchitecture": _ask("Which one of that kind? Such as MobileNet V2."),
        "datasets": [
            {
                "type": "dataset",
                "name": _ask("What data was it made from? One entry for each set of data."),
                "description": _ask(
                    "Where did this data come from, from when is it, and who or what is in it? "
                    "Who is missing from it?"
                ),
                "sensitiveData": [
                    _ask("Does it hold anything about people: names, faces, voices, health?")
                ],
            }
        ],
    }
    if facts is not None:
        parameters |= _calls(facts)
    return {
        "modelParameters": parameters,
        "considerations": {
            "users": [_ask("Who is it made for?")],
            "useCases": [_ask("What may it be used for?")],
            "technicalLimitations": [
                _ask("With what does it work badly, and what must it not be used for?")
            ],
            "ethicalConsiderations": [
                {
                    "name": _ask("What harm can its use do, and to whom?"),
                    "mitigationStrategy": _ask("What is done against that?"),
                }
            ],
            "fairnessAssessments": [
                {
                    "groupAtRisk": _ask(
                        "Whom may it treat worse than others, because of the data it was made "
                        "from? Think of language, age, gender, origin, skin, disability."
                    ),
                    "harms": _ask("What happens to them? Was that measured, and how?"),
                    "benefits": _ask("Who gains from its use?"),
                    "mitigationStrategy": _ask("What is done against unequal treatment?"),
                }
            ],
        },
    }


def _calls(facts: Facts) -> Document:
    """What goes in and comes out, by each signature; graphs that say the same say it once."""
    lines: dict[str, dict[str, None]] = {"inputs": {}, "outputs": {}}
    for graph in facts.graphs:
        for signature in graph.signatures:
            for tensor in signature.inputs:
                lines["inputs"][_line(signature.name, tensor)] = None
            for tensor in signature.outputs:
                lines["outputs"][_line(signature.name, tensor)] = None
    return {
        name: [{"format": line} for line in islice(found, _MOST_LINES)]
        for name, found in lines.items()
        if found
    }


def _line(signature: str, tensor: Tensor) -> str:
    return _short(f"{signature}: {tensor}", _LONGEST_LINE)


def _told(facts: Facts) -> list[Document]:
    vocabularies = "; ".join(f"{one.path}, {one.lines} lines" for one in facts.vocabularies)
    return properties(
        parameters=facts.parameters,
        trainable=facts.trainable,
        ops=None if facts.ops is None else _short(", ".join(facts.ops)),
        graphs=_short("; ".join(map(_graph, facts.graphs))) or None,
        vocabulary=_short(vocabularies) or None,
    )


def _short(text: str, most: int = 20_000) -> str:
    """A text as long as a person reads: a module may say as much as it likes."""
    return text if len(text) <= most else f"{text[:most]}…"


def _graph(graph: Graph) -> str:
    made = f"made with TensorFlow {graph.tensorflow}" if graph.tensorflow else "of unknown make"
    return f"{'+'.join(graph.tags) or 'no tags'}, {made}"
