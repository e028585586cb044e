from datetime import UTC, datetime

import msgspec
import pytest

from hubproxy.core.allowance import Allowance
from hubproxy.core.finding import Finding
from hubproxy.core.record import GateNote
from hubproxy.core.reread import reread
from tests.made import make

AT = datetime(2026, 11, 26, tzinfo=UTC)
PLAIN = make().record
WRITES = Finding(name="op:WriteFile", where="function inner", why="it writes")
NEVER = Finding(name="saved_model:pbtxt", where="a.pbtxt", why="two", verdict="refuse")


def noted(*lines: str) -> GateNote:
    return GateNote(version=1, ops=1, verdict="hold" if lines else "pass")


@pytest.mark.parametrize(
    ("before", "now", "verdicts", "new", "gone"),
    [
        pytest.param((), (), "pass pass", (), (), id="nothing"),
        pytest.param((), (WRITES,), "pass hold", (str(WRITES),), (), id="more"),
        pytest.param((), (NEVER,), "pass refuse", (str(NEVER),), (), id="never"),
        pytest.param(("op:A in b",), (), "hold pass", (), ("op:A in b",), id="less"),
        pytest.param(
            ("op:WriteFile in another place",), (WRITES,), "hold hold", (), (), id="another place"
        ),
    ],
)
def test_findings_are_compared_by_name(
    before: tuple[str, ...],
    now: tuple[Finding, ...],
    verdicts: str,
    new: tuple[str, ...],
    gone: tuple[str, ...],
) -> None:
    record = msgspec.structs.replace(PLAIN, findings=before, gate=noted(*before))
    found = reread(record, "pinned", now, at=AT)
    assert (f"{found.was} {found.verdict}", found.new, found.gone) == (verdicts, new, gone)
    assert found.changed == bool(new or gone)
    assert found.withdrawn == (found.verdict != "pass")
    assert found.ours == found.withdrawn
    assert not found.officers


def test_a_record_of_before_the_gate_says_nothing_of_it() -> None:
    record = msgspec.structs.replace(PLAIN, gate=msgspec.UNSET)
    assert reread(record, "listed", (), at=AT).before is None
    assert not reread(record, "listed", (), at=AT).changed
    lines = msgspec.structs.replace(record, findings=("op:A in b",))
    found = reread(lines, "listed", (), at=AT)
    assert (found.was, found.verdict, found.officers) == ("hold", "pass", True)


def test_what_officers_allow_is_told_from_what_they_do_not() -> None:
    allowed = Allowance(
        pattern=PLAIN.handle, finding="op:WriteFile", reason="a log", review_by="2027-01-01"
    )
    assert reread(PLAIN, "listed", (WRITES,), allow=(allowed,), at=AT).refused == ""
    found = reread(PLAIN, "listed", (WRITES,), at=AT)
    assert "op:WriteFile in function inner, which the officers' policy" in found.refused
    assert (found.officers, found.withdrawn, found.ours) == (True, False, False)
    assert reread(PLAIN, "listed", (NEVER,), at=AT).refused == ""


def test_what_is_held_is_neither_withdrawn_nor_signed() -> None:
    found = reread(PLAIN, "held", (WRITES,), at=AT, number="Q3")
    assert (found.number, found.changed, found.ours) == ("Q3", True, True)
    assert (found.withdrawn, found.officers) == (False, False)
