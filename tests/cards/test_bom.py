"""One BOM for a site."""

import hashlib
from typing import Any

import msgspec
import pytest

from hubproxy.cards.bom import bom
from hubproxy.cards.document import encode
from hubproxy.cards.schema import faults
from hubproxy.errors import CardError
from tests.cards.cards import CARD, filled, with_changes
from tests.made import NOON, make

SPICE = make().record
NNLM = make("tfhub.dev/google/nnlm-en-dim50/2").record
REVOKED = msgspec.structs.replace(
    make("tfhub.dev/google/spice/1").record, status="revoked", reason="wrong"
)
CARDED = encode(filled(SPICE))


def said(component: dict[str, Any], name: str) -> list[str]:
    return [one["value"] for one in component["properties"] if one["name"] == f"hubproxy:{name}"]


def test_every_approved_module_is_a_component_with_its_card_or_without() -> None:
    made = bom([(SPICE, CARDED), (REVOKED, None), (NNLM, None)], at=NOON)

    plain, carded = made["components"]
    assert [one["bom-ref"] for one in (plain, carded)] == [
        "tfhub.dev/google/nnlm-en-dim50/2/saved_model",
        "tfhub.dev/google/spice/2/saved_model",
    ]
    assert plain["hashes"][0]["content"] == NNLM.archive_digest.hex
    assert "modelCard" not in plain
    assert said(plain, "card") == ["none"]
    assert carded["modelCard"] == filled(SPICE)["metadata"]["component"]["modelCard"]
    assert said(carded, "card") == [f"sha256:{hashlib.sha256(CARDED).hexdigest()}"]
    assert said(carded, "decided") == [NOON]


def test_it_is_valid_also_where_cards_use_the_same_names() -> None:
    own: dict[str, Any] = {"bom-ref": "mine", "type": "data", "name": "data"}
    changes: list[tuple[tuple[str | int, ...], Any]] = [
        ((*CARD, "bom-ref"), "card"),
        (("metadata", "component", "components"), [own]),
    ]
    cards = [(record, with_changes(record, *changes)) for record in (SPICE, NNLM)]

    made = bom(cards, at=NOON)

    text = encode(made).decode()
    assert faults(text) == []
    assert text.count('"bom-ref"') == 2


def test_an_empty_site_has_a_bom_too() -> None:
    assert faults(encode(bom([], at=NOON)).decode()) == []


def test_the_same_list_gives_the_same_bytes_in_any_order() -> None:
    modules = [(SPICE, CARDED), (NNLM, None)]
    assert encode(bom(modules, at=NOON)) == encode(bom(reversed(modules), at=NOON))


def test_another_list_is_another_bom() -> None:
    later = bom([(SPICE, CARDED)], at="2024-03-02T00:00:00.000Z")
    assert later["serialNumber"] == bom([(SPICE, CARDED)], at=NOON)["serialNumber"]
    assert later["serialNumber"] != bom([(NNLM, None)], at=NOON)["serialNumber"]
    assert later["metadata"]["timestamp"] == "2024-03-02T00:00:00.000Z"


def test_both_formats_of_a_module_are_listed() -> None:
    other = msgspec.structs.replace(SPICE, format="tflite")
    made = bom([(SPICE, None), (other, None)], at=NOON)
    assert len({one["bom-ref"] for one in made["components"]}) == 2
    assert faults(encode(made).decode()) == []


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"[]", id="a list"),
        pytest.param(b"\xff", id="no text"),
        pytest.param(b"{}", id="nothing"),
        pytest.param(b'{"metadata": {"component": []}}', id="no component"),
        pytest.param(b'{"metadata": {"component": {"properties": 1}}}', id="no properties"),
        pytest.param(b"[" * 100_000, id="nested deep"),
        pytest.param(
            b'{"metadata": {"component": {"a":' + b"[" * 500 + b"]" * 500 + b"}}}",
            id="nested deeper than cards are",
        ),
    ],
)
def test_what_was_signed_as_a_card_and_is_none_is_told(data: bytes) -> None:
    with pytest.raises(CardError, match="it was never checked, and is none"):
        bom([(SPICE, data)], at=NOON)
