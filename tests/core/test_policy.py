from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.core.patterns import matches
from hubproxy.core.policy import (
    NO_POLICY,
    EvidenceRule,
    Policy,
    judge_policy,
    laxer,
    overdue,
    stricter,
    too_large,
)
from hubproxy.core.record import CardNote, Evidence, EvidenceKind, Record
from tests.made import SPICE, describe

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)  # when `describe` says that it was decided
RECORD = describe(b"an archive")
KEY = EvidenceRule(pattern="tfhub.dev/google/**", kind="minisign", identity="google", key="RWQ")


def a_record(**fields: Any) -> Record:
    return msgspec.structs.replace(RECORD, **fields)


def evidence(identity: str, kind: EvidenceKind = "minisign", *, issuer: str = "") -> Evidence:
    return Evidence(
        kind=kind, identity=identity, issuer=issuer, digest="sha256:0", verified_at="2024"
    )


def judged(record: Record, at: datetime = NOON, **policy: Any) -> str:
    verdict = judge_policy(record, Policy(**policy), at)
    if verdict is None:
        return ""
    assert verdict.status == 403
    assert verdict.remedy
    return f"{verdict.code}: {verdict.message}"


def test_without_a_policy_nothing_is_demanded() -> None:
    assert judge_policy(RECORD, NO_POLICY, NOON + timedelta(days=9999)) is None


def test_a_policy_reads_what_it_writes() -> None:
    policy = Policy(mode="enforce", grace_days=3, evidence=(KEY,), card_fields=("datasets",))
    assert Policy.decode(policy.encode()) == policy
    assert Policy.decode(b"{}") == NO_POLICY


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(b"", "truncated", id="nothing"),
        pytest.param(b'{"v":2}', "enum value 2", id="a-later-version"),
        pytest.param(b'{"mode":"observe"}', "mode", id="a-mode-that-is-none"),
        pytest.param(b'{"graces":1}', "graces", id="an-unknown-field"),
        pytest.param(b'{"grace_days":1.5}', "grace_days", id="a-float"),
        pytest.param(b'{"grace_days":-1}', "`grace_days` is out of range", id="negative"),
        pytest.param(b'{"largest_module":99999999999999999}', "`largest_module`", id="huge"),
        pytest.param(b'{"grace_days":3651}', "more days than make sense", id="ten-years"),
        pytest.param(b'{"review_days":36501}', "more days than make sense", id="a-century"),
        pytest.param(b'{"card_fields":["colour"]}', "'colour', not one of task", id="field"),
        pytest.param(b'{"mode":"\xff"}', "not a policy", id="no-utf-8"),
    ],
)
def test_what_is_no_policy_is_told_why(text: bytes, told: str) -> None:
    with pytest.raises(ValueError, match="not a policy") as caught:
        Policy.decode(text)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        pytest.param({"pattern": "tfhub.dev/go ogle"}, "is not a pattern", id="a-space"),
        pytest.param({"pattern": "/google"}, "is not a pattern", id="a-slash-in-front"),
        pytest.param({"pattern": ""}, "is not a pattern", id="no-pattern"),
        pytest.param({"identity": ""}, "names no identity", id="nobody"),
        pytest.param({"key": ""}, "minisign rule for tfhub.dev/google/** needs `key`", id="no-key"),
        pytest.param({"issuer": "x"}, "has no use for `issuer`", id="too-much"),
        pytest.param({"kind": "sigstore"}, "has no use for `key`", id="another-kind"),
    ],
)
def test_a_rule_of_evidence_has_what_its_kind_needs(changed: dict[str, Any], told: str) -> None:
    policy = Policy(evidence=(msgspec.structs.replace(KEY, **changed),))
    with pytest.raises(ValueError, match="not a policy") as caught:
        Policy.decode(policy.encode())
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "handle", "does"),
    [
        ("tfhub.dev/google/*/*", "tfhub.dev/google/spice/2", True),
        ("tfhub.dev/google/*", "tfhub.dev/google/spice/2", False),
        ("tfhub.dev/google/**", "tfhub.dev/google/spice/2", True),
        ("tfhub.dev/google/**", "tfhub.dev/googler/spice/2", False),
        ("**", "tfhub.dev/google/spice/2", True),
        ("tfhub.dev/google/spice/?", "tfhub.dev/google/spice/2", True),
        ("tfhub.dev/google/spice/?", "tfhub.dev/google/spice/12", False),
        ("tfhub_dev/google/spice/2", "tfhub.dev/google/spice/2", False),
        ("tfhub.dev/google/spice.2", "tfhub.dev/google/spice/2", False),
    ],
)
def test_a_star_stays_within_a_segment_and_two_do_not(
    pattern: str, handle: str, does: bool
) -> None:
    assert matches(pattern, handle) is does


@given(st.text("ab/*?.", max_size=20), st.text("ab/.", max_size=20))
def test_a_pattern_without_wildcards_matches_itself_alone(pattern: str, handle: str) -> None:
    if "*" not in pattern and "?" not in pattern:
        assert matches(pattern, handle) == (pattern == handle)


def test_a_module_that_is_larger_than_allowed_is_refused() -> None:
    size = RECORD.archive.size
    assert judged(RECORD, largest_module=size) == ""
    assert judged(RECORD, largest_module=size - 1) == (
        f"HP-T16: {SPICE} has {size} bytes, and the officers' policy allows {size - 1}"
    )
    assert too_large(RECORD, Policy(largest_module=0)) is None


