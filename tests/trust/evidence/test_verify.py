"""What is common to signatures of every kind."""

from datetime import datetime

import msgspec
import pytest

from hubproxy.core.policy import EvidenceRule
from hubproxy.errors import DeniedError, UsageError
from hubproxy.trust.evidence import check, check_rule, needed
from tests.trust.evidence.publisher import (
    KINDS,
    MODULE,
    NOW,
    PUBLISHER,
    Publisher,
    refusal,
    sha256,
    subject,
)

ADA = Publisher()
BOB = Publisher()
SIGNED = ADA.signed()


def test_evidence_says_who_signed_what_and_when_it_was_checked() -> None:
    at = datetime.fromisoformat("2024-03-01T12:00:00Z")

    found = check(SIGNED, [ADA.rule], subject(), at=at)

    assert (found.kind, found.identity, found.issuer) == ("oms-key", PUBLISHER, "")
    assert found.digest == f"sha256:{sha256(SIGNED)}"
    assert found.verified_at == "2024-03-01T12:00:00.000Z"


def test_one_rule_of_several_is_enough() -> None:
    other = msgspec.structs.replace(BOB.rule, identity="bob@publisher.example")

    assert check(SIGNED, [other, ADA.rule], subject(), at=NOW).identity == PUBLISHER


def test_where_no_rule_is_met_each_is_named() -> None:
    first = msgspec.structs.replace(BOB.rule, identity="bob@publisher.example")
    second = msgspec.structs.replace(BOB.rule, identity="eve@publisher.example")

    assert refusal(SIGNED, first, second) == (
        "identity bob@publisher.example expected, and his key did not make this signature; "
        "identity eve@publisher.example expected, and his key did not make this signature"
    )


def test_a_signature_of_another_kind_meets_no_rule() -> None:
    rule = EvidenceRule(pattern="**", kind="minisign", identity="Ada", key="RWQ")

    assert refusal(SIGNED, rule) == "minisign by Ada expected, oms-key found"


def test_without_a_rule_no_signature_counts() -> None:
    with pytest.raises(UsageError, match=r"no rule of policy\.json says whose signature"):
        check(SIGNED, [], subject(), at=NOW)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"-----BEGIN PGP SIGNATURE-----\n", id="OpenPGP"),
        pytest.param(b"[1]", id="another JSON"),
        pytest.param(b"\x30\x82", id="DER"),
        pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
    ],
)
def test_what_is_no_signature_is_told(data: bytes) -> None:
    assert refusal(data, ADA.rule).startswith("neither an OpenSSF Model Signing bundle nor a mini")
    with pytest.raises(DeniedError, match="neither an OpenSSF"):
        needed(data)


def test_a_file_of_nine_megabytes_is_not_read() -> None:
    data = SIGNED + b" " * 9_000_000

    assert refusal(data, ADA.rule) == (f"{len(data):,} bytes; no signature has more than 8,388,608")


def test_what_must_be_known_of_the_archive_shows_in_the_signature() -> None:
    assert needed(SIGNED) == frozenset()


@pytest.mark.parametrize(
    ("kind", "fields", "why"),
    [
        ("oms-key", {"key": "hello"}, "its key is not a public key in PEM"),
        ("oms-certificate", {"roots": "hello"}, "its roots are not certificates in PEM"),
        ("minisign", {"key": "RWQf6LRC"}, "its key is not a minisign key"),
        ("minisign", {"key": "not base64!"}, "its key is not a minisign key"),
        ("minisign", {"key": " \n"}, "its key is not a minisign key"),
        ("sshsig", {"key": "ssh-ed25519"}, r"its key is not the line of a \.pub file"),
        ("sshsig", {"key": "ssh-dss AAAA"}, r"its key is not the line of a \.pub file"),
        ("sshsig", {"key": "ssh-ed25519 AAAA"}, "its key cannot be read"),
        ("sigstore", {"trusted_root": "hello"}, r"its trusted root is not a trusted_root\.json"),
        ("sigstore", {"trusted_root": '{"mediaType":"x"}'}, "its trusted root is not of type"),
        ("sigstore", {"trusted_root": '{"a":' + "[" * 9999}, "its trusted root is not a trusted_"),
    ],
)
def test_a_rule_that_cannot_be_used_is_told_before_it_is_signed(
    kind: str, fields: dict[str, str], why: str
) -> None:
    rule = msgspec.convert(
        {"pattern": "tfhub.dev/**", "kind": kind, "identity": "Ada", **fields}, EvidenceRule
    )

    with pytest.raises(UsageError, match=rf"the {kind} rule for tfhub\.dev/\*\* cannot be") as told:
        check_rule(rule)

    assert told.match(why)


def test_a_rule_that_can_be_used_is_told_nothing() -> None:
    check_rule(ADA.rule)


def test_a_rule_that_cannot_be_used_is_not_taken_for_a_bad_signature() -> None:
    rule = msgspec.structs.replace(ADA.rule, key="hello")

    with pytest.raises(UsageError, match=r"policy\.json: the oms-key rule for \*\* cannot be used"):
        check(SIGNED, [rule], subject(), at=NOW)


def test_every_kind_can_be_tried_before_it_is_signed() -> None:
    for kind in KINDS:
        with pytest.raises(UsageError):
            check_rule(EvidenceRule(pattern="**", kind=kind, identity="Ada"))


def test_a_moment_must_have_a_time_zone() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        check(SIGNED, [ADA.rule], subject(MODULE), at=datetime(2024, 3, 1))  # noqa: DTZ001  # so it is
