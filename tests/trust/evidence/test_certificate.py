"""OMS bundles by a certificate chain."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from hubproxy.core.policy import EvidenceRule
from hubproxy.trust.evidence import check, check_rule
from tests.trust.evidence.chains import CODE, TLS, Authority, Issued, publisher, shown_as
from tests.trust.evidence.publisher import (
    NOW,
    OTHER,
    PUBLISHER,
    Publisher,
    needs,
    refusal,
    statement,
    subject,
)

pytestmark = needs("openssl")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def leaf(authority: Authority) -> Issued:
    return authority.leaf()


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
def test_a_chain_to_the_publishers_own_ca_is_taken(authority: Authority, curve: str) -> None:
    check_rule(authority.rule())
    signed = publisher(authority.leaf(curve=curve)).signed()

    found = check(signed, [authority.rule()], subject(), at=NOW)

    assert (found.kind, found.identity, found.issuer) == ("oms-certificate", PUBLISHER, "")


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("email:releases@publisher.example", "releases@publisher.example"),
        ("URI:https://publisher.example/releases", "https://publisher.example/releases"),
        ("URI:spiffe://publisher.example/ci", "spiffe://publisher.example/ci"),
        ("DNS:signing.publisher.example", "signing.publisher.example"),
        ("email:a@publisher.example,email:b@publisher.example", "b@publisher.example"),
    ],
)
def test_an_identity_is_a_name_that_the_certificate_gives(
    authority: Authority, name: str, identity: str
) -> None:
    signed = publisher(authority.leaf(name=name)).signed()

    assert check(signed, [authority.rule(identity)], subject(), at=NOW).identity == identity


def test_a_root_that_comes_along_changes_nothing(authority: Authority, leaf: Issued) -> None:
    signed = publisher(leaf, [*leaf.chain, authority.root]).signed()

    assert check(signed, [authority.rule()], subject(), at=NOW).identity == PUBLISHER


def test_an_intermediate_for_code_alone_is_taken(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "a", limits=("extendedKeyUsage=codeSigning",))
    signed = publisher(authority.leaf()).signed()

    assert check(signed, [authority.rule()], subject(), at=NOW).identity == PUBLISHER


# The four certificates.


def test_row_13_a_certificate_that_has_expired_is_refused(
    authority: Authority, leaf: Issued
) -> None:
    signed = publisher(leaf).signed()
    begins, ends = leaf.certificate.not_valid_before_utc, leaf.certificate.not_valid_after_utc
    second = timedelta(seconds=1)

    assert check(signed, [authority.rule()], subject(), at=ends).identity == PUBLISHER
    assert refusal(signed, authority.rule(), at=ends + second) == (
        f"certificate expired on {ends.date()}"
    )
    assert refusal(signed, authority.rule(), at=begins - second) == (
        f"certificate is not valid before {begins:%Y-%m-%d %H:%M} UTC"
    )


def test_row_13_a_tls_servers_certificate_of_the_same_ca_is_refused(authority: Authority) -> None:
    signed = publisher(authority.leaf(*TLS)).signed()

    assert refusal(signed, authority.rule()) == (
        f"the certificate is not one for {PUBLISHER}: not made for signing code"
    )


def test_row_13_a_chain_to_another_root_is_refused(authority: Authority, tmp_path: Path) -> None:
    foreign = Authority(tmp_path / "foreign")
    leaf = foreign.leaf()

    for chain in (leaf.chain, [leaf, authority.intermediate], [*leaf.chain, foreign.root]):
        assert refusal(publisher(leaf, chain).signed(), authority.rule()).startswith(
            f"the certificate is not one for {PUBLISHER}: its chain does not lead to his CA"
        )


@pytest.mark.parametrize(
    ("name", "identity", "found"),
    [
        ("email:intern@publisher.example", PUBLISHER, "`intern@publisher.example`"),
        ("email:RELEASES@publisher.example", PUBLISHER, "`RELEASES@publisher.example`"),
        ("email:x.releases@publisher.example", PUBLISHER, "`x.releases@publisher.example`"),
        ("DNS:a.example,URI:https://b.example", PUBLISHER, "`https://b.example`, `a.example`"),
        ("DNS:*.publisher.example", "signing.publisher.example", "`*.publisher.example`"),
        ("IP:192.0.2.1", "192.0.2.1", "none"),
        ("URI:signing.publisher.example", "signing.publisher.example", "`signing.publisher.ex"),
        (f"DNS:{PUBLISHER}", PUBLISHER, f"`{PUBLISHER}`"),
    ],
)
def test_row_13_a_certificate_of_somebody_else_is_refused(
    authority: Authority, name: str, identity: str, found: str
) -> None:
    signed = publisher(authority.leaf(name=name)).signed()

    said = refusal(signed, authority.rule(identity))

    assert said.startswith(f"identity {identity} expected, {found}")
    assert said.endswith(" found")


def test_row_12_a_valid_bundle_of_another_module_is_refused(
    authority: Authority, leaf: Issued
) -> None:
    signed = publisher(leaf).signed(statement(OTHER))

    assert refusal(signed, authority.rule()).startswith("signs other files: `variables/")


# What else a certificate may not be.


@pytest.mark.parametrize(
    ("extensions", "why"),
    [
        pytest.param(CODE[:2], "2.5.29.37: Certificate is missing", id="for nothing in particular"),
        pytest.param(
            (*CODE[:2], "extendedKeyUsage=emailProtection"),
            "not made for signing code",
            id="for e-mail",
        ),
        pytest.param(
            (*CODE[:2], "extendedKeyUsage=anyExtendedKeyUsage"),
            "not made for signing code",
            id="for anything",
        ),
        pytest.param(
            (CODE[0], "keyUsage=critical,keyEncipherment", CODE[2]),
            "not made for signatures",
            id="for encryption",
        ),
        pytest.param(
            ("basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign,digitalSignature", CODE[2]),
            "must not be asserted in an EE",
            id="a CA",
        ),
        pytest.param((*CODE, "1.2.3.4=critical,ASN1:NULL"), "critical extension", id="unknown"),
    ],
)
def test_a_certificate_for_something_else_is_refused(
    authority: Authority, extensions: tuple[str, ...], why: str
) -> None:
    assert why in refusal(publisher(authority.leaf(*extensions)).signed(), authority.rule())


def test_a_certificate_that_names_nobody_is_refused(authority: Authority) -> None:
    assert "Certificate is missing required extension" in refusal(
        publisher(authority.leaf(name="")).signed(), authority.rule()
    )


def test_a_certificate_with_a_key_that_oms_has_not_is_refused(authority: Authority) -> None:
    signed = publisher(authority.leaf(curve="RSA")).signed()

    assert refusal(signed, authority.rule()) == (
        "the certificate cannot sign an OMS bundle: the key is not ECDSA on P-256, P-384 or P-521"
    )


def test_a_key_that_is_not_the_certificates_is_refused(authority: Authority, leaf: Issued) -> None:
    stranger = Publisher(material=shown_as([one.der for one in leaf.chain]))

    assert refusal(stranger.signed(), authority.rule()) == (
        f"identity {PUBLISHER} expected, and his key did not make this signature"
    )


def test_an_intermediate_for_something_else_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "a", limits=("extendedKeyUsage=serverAuth",))

    assert "not made for signing code" in refusal(
        publisher(authority.leaf()).signed(), authority.rule()
    )


def test_an_intermediate_that_has_expired_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "a", days=1)
    signed = publisher(authority.leaf()).signed()

    assert check(signed, [authority.rule()], subject(), at=NOW).identity == PUBLISHER
    assert "not valid at validation time" in refusal(
        signed, authority.rule(), at=NOW + timedelta(days=2)
    )


def test_a_leaf_may_not_issue_another(authority: Authority, leaf: Issued) -> None:
    below = authority.leaf(by=leaf)

    assert refusal(publisher(below).signed(), authority.rule()).startswith(
        f"the certificate is not one for {PUBLISHER}: its chain does not lead to his CA"
    )


def test_a_chain_without_its_intermediate_is_refused(authority: Authority, leaf: Issued) -> None:
    assert "its chain does not lead to his CA" in refusal(
        publisher(leaf, [leaf]).signed(), authority.rule()
    )


@pytest.mark.parametrize(
    ("chain", "why"),
    [
        pytest.param([], "a chain of 0 certificates, not of 1 to 10", id="empty"),
        pytest.param([b"x"] * 11, "a chain of 11 certificates, not of 1 to 10", id="long"),
        pytest.param([b"x"], "not a certificate: ", id="garbage"),
    ],
)
def test_a_chain_of_another_shape_is_refused(
    authority: Authority, chain: list[bytes], why: str
) -> None:
    assert refusal(Publisher(material=shown_as(chain)).signed(), authority.rule()).startswith(why)


def test_a_bare_key_meets_no_rule_for_certificates(authority: Authority) -> None:
    assert refusal(Publisher().signed(), authority.rule()) == (
        f"oms-certificate by {PUBLISHER} expected, oms-key found"
    )


def test_of_two_cas_either_may_vouch(authority: Authority, leaf: Issued, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other").root
    rule: EvidenceRule = msgspec.structs.replace(
        authority.rule(), roots=other.text + authority.root.text
    )

    assert check(publisher(leaf).signed(), [rule], subject(), at=NOW).identity == PUBLISHER
