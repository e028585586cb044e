"""What OpenSSL makes of the root and its leaves, and of leaves that no CA of ours would sign."""

import shutil
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from hubproxy.ca.certificates import LEAF_LIFE, ROOT_LIFE, SKEW, build_root
from tests.ca.forging import NOW, cert_pem, certificate, forged, new_authority, openssl_verify

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
HUBS = ("tfhub.dev", "kaggle.com")
LONG = f"{'a' * 60}.tfhub.dev"


def address(text: str) -> x509.IPAddress:
    return x509.IPAddress(ip_address(text))


def test_a_root_is_a_root_for_servers_and_nothing_below_it_is() -> None:
    root = new_authority(*HUBS).issuer
    found = {type(one.value): one for one in root.extensions}

    assert found[x509.BasicConstraints].value == x509.BasicConstraints(ca=True, path_length=0)
    usage = found[x509.KeyUsage].value
    assert usage.key_cert_sign
    assert usage.crl_sign
    assert not usage.digital_signature
    assert list(found[x509.ExtendedKeyUsage].value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert {kind.__name__ for kind, one in found.items() if one.critical} == {
        "BasicConstraints",
        "KeyUsage",
        "NameConstraints",
    }
    identifier = found[x509.SubjectKeyIdentifier].value.digest.hex()
    assert root.subject.rfc4514_string() == f"CN=hubproxy CA {identifier[:8]}"
    assert root.issuer == root.subject
    assert root.not_valid_before_utc == NOW.replace(microsecond=0) - SKEW
    assert root.not_valid_after_utc == NOW.replace(microsecond=0) + ROOT_LIFE


@pytest.mark.parametrize("host", ["TFHUB.dev", "*.tfhub.dev", "a b", "", "[::1]", "tfhub.dev:443"])
def test_a_root_is_made_for_hosts_only(host: str) -> None:
    with pytest.raises(ValueError, match="not the name of a host"):
        build_root(new_authority("a.example")._key, [host], now=NOW)  # type: ignore[arg-type]  # it is one


def test_a_leaf_is_a_servers_for_one_host_and_short_lived() -> None:
    authority = new_authority(*HUBS)
    pem = authority.issue("tfhub.dev", now=NOW).chain_pem
    leaf = x509.load_pem_x509_certificate(pem)
    found = {type(one.value): one.value for one in leaf.extensions}

    assert list(found[x509.SubjectAlternativeName]) == [x509.DNSName("tfhub.dev")]
    assert found[x509.BasicConstraints] == x509.BasicConstraints(ca=False, path_length=None)
    assert list(found[x509.ExtendedKeyUsage]) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert found[x509.KeyUsage].digital_signature
    assert not found[x509.KeyUsage].key_cert_sign
    root = authority.issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert found[x509.AuthorityKeyIdentifier].key_identifier == root.digest
    assert found[x509.SubjectKeyIdentifier].digest != root.digest
    assert leaf.subject.rfc4514_string() == "CN=tfhub.dev"
    assert leaf.not_valid_after_utc == NOW.replace(microsecond=0) + LEAF_LIFE
    assert timedelta(days=1) < LEAF_LIFE <= timedelta(days=90)


@pytest.mark.parametrize(
    ("host", "critical"),
    [
        pytest.param("tfhub.dev", False, id="a-name-that-fits"),
        pytest.param(LONG, True, id="a-name-of-more-than-64-characters"),
        pytest.param("127.0.0.1", True, id="an-address"),
    ],
)
def test_the_alternative_name_is_critical_when_there_is_no_subject(
    host: str, critical: bool
) -> None:
    pem = new_authority("tfhub.dev", "127.0.0.1").issue(host, now=NOW).chain_pem
    leaf = x509.load_pem_x509_certificate(pem)
    found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert (found.critical, not list(leaf.subject)) == (critical, critical)


def test_no_two_leaves_have_a_serial_or_a_key_in_common() -> None:
    authority = new_authority(*HUBS)
    issued = [authority.issue("tfhub.dev", now=NOW) for _ in range(50)]
    leaves = [x509.load_pem_x509_certificate(leaf.chain_pem) for leaf in issued]
    assert len({leaf.serial_number for leaf in leaves}) == 50
    assert len({leaf.key_pem for leaf in issued}) == 50


@needs_openssl
@pytest.mark.parametrize(
    ("hubs", "host"),
    [
        pytest.param(HUBS, "tfhub.dev", id="a-hub"),
        pytest.param(HUBS, "kaggle.com", id="another-hub"),
        pytest.param(HUBS, "www.kaggle.com", id="www"),
        pytest.param(HUBS, LONG, id="a-long-name"),
        pytest.param(["localhost"], "localhost", id="localhost"),
        pytest.param(["10.0.0.1"], "10.0.0.1", id="only-hub-an-address"),
        pytest.param(["::1"], "::1", id="only-hub-an-address-of-version-6"),
        pytest.param(["10.0.0.1", "::1"], "::1", id="addresses-of-both-versions"),
        pytest.param(["10.0.0.1", "tfhub.dev"], "10.0.0.1", id="address-beside-a-name"),
        pytest.param(["10.0.0.1", "tfhub.dev"], "tfhub.dev", id="name-beside-an-address"),
    ],
)
def test_openssl_takes_a_leaf_for_a_hub(tmp_path: Path, hubs: list[str], host: str) -> None:
    authority = new_authority(*hubs)
    leaf = authority.issue(host, now=NOW)
    assert authority.permits(host)
    assert openssl_verify(tmp_path, authority.certificate_pem, leaf.chain_pem) == "good"


@needs_openssl
@pytest.mark.parametrize(
    ("hubs", "name"),
    [
        pytest.param(HUBS, x509.DNSName("example.com"), id="foreign-name"),
        pytest.param(HUBS, x509.DNSName("eviltfhub.dev"), id="name-that-ends-alike"),
        pytest.param(HUBS, x509.DNSName("dev"), id="name-above"),
        pytest.param(HUBS, x509.DNSName("*.com"), id="wildcard"),
        pytest.param(HUBS, address("10.0.0.1"), id="address"),
        pytest.param(HUBS, address("127.0.0.1"), id="loopback"),
        pytest.param(HUBS, address("2001:db8::1"), id="address-of-version-6"),
        pytest.param(HUBS, address("::ffff:10.0.0.1"), id="address-mapped"),
        pytest.param(HUBS, x509.RFC822Name("a@example.com"), id="mail"),
        pytest.param(HUBS, x509.RFC822Name("a@tfhub.dev"), id="mail-at-a-hub"),
        pytest.param(HUBS, x509.UniformResourceIdentifier("https://tfhub.dev/"), id="uri"),
        pytest.param(["10.0.0.1"], x509.DNSName("example.com"), id="name-when-none-is-a-hub"),
        pytest.param(["10.0.0.1"], address("10.0.0.2"), id="another-address"),
        pytest.param(["10.0.0.1"], address("::1"), id="the-other-version"),
        pytest.param(["::1"], address("::2"), id="another-address-of-version-6"),
        pytest.param(["::1"], address("127.0.0.1"), id="the-other-version-4"),
        pytest.param(["10.0.0.1", "::1"], address("::2"), id="another-beside-both"),
        pytest.param(["10.0.0.1", "::1"], x509.DNSName("a.example"), id="name-beside-both"),
        pytest.param(["10.0.0.1", "tfhub.dev"], x509.DNSName("a.example"), id="name-beside-one"),
        pytest.param(["10.0.0.1", "tfhub.dev"], address("::1"), id="version-6-beside-name"),
    ],
)
@pytest.mark.parametrize("subject", ["", "tfhub.dev"])
def test_openssl_refuses_a_leaf_for_anything_else(
    tmp_path: Path, hubs: list[str], name: x509.GeneralName, subject: str
) -> None:
    authority = new_authority(*hubs)
    leaf = forged(authority, name, subject=subject)
    told = openssl_verify(tmp_path, authority.certificate_pem, cert_pem(leaf), purpose="any")
    assert "subtree violation" in told
    assert not authority.permits(str(name.value))


@needs_openssl
def test_openssl_refuses_a_foreign_name_in_the_subject(tmp_path: Path) -> None:
    authority = new_authority(*HUBS)
    leaf = forged(authority, subject="example.com")
    told = openssl_verify(tmp_path, authority.certificate_pem, cert_pem(leaf), purpose="any")
    assert "permitted subtree violation" in told


@needs_openssl
@pytest.mark.parametrize("purpose", ["sslclient", "smimesign"])
def test_openssl_refuses_a_leaf_that_is_no_servers(tmp_path: Path, purpose: str) -> None:
    authority = new_authority(*HUBS)
    leaf = forged(authority, subject="admin")
    told = openssl_verify(tmp_path, authority.certificate_pem, cert_pem(leaf), purpose=purpose)
    assert "error 26 at 1 depth" in told  # the CA's own purpose


@needs_openssl
def test_openssl_refuses_another_ca_below(tmp_path: Path) -> None:
    authority = new_authority(*HUBS)
    below = certificate(
        issuer=authority.issuer,
        signed_by=authority._key,
        subject="below",
        extensions=[x509.BasicConstraints(ca=True, path_length=None)],
    )
    leaf = certificate(issuer=below, names=[x509.DNSName("tfhub.dev")])
    told = openssl_verify(tmp_path, authority.certificate_pem, cert_pem(leaf, below))
    assert "path length constraint exceeded" in told


@needs_openssl
@pytest.mark.parametrize(
    ("after", "told"),
    [
        pytest.param(-SKEW + timedelta(seconds=1), "good", id="a-clock-that-is-behind"),
        pytest.param(-SKEW - timedelta(seconds=2), "not yet valid", id="before"),
        pytest.param(LEAF_LIFE - timedelta(minutes=1), "good", id="last-minute"),
        pytest.param(LEAF_LIFE + timedelta(minutes=1), "has expired", id="after"),
    ],
)
def test_openssl_takes_a_leaf_while_it_lives(tmp_path: Path, after: timedelta, told: str) -> None:
    authority = new_authority(*HUBS)
    leaf = authority.issue("tfhub.dev", now=NOW)
    found = openssl_verify(tmp_path, authority.certificate_pem, leaf.chain_pem, at=NOW + after)
    assert told in found
