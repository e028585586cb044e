"""One BOM for a site: every approved module a component, with its card where it has one."""

import hashlib
from collections.abc import Iterable
from typing import Any

from hubproxy.cards.check import load_card
from hubproxy.cards.document import Document, component, document, properties
from hubproxy.core.record import Record

# Names and signatures that hold within one card alone.
_OF_ONE_CARD = frozenset({"bom-ref", "signature"})


def bom(modules: Iterable[tuple[Record, bytes | None]], *, at: str) -> Document:
    """The BOM of a site.

    Args:
        modules: records, each with the bytes of its checked card or None. What is not approved
            is left out.
        at: when, UTC, RFC 3339. The serial number is that of the set of modules and cards.

    Raises:
        CardError: what officers signed as a card is none.
    """
    whole, components = hashlib.sha256(), []
    for record, card in sorted(modules, key=lambda one: (one[0].exact, one[0].format)):
        if record.status != "approved":
            continue
        found = _component(record, card)
        components.append(found)
        whole.update(record.encode())
    site = {"type": "platform", "name": "modules on the trust list"}
    made = document(site, name=f"hubproxy bom {whole.hexdigest()}", at=at)
    return {**made, "components": components}


def _component(record: Record, card: bytes | None) -> Document:
    own = component(record)
    decided = properties(
        reviewers=", ".join(record.reviewers) or None,
        decided=record.decided_at,
        review_by=record.review_by or None,
    )
    if card is None:
        return {**own, "properties": own["properties"] + decided + properties(card="none")}
    said = _alone(load_card(card, record)["metadata"]["component"])
    digest = f"sha256:{hashlib.sha256(card).hexdigest()}"
    more = decided + properties(card=digest)
    return {**said, "bom-ref": own["bom-ref"], "properties": said.get("properties", []) + more}


def _alone(value: Any) -> Any:
    """A part of a card, without what would clash with, or not hold in, a larger document."""
    if isinstance(value, dict):
        return {name: _alone(inner) for name, inner in value.items() if name not in _OF_ONE_CARD}
    if isinstance(value, list):
        return [_alone(inner) for inner in value]
    return value
