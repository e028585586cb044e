"""What officers allow of findings: for whom, of what name, until when."""

from datetime import UTC, datetime

import msgspec
import pytest

from hubproxy.core.allowance import Allowance, judge_findings, unallowed
from hubproxy.core.policy import Policy, judge_policy
from hubproxy.core.record import GateNote
from tests.made import SPICE, make

ALLOWED = Allowance(
    pattern=SPICE, finding="op:ReadFile", reason="read by ada", review_by="2027-03-01"
)
RECORD = msgspec.structs.replace(
    make().record,
    findings=("op:ReadFile in function f", "pickle:os.system in x.pkl"),
    gate=GateNote(version=2, ops=1, verdict="hold"),
)
BEFORE = datetime(2027, 3, 1, 23, 59, tzinfo=UTC)
AFTER = datetime(2027, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "at", "left"),
    [
        pytest.param({}, BEFORE, 1, id="to the end of its day"),
        pytest.param({}, AFTER, 2, id="not a moment longer"),
        pytest.param({"pattern": "tfhub.dev/google/**"}, BEFORE, 1, id="a pattern"),
        pytest.param({"pattern": "tfhub.dev/google/other/2"}, BEFORE, 2, id="another module"),
        pytest.param({"pattern": SPICE[:-1] + "3"}, BEFORE, 2, id="another version"),
        pytest.param({"finding": "op:Read"}, BEFORE, 2, id="the beginning of a name"),
    ],
)
def test_row_16_an_allowance_is_of_one_finding_for_a_time(
    changes: dict[str, str], at: datetime, left: int
) -> None:
    allowance = msgspec.structs.replace(ALLOWED, **changes)
    assert len(unallowed(RECORD, [allowance], at)) == left


def test_row_16_what_is_not_allowed_is_refused_by_name() -> None:
    verdict = judge_findings(RECORD, [], BEFORE)
    assert verdict is not None
    assert (verdict.code, verdict.status) == ("HP-T06", 403)
    assert "op:ReadFile in function f and 1 more" in verdict.message
    assert f"policy allow {SPICE} op:ReadFile pickle:os.system --why" in verdict.remedy
    one = judge_findings(RECORD, [ALLOWED], BEFORE)
    assert one is not None
    assert f"{SPICE} has pickle:os.system in x.pkl, which" in one.message


def test_what_is_allowed_passes() -> None:
    both = [ALLOWED, msgspec.structs.replace(ALLOWED, finding="pickle:os.system")]
    assert judge_findings(RECORD, both, BEFORE) is None
    assert judge_policy(RECORD, Policy(allow=tuple(both)), BEFORE) is None
    verdict = judge_policy(RECORD, Policy(allow=(ALLOWED,)), BEFORE)
    assert verdict is not None
    assert verdict.code == "HP-T06"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"pattern": "a b"}, "not a pattern"),
        ({"finding": "anything"}, "not the name of a finding"),
        ({"reason": "  "}, "gives no reason"),
        ({"review_by": "1.3.2027"}, "not a day"),
        ({"review_by": "2027-13-01"}, "month must be"),
        ({"review_by": "9999-12-31"}, "later than makes sense"),
    ],
)
def test_an_allowance_that_cannot_be_understood_makes_no_policy(
    changes: dict[str, str], why: str
) -> None:
    policy = Policy(allow=(msgspec.structs.replace(ALLOWED, **changes),))
    with pytest.raises(ValueError, match=f"not a policy: .*{why}"):
        Policy.decode(policy.encode())


@pytest.mark.parametrize(
    ("record", "least", "refused"),
    [
        (RECORD, 2, False),
        (RECORD, 3, True),
        (make().record, 0, False),
        (make().record, 1, True),
    ],
)
def test_row_16_officers_may_demand_that_a_gate_has_looked(
    record: object, least: int, refused: bool
) -> None:
    allow = (ALLOWED, msgspec.structs.replace(ALLOWED, finding="pickle:os.system"))
    found = judge_policy(record, Policy(min_gate=least, allow=allow), BEFORE)  # type: ignore[arg-type]  # one it is
    assert (found is not None) is refused
    if found is not None:
        assert found.code == "HP-T16"
        assert f"version {least} of the content gate" in found.message
