"""What a card must pass before officers sign it."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from hubproxy.cards.document import MODEL, SPEC, Document
from hubproxy.cards.fields import acceptance, answers, unaccepted
from hubproxy.cards.schema import faults
from hubproxy.cards.template import HELP, MARK
from hubproxy.core.digest import Digest
from hubproxy.core.record import CARD_FIELDS, CardNote, Record
from hubproxy.errors import CardError, DeniedError

LARGEST_CARD = 1024 * 1024
"""Bytes of a card."""

_MOST_VALUES = 10_000
_DEEPEST = 40


def check(data: bytes, record: Record, wanted: Sequence[str] = ()) -> CardNote:
    """Check a card, and tell which of `CARD_FIELDS` it answers.

    Args:
        record: of the module that it must be the card of.
        wanted: fields that the officers' policy demands.

    Raises:
        CardError: not a valid ML-BOM, of another module, or not filled in.
        DeniedError: HP-T16, it does not say what the policy demands.
        UsageError: the validator is not installed.
    """
    card = _parse(data, record)
    subject = _subject(card, record)
    _check_filled(card, subject, record)
    fields, unknown = [], []
    for field in CARD_FIELDS:
        names = [acceptance(text) for text in answers(subject, field)]
        fields += [field] if None in names else []
        unknown += [f"{field}: {name}" for name in dict.fromkeys(names) if name is not None]
    note = CardNote(
        digest=f"sha256:{hashlib.sha256(data).hexdigest()}",
        size=len(data),
        fields=tuple(fields),
        unknown=tuple(unknown),
    )
    _check_wanted(note, record, wanted)
    return note


def archive_named(data: bytes) -> str | None:
    """The digest of the archive that a card, checked or not, says it is of; None for no card."""
    try:
        hashes = json.loads(data)["metadata"]["component"]["hashes"]
        return str(Digest.of_hex(hashes[0]["content"].lower()))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def load_card(data: bytes, record: Record) -> Document:
    """A card as it was checked once, from its bytes.

    Raises:
        CardError: what officers signed is no card: it was never checked.
    """
    try:
        found = json.loads(data.decode("utf-8-sig"))
        subject = found["metadata"]["component"]
        if not isinstance(subject, dict) or not isinstance(subject.get("properties", []), list):
            raise TypeError("it describes nothing")
        for _ in _strings(found):  # nested as deep as can be told
            pass
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise _wrong(record, f"it was never checked, and is none ({error})") from error
    card: Document = found
    return card


def _parse(data: bytes, record: Record) -> Document:
    if len(data) > LARGEST_CARD:
        raise _wrong(record, f"it has {len(data):,} bytes, more than {LARGEST_CARD:,}")
    try:
        text = data.decode("utf-8-sig")
        card = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
        if sum(1 for _ in _strings(card)) > _MOST_VALUES:
            raise ValueError(f"it holds more than {_MOST_VALUES:,} values")
        json.dumps(card, ensure_ascii=False).encode()  # half a character can be written nowhere
    except RecursionError:
        raise _wrong(record, "it is nested too deep") from None
    except ValueError as error:
        raise _wrong(record, f"it is not JSON as cards are: {error}") from error
    if not isinstance(card, dict) or card.get("bomFormat") != "CycloneDX":
        raise _wrong(record, "it is not a CycloneDX document")
    if card.get("specVersion") != SPEC:
        raise _wrong(record, f"its specVersion is {card.get('specVersion')!r}, not {SPEC!r}")
    found = faults(text)
    if found:
        raise _wrong(record, "the schema of CycloneDX 1.6 refuses it: " + "; ".join(found))
    return card


def _subject(card: Document, record: Record) -> Document:
    """The component that the card is of, which must be the record's module."""
    subject: Document = card.get("metadata", {}).get("component", {})
    if subject.get("type") != MODEL or "modelCard" not in subject:
        raise _wrong(record, f"its metadata.component is no {MODEL} with a modelCard")
    found = [one["content"] for one in subject.get("hashes", ()) if one["alg"] == "SHA-256"]
    if [text.lower() for text in found] != [record.archive_digest.hex]:
        named = ", ".join(found) or "no module"
        raise _wrong(record, f"it is the card of {named}, not of {record.archive.digest}")
    for one in subject.get("properties", ()):
        if one["name"] == "hubproxy:handle" and one.get("value") != record.handle:
            raise _wrong(record, f"it is the card of {one.get('value')}")
    return subject


def _check_filled(card: Document, subject: Document, record: Record) -> None:
    left = [path for path, text in _strings(card) if text.lstrip().startswith(MARK)]
    if left:
        places = ", ".join(path.removeprefix("metadata.component.") for path in left)
        raise CardError(
            f"the card of {record.handle} is not filled in: {places}",
            remedy=HELP,
        )
    empty = list(unaccepted(subject))
    if empty:
        raise CardError(
            f"the card of {record.handle} says nothing of: {', '.join(empty)}",
            remedy='Say what is known, or "unknown, accepted by NAME" with the name of a person.',
        )


def _check_wanted(note: CardNote, record: Record, wanted: Sequence[str]) -> None:
    said = {*note.fields, *(text.partition(":")[0] for text in note.unknown)}
    silent = [field for field in wanted if field not in said]
    if silent:
        raise DeniedError(
            "HP-T16",
            403,
            f"the card of {record.handle} does not say what the officers' policy demands: "
            + ", ".join(silent),
            remedy='Say it in the card, or "unknown, accepted by NAME" with the name of a person.',
        )


def _wrong(record: Record, why: str) -> CardError:
    return CardError(
        f"this is not the model card of {record.handle}: {why}",
        remedy=f"`hubproxy trust card edit {record.handle}` writes one to fill in.",
    )


def _strings(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every text and where it stands; any other value is a text that says nothing."""
    if depth > _DEEPEST:
        raise ValueError("it is nested too deep")
    yield path, value if isinstance(value, str) else ""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _strings(inner, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _strings(inner, f"{path}[{number}]", depth + 1)


def _once(pairs: list[tuple[str, Any]]) -> Document:
    """An object in which no name stands twice: one reader might take the first, one the last."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON")
