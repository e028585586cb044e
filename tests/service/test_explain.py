"""Why a module is served or not, as it is told."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from hubproxy.core.digest import Descriptor
from hubproxy.core.handle import Handle
from hubproxy.core.policy import Policy
from hubproxy.core.record import Record, target_path
from hubproxy.core.roles import Delegation, Role
from hubproxy.core.signatures import Signatures
from hubproxy.core.trust import Listed, Versions
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.service.explain import Explanation, explain
from tests.made import SPICE, describe

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
RECORD = describe(b"a module" * 100)
REVOKED = msgspec.structs.replace(RECORD, status="revoked", reason="leaks", reviewers=("ada", "bo"))
KEYS = {"k1": {"x-hubproxy-name": "cy"}, "k2": {"x-hubproxy-name": "di"}, "k3": {}}
NLP = Delegation("nlp", ("tfhub.dev/google/*/*/*",), threshold=2, keys=KEYS)
VISION = Delegation("vision", ("tfhub.dev/other/*/*/*",), keys=KEYS)


def explained(
    record: Record | None,
    *,
    handle: str = SPICE,
    policy: Policy = Policy(),  # noqa: B008  # it is frozen
    days: int = 30,
) -> Explanation:
    expires = NOW + timedelta(days=days)
    targets: dict[str, Descriptor] = {}
    if record is not None:
        targets[target_path(record.exact, record.format)] = record.descriptor
    top = Role("targets", 8, expires, targets, delegations=(NLP, VISION))
    snapshot = TrustSnapshot(Versions(3, 214, 9, 8), expires, {"targets": top}, policy)
    found = []
    if record is not None:
        listed = Listed(record.exact, record.format, record.descriptor, expires=expires)
        found = [(listed, record)]
    signed = Signatures(
        role="targets", version=8, expires="", threshold=2, signed=("ada", "bo"), missing=("cy",)
    )
    return explain(
        Handle.parse(handle), snapshot, found, {"targets": signed}, mode="enforce", at=NOW
    )


def test_what_is_approved_is_served_and_who_signed_it_is_named() -> None:
    found = explained(RECORD)
    (one,) = found.listed
    assert (one.handle, one.refused, one.warnings) == (SPICE, None, ())
    assert one.signed.signed == ("ada", "bo")
    assert (found.asked, found.trust) == (SPICE, "root 3, timestamp 214")
    assert (found.unlisted, found.approvers) == (None, ())


@pytest.mark.parametrize(
    ("record", "policy", "days", "code", "text"),
    [
        pytest.param(REVOKED, Policy(), 30, "HP-T10", "by ada, bo: leaks", id="revoked"),
        pytest.param(
            RECORD, Policy(largest_module=10), 30, "HP-T16", "policy allows 10", id="too large"
        ),
        pytest.param(
            RECORD, Policy(card_fields=("datasets",)), 30, "HP-T16", "datasets", id="no card"
        ),
        pytest.param(RECORD, Policy(), -20, "HP-T07", "grace of 14 days ended", id="expired"),
    ],
)
def test_what_is_refused_is_told_as_clients_are_told(
    record: Record, policy: Policy, days: int, code: str, text: str
) -> None:
    (one,) = explained(record, policy=policy, days=days).listed
    assert one.refused is not None
    assert one.refused.code == code
    assert text in one.refused.text


def test_what_is_served_with_a_warning_is_told_with_it() -> None:
    policy = Policy(review_days=1)
    late = msgspec.structs.replace(RECORD, decided_at="2024-01-01T12:00:00.000Z")
    (one,) = explained(late, policy=policy, days=-1).listed
    assert one.refused is None
    assert [warning.code for warning in one.warnings] == ["HP-T07", "HP-T16"]


@pytest.mark.parametrize(
    ("handle", "teams"),
    [
        pytest.param("tfhub.dev/google/nnlm/1", ["nlp"], id="a team's"),
        pytest.param("tfhub.dev/google/nnlm", ["nlp"], id="any version"),
        pytest.param("tfhub.dev/third/x/1", [], id="no team's"),
    ],
)
def test_of_what_is_not_listed_it_is_told_who_could_approve_it(
    handle: str, teams: list[str]
) -> None:
    found = explained(None, handle=handle)
    assert found.listed == ()
    assert found.unlisted is not None
    assert found.unlisted.code == "HP-T01"
    assert f"hubproxy trust approve {handle}" in found.unlisted.remedy
    assert [one.role for one in found.approvers] == ["targets", *teams]
    for one in found.approvers[1:]:
        assert (one.threshold, one.names) == (2, ("cy", "di", "k3"))


def test_the_stricter_mode_is_the_one_in_force() -> None:
    assert explained(RECORD, policy=Policy(mode="enforce")).mode == "enforce"