@pytest.mark.parametrize(
    ("found", "told"),
    [
        pytest.param((evidence("google"),), "", id="row 12: the publisher's"),
        pytest.param((evidence("eve"), evidence("google")), "", id="row 12: among others"),
        pytest.param(
            (evidence("eve"),),
            "identity google (minisign) expected, eve (minisign) found",
            id="row 12: somebody else's",
        ),
        pytest.param(
            (evidence("google", "sshsig"),),
            "identity google (minisign) expected, google (sshsig) found",
            id="row 12: another kind of signature",
        ),
        pytest.param(
            (evidence("google", issuer="https://accounts.example"),),
            "expected, google (minisign) found",
            id="row 12: vouched for by somebody",
        ),
        pytest.param((), "missing: google (minisign) expected", id="row 12: an empty list"),
        pytest.param(msgspec.UNSET, "missing: google (minisign) expected", id="row 12: none"),
    ],
)
def test_a_publishers_module_needs_his_signature(found: Any, told: str) -> None:
    said = judged(a_record(evidence=found), evidence=(KEY,))
    assert said.startswith(f"HP-T12: {SPICE}: publisher signature " if told else "")
    assert said.endswith(told)
    assert bool(said) == bool(told)


def test_any_rule_that_matches_will_do_and_others_do_not_matter() -> None:
    other = msgspec.structs.replace(KEY, identity="google-2")
    elsewhere = msgspec.structs.replace(KEY, pattern="tfhub.dev/deepmind/**")
    assert judged(a_record(evidence=(evidence("google-2"),)), evidence=(KEY, other)) == ""
    assert judged(RECORD, evidence=(elsewhere,)) == ""
    assert "google (minisign) or google-2 (minisign)" in judged(RECORD, evidence=(KEY, other))


def test_a_keyless_identity_counts_with_its_issuer_alone() -> None:
    rule = EvidenceRule(
        pattern="**", kind="sigstore", identity="a@b.example", issuer="https://i", trusted_root="{}"
    )
    right, wrong = (
        evidence("a@b.example", "sigstore", issuer=name) for name in ("https://i", "https://j")
    )
    assert judged(a_record(evidence=(right,)), evidence=(rule,)) == ""
    assert "HP-T12" in judged(a_record(evidence=(wrong,)), evidence=(rule,))


def test_a_card_must_say_what_is_demanded_or_that_it_is_unknown() -> None:
    demanded = ("task", "datasets", "fairnessAssessments")
    card = CardNote(digest="sha256:0", size=1, fields=("task",), unknown=("datasets: ada",))
    assert judged(a_record(card=card), card_fields=("task", "datasets")) == ""
    assert judged(a_record(card=card), card_fields=demanded) == (
        f"HP-T16: {SPICE} has no card that says of it: fairnessAssessments; "
        "the officers' policy demands that"
    )
    assert "task, datasets, fairnessAssessments" in judged(RECORD, card_fields=demanded)


@pytest.mark.parametrize(
    ("review_by", "review_days", "at", "due"),
    [
        pytest.param("", 0, "2999-01-01", "", id="row 26: never"),
        pytest.param("2024-06-01", 0, "2024-06-01T23:59", "", id="row 26: on the day"),
        pytest.param("2024-06-01", 0, "2024-06-02", "2024-06-01", id="row 26: after it"),
        pytest.param("", 10, "2024-03-11T11:59", "", id="row 26: within the days"),
        pytest.param("", 10, "2024-03-11T12:00", "2024-03-11", id="row 26: after the days"),
        pytest.param("2024-06-01", 10, "2024-03-12", "2024-03-11", id="row 26: days are earlier"),
        pytest.param("2024-03-05", 10, "2024-03-07", "2024-03-05", id="row 26: the day is earlier"),
        pytest.param("2024-03-05T12:00:00Z", 0, "2024-03-06T13:00", "2024-03-06", id="a-moment"),
        pytest.param("soon", 0, "2024-03-05", "0001-01-01", id="row 26: no day at all"),
        pytest.param("9999-12-31", 0, "9999-12-31", "", id="the-last-day-there-is"),
    ],
)
def test_a_review_is_due_by_the_earlier_day(
    review_by: str, review_days: int, at: str, due: str
) -> None:
    record, now = a_record(review_by=review_by), datetime.fromisoformat(at).replace(tzinfo=UTC)
    policy = Policy(review_days=review_days)
    warning = overdue(record, policy, now)
    assert (warning.message if warning else "") == (
        f"{SPICE} was to be reviewed again by {due}" if due else ""
    )
    assert judge_policy(record, policy, now) is None
    refusing = judge_policy(record, Policy(review_days=review_days, overdue="refuse"), now)
    assert refusing == warning


def test_a_site_can_only_be_stricter() -> None:
    demanding = Policy(mode="enforce", largest_module=1000)
    assert stricter("first-use", demanding) == "enforce"
    assert stricter("enforce", NO_POLICY) == "enforce"
    assert stricter("first-use", NO_POLICY) == "first-use"
    assert laxer(demanding, mode="enforce", largest_module=1000) == []
    assert laxer(NO_POLICY, mode="first-use", largest_module=10**15) == []
    mode, size = laxer(demanding, mode="first-use", largest_module=1001)
    assert mode == (
        "trust.mode is first-use, but the officers' policy demands enforce: "
        "the daemon runs in enforce"
    )
    assert size == (
        "limits.unpacked is 1,001 bytes, but the officers' policy allows a module 1,000: "
        "larger ones are refused"
    )
