"""Findings: what they are called, and what all of them make of a module."""

import pytest

from hubproxy.core.finding import Finding, gate_verdict, is_finding_name, name_in

HELD = Finding(name="op:ReadFile", where="function f of graph 1", why="it reads files")
REFUSED = Finding(name="saved_model:pbtxt", where="x", why="unread", verdict="refuse")


def test_a_finding_is_a_line_that_begins_with_its_name() -> None:
    assert str(HELD) == "op:ReadFile in function f of graph 1"
    assert name_in(str(HELD)) == "op:ReadFile"


@pytest.mark.parametrize(
    ("findings", "verdict"),
    [
        ([], "pass"),
        ([HELD], "hold"),
        ([REFUSED], "refuse"),
        ([HELD, REFUSED], "refuse"),
        ([REFUSED, HELD, HELD], "refuse"),
    ],
)
def test_the_worst_finding_decides(findings: list[Finding], verdict: str) -> None:
    assert gate_verdict(findings) == verdict


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("op:ReadFile", True),
        ("op:Namespace>Op", True),
        ("pickle:os.system", True),
        ("saved_model:shard-missing", True),
        ("tf1_hub:damaged", True),
        ("op:", False),
        ("ReadFile", False),
        ("op:Read File", False),
        ("op:*", False),
        ("op:x\n", False),
        ("Op:x", False),
        ("op:" + "x" * 201, False),
    ],
)
def test_a_name_is_a_kind_and_what_it_is_about(text: str, is_one: bool) -> None:
    assert is_finding_name(text) is is_one
