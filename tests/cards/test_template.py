"""The card that a person begins with."""

import json
from typing import Any

import msgspec
import pytest

from hubproxy.cards.document import encode
from hubproxy.cards.schema import faults
from hubproxy.cards.template import MARK, template
from hubproxy.core.record import Record
from hubproxy.inspection.facts import Facts, Graph, Signature, Tensor
from tests.cards.cards import FACTS, a_record, filled


def properties(card: dict[str, Any]) -> dict[str, str]:
    return {
        one["name"].removeprefix("hubproxy:"): one["value"]
        for one in card["metadata"]["component"]["properties"]
    }


def questions(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [one for inner in value.values() for one in questions(inner)]
    if isinstance(value, list):
        return [one for inner in value for one in questions(inner)]
    return [value] if isinstance(value, str) and value.startswith(MARK) else []


def test_what_the_module_says_is_filled_in() -> None:
    record = a_record()
    card = template(record, FACTS)

    subject = card["metadata"]["component"]
    parameters = subject["modelCard"]["modelParameters"]
    assert (subject["type"], subject["group"], subject["name"], subject["version"]) == (
        "machine-learning-model",
        "tfhub.dev",
        "google/spice",
        "2",
    )
    assert subject["hashes"] == [{"alg": "SHA-256", "content": record.archive_digest.hex}]
    assert subject["externalReferences"][0]["url"] == record.origin.url
    assert parameters["inputs"] == [{"format": "default: sentences: string[?]"}]
    assert parameters["outputs"] == [{"format": "default: default: float32[?, 50]"}]
    assert properties(card) == {
        "handle": record.handle,
        "format": "saved_model",
        "archive": f"{record.archive.digest}, {record.archive.size} bytes",
        "tree": record.tree,
        "files": "1",
        "parameters": "48190600",
        "trainable": "48190600",
        "ops": "Const, GatherV2, LookupTableFindV2",
        "graphs": "serve, made with TensorFlow 2.21.0",
        "vocabulary": "assets/tokens.txt, 963812 lines",
    }


def test_what_only_a_person_knows_is_asked_in_plain_words() -> None:
    asked = " ".join(questions(template(a_record(), FACTS)))
    for words in (
        "What does it do?",
        "What data was it made from?",
        "Where did this data come from",
        "Who is missing from it?",
        "anything about people",
        "Whom may it treat worse than others",
        "Was that measured",
        "Under which licence",
    ):
        assert words in asked


def test_a_module_that_was_not_looked_into_gets_the_same_questions() -> None:
    record = a_record()
    assert questions(template(record)) == questions(template(record, FACTS))
    assert "ops" not in properties(template(record))
    assert "inputs" not in template(record)["metadata"]["component"]["modelCard"]["modelParameters"]


def test_a_licence_that_the_record_states_is_not_asked_for() -> None:
    record = msgspec.structs.replace(a_record(), licence="Apache-2.0")
    subject = template(record)["metadata"]["component"]
    assert subject["licenses"] == [{"expression": "Apache-2.0"}]


def test_a_template_has_the_same_bytes_each_time_and_says_when() -> None:
    record = a_record()
    assert encode(template(record, FACTS)) == encode(template(record, FACTS))
    assert template(record)["metadata"]["timestamp"] == record.decided_at
    other = msgspec.structs.replace(record, handle="tfhub.dev/google/spice/3")
    assert template(other)["serialNumber"] != template(record)["serialNumber"]


def loud(record: Record) -> Facts:
    """What a module may say that wants to be heard."""
    tensors = tuple(Tensor(f"{at}\u202e" * 200, "string", None) for at in range(1000))
    return Facts(
        graphs=(Graph(signatures=(Signature("s", tensors, ()),)),),
        ops=tuple(f"Op{at}" for at in range(10_000)),
    )


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(None, id="nothing known"),
        pytest.param(Facts(), id="nothing said"),
        pytest.param(FACTS, id="a real one"),
        pytest.param(loud(a_record()), id="a loud one"),
    ],
)
def test_every_template_is_valid(facts: Facts | None) -> None:
    text = encode(template(a_record(), facts)).decode("ascii")
    assert faults(text) == []
    assert len(text) < 200_000


def test_nothing_in_a_card_hides_from_an_editor() -> None:
    assert b"\\u202e" in encode(template(a_record(), loud(a_record())))


def test_a_filled_card_has_no_questions_left() -> None:
    card = filled(a_record())
    assert questions(card) == []
    assert json.loads(encode(card)) == card
