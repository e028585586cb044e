"""A module that waits for officers, as it is kept, and as clients are told of it."""

import msgspec
import pytest

from hubproxy.core.finding import Finding
from hubproxy.core.quarantine import (
    Ask,
    HeldModule,
    held_verdict,
    is_number,
    refused_verdict,
)
from tests.made import SPICE, make

FINDINGS = tuple(
    Finding(name=f"op:Op{number}", where="function f", why="unknown") for number in range(5)
)
HELD = HeldModule(
    number="Q17",
    since="2026-03-01T12:00:00.000Z",
    record=make().record,
    findings=FINDINGS,
    asks=(Ask(caller="nlp", time="2026-03-01T12:00:00.000Z"),),
)


def test_it_comes_back_as_it_was_kept() -> None:
    assert HeldModule.decode(HELD.encode()) == HELD
    assert str(HELD.exact) == SPICE


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        HELD.encode()[:-1],
        msgspec.structs.replace(HELD, number="../Q1").encode(),
        HELD.encode().replace(b'"number"', b'"more":1,"number"'),
        HELD.encode().replace(SPICE.encode(), b"tfhub.dev/google/spice"),
    ],
)
def test_what_is_no_held_module_is_not_read(text: bytes) -> None:
    with pytest.raises(ValueError, match="not a"):
        HeldModule.decode(text)


@pytest.mark.parametrize(
    ("text", "is_one"), [("Q1", True), ("Q0", False), ("Q01", False), ("D1", False), ("Q1x", False)]
)
def test_numbers_have_one_spelling(text: str, is_one: bool) -> None:
    assert is_number(text) is is_one


def test_a_client_is_told_since_when_and_why() -> None:
    verdict = held_verdict(HELD)
    assert (verdict.code, verdict.status) == ("HP-T02", 403)
    assert f"{SPICE} is held for review as Q17 since 2026-03-01T12:00Z" in verdict.message
    assert "op:Op0 in function f; op:Op1 in function f; op:Op2" in verdict.message
    assert verdict.message.endswith("; and 2 more")
    assert "hubproxy quarantine show Q17" in verdict.remedy


def test_a_client_is_told_the_draft_that_would_release_it() -> None:
    held = msgspec.structs.replace(HELD, draft="D3", findings=())
    assert held_verdict(held).message.endswith("as Q17 (draft D3) since 2026-03-01T12:00Z")


@pytest.mark.parametrize(("count", "more"), [(1, ""), (3, " (and 2 more)")])
def test_what_is_never_accepted_is_named(count: int, more: str) -> None:
    refused = [msgspec.structs.replace(one, verdict="refuse") for one in FINDINGS[:count]]
    verdict = refused_verdict(SPICE, [FINDINGS[4], *refused])
    assert verdict.code == "HP-T06"
    assert verdict.message == f"{SPICE} is never accepted: op:Op0 in function f{more}; unknown"
    assert verdict.remedy
    told = [msgspec.structs.replace(one, remedy="Pack it again.") for one in refused]
    assert refused_verdict(SPICE, told).remedy == "Pack it again."
