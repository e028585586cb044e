"""An operator's own CA."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from hubproxy.ca.own import load_own, read_own
from hubproxy.errors import AuthorityError, HostNotPermittedError
from tests.ca.forging import NOW, cert_pem, certificate, key_pem, openssl_verify
from tests.ca.sites import (
    CA,
    ISSUER,
    KEY,
    MIDDLE,
    MIDDLE_KEY,
    OTHER,
    ROOT,
    ROOT_KEY,
    SIGNS,
    SIGNS_NOT,
    ca,
    own_files,
)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return own_files(tmp_path)


def subjects(pem: bytes) -> list[str]:
    return [one.subject.rfc4514_string() for one in x509.load_pem_x509_certificates(pem)]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
@pytest.mark.parametrize(
    ("found", "sent", "trusted"),
    [
        pytest.param(
            [ISSUER, MIDDLE, ROOT], ["site issuer", "site middle"], "site root", id="in-order"
        ),
        pytest.param(
            [ROOT, OTHER, MIDDLE, ISSUER],
            ["site issuer", "site middle"],
            "site root",
            id="in-any-order-with-others",
        ),
        pytest.param(
            [ISSUER, MIDDLE], ["site issuer", "site middle"], "site middle", id="without-root"
        ),
        pytest.param([ISSUER], ["site issuer"], "site issuer", id="alone"),
    ],
)
def test_a_leaf_is_sent_with_the_chain_below_the_root(
    files: tuple[Path, Path],
    tmp_path: Path,
    found: list[x509.Certificate],
    sent: list[str],
    trusted: str,
) -> None:
    files[0].write_bytes(cert_pem(*found))
    authority = load_own(*files, now=NOW)
    leaf = authority.issue("tfhub.dev", now=NOW)
    assert subjects(leaf.chain_pem) == ["CN=tfhub.dev", *(f"CN={name}" for name in sent)]
    assert authority.subject == trusted
    assert subjects(authority.certificate_pem) == [f"CN={trusted}"]
    # Those who trust the site's root already need nothing of ours but what is sent.
    above = cert_pem(ROOT) if len(found) > 1 else cert_pem(ROOT, MIDDLE)
    assert openssl_verify(tmp_path, above, leaf.chain_pem) == "good"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_a_root_of_ones_own_is_not_sent(files: tuple[Path, Path], tmp_path: Path) -> None:
    files[0].write_bytes(cert_pem(ROOT))
    files[1].write_bytes(key_pem(ROOT_KEY))
    authority = load_own(*files, now=NOW)
    leaf = authority.issue("tfhub.dev", now=NOW)
    assert subjects(leaf.chain_pem) == ["CN=tfhub.dev"]
    assert openssl_verify(tmp_path, authority.certificate_pem, leaf.chain_pem) == "good"


def test_an_rsa_key_will_do(files: tuple[Path, Path], tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    files[0].write_bytes(
        cert_pem(certificate(key.public_key(), signed_by=key, subject="rsa", extensions=[CA]))  # type: ignore[arg-type]  # a public key
    )
    files[1].write_bytes(key_pem(key))
    authority = load_own(*files, now=NOW)
    leaf = authority.issue("tfhub.dev", now=NOW)
    x509.load_pem_x509_certificate(leaf.chain_pem).verify_directly_issued_by(authority.issuer)


def test_a_leaf_ends_with_the_first_of_its_chain(files: tuple[Path, Path]) -> None:
    short = ca("site middle", MIDDLE_KEY, ROOT, ROOT_KEY, life=timedelta(days=2))
    files[0].write_bytes(cert_pem(ISSUER, short, ROOT))
    authority = load_own(*files, now=NOW)
    assert authority.expires == short.not_valid_after_utc
    assert authority.issue("tfhub.dev", now=NOW).expires == short.not_valid_after_utc


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
@pytest.mark.parametrize("where", ["issuer", "above"])
def test_its_name_constraints_are_kept(
    files: tuple[Path, Path], tmp_path: Path, where: str
) -> None:
    narrow = x509.NameConstraints([x509.DNSName("dev")], [x509.DNSName("bad.dev")])
    middle = ca(
        "site middle", MIDDLE_KEY, ROOT, ROOT_KEY,
        more=(CA, SIGNS, narrow) if where == "above" else (CA, SIGNS),
    )  # fmt: skip
    issuer = ca(
        "site issuer", KEY, middle, MIDDLE_KEY,
        more=(CA, SIGNS, narrow) if where == "issuer" else (CA, SIGNS),
    )  # fmt: skip
    files[0].write_bytes(cert_pem(issuer, middle, ROOT))
    authority = load_own(*files, now=NOW)
    assert authority.permits("tfhub.dev")
    leaf = authority.issue("tfhub.dev", now=NOW)
    assert openssl_verify(tmp_path, authority.certificate_pem, leaf.chain_pem) == "good"
    for host in ("kaggle.com", "a.bad.dev"):
        assert not authority.permits(host)
        with pytest.raises(HostNotPermittedError) as told:
            authority.issue(host, now=NOW)
        assert "forward.ca_certificate" in told.value.remedy


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
@pytest.mark.parametrize("where", ["issuer", "above"])
def test_a_subject_is_left_out_where_constraints_speak_of_it(
    files: tuple[Path, Path], tmp_path: Path, where: str
) -> None:
    organisation = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Site")])
    narrow = x509.NameConstraints([x509.DirectoryName(organisation)], None)
    root = ca("root", ROOT_KEY, more=(CA, SIGNS, narrow) if where == "above" else (CA, SIGNS))
    issuer = certificate(
        KEY.public_key(), issuer=root, signed_by=ROOT_KEY, subject="issuer", organisation="Site",
        extensions=[
            CA, SIGNS, *([narrow] if where == "issuer" else []),
            x509.SubjectKeyIdentifier.from_public_key(KEY.public_key()),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ROOT_KEY.public_key()),
        ],
    )  # fmt: skip
    files[0].write_bytes(cert_pem(issuer, root))
    leaf = load_own(*files, now=NOW).issue("tfhub.dev", now=NOW)
    assert openssl_verify(tmp_path, cert_pem(root), leaf.chain_pem) == "good"


def not_a_ca(*more: x509.ExtensionType) -> bytes:
    return cert_pem(ca("own", KEY, more=more))


@pytest.mark.parametrize(
    ("pem", "said"),
    [
        pytest.param(b"", "holds no certificate in PEM", id="empty"),
        pytest.param(b"hello", "holds no certificate in PEM", id="no-certificate"),
        pytest.param(
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "holds no certificate in PEM",
            id="damaged",
        ),
        pytest.param(cert_pem(ROOT, OTHER), "belongs to no certificate in", id="another's"),
        pytest.param(not_a_ca(), "is not a CA's", id="no-basic-constraints"),
        pytest.param(
            not_a_ca(x509.BasicConstraints(ca=False, path_length=None)),
            "is not a CA's",
            id="a-server's",
        ),
        pytest.param(not_a_ca(CA, SIGNS_NOT), "is not a CA's", id="may-not-sign"),
        pytest.param(
            not_a_ca(CA, SIGNS, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])),
            "is for other things than servers",
            id="for-mail",
        ),
        pytest.param(
            not_a_ca(CA, x509.UnrecognizedExtension(x509.NameConstraints.oid, b"\x30")),
            "is malformed",
            id="malformed-extension",
        ),
        pytest.param(
            cert_pem(ISSUER, ca("site middle", MIDDLE_KEY, ROOT, ROOT_KEY, more=())),
            "'CN=site middle' in .* is not a CA's",
            id="what-is-above-is-none",
        ),
    ],
)
def test_a_certificate_of_no_use_is_refused(
    files: tuple[Path, Path], pem: bytes, said: str
) -> None:
    files[0].write_bytes(pem)
    with pytest.raises(AuthorityError, match=said) as told:
        load_own(*files, now=NOW)
    assert "forward.ca_certificate" in told.value.remedy


@pytest.mark.parametrize(
    ("eku", "good"),
    [
        (ExtendedKeyUsageOID.SERVER_AUTH, True),
        (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, True),
        (ExtendedKeyUsageOID.CLIENT_AUTH, False),
    ],
)
def test_an_own_ca_may_say_that_it_is_for_servers(
    files: tuple[Path, Path], eku: x509.ObjectIdentifier, good: bool
) -> None:
    files[0].write_bytes(not_a_ca(CA, SIGNS, x509.ExtendedKeyUsage([eku])))
    if good:
        assert load_own(*files, now=NOW).permits("tfhub.dev")
    else:
        with pytest.raises(AuthorityError, match="other things"):
            load_own(*files, now=NOW)


@pytest.mark.parametrize(
    ("days", "said"), [(401, "'site root' expired on"), (-1, "not valid before")]
)
def test_an_own_ca_outside_of_its_time_is_refused(
    files: tuple[Path, Path], days: int, said: str
) -> None:
    with pytest.raises(AuthorityError, match=said):
        load_own(*files, now=NOW + timedelta(days=days))


def test_files_that_are_not_there_are_told(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(AuthorityError, match=r"there is no key at .*/none"):
        load_own(files[0], tmp_path / "none", now=NOW)
    with pytest.raises(AuthorityError, match=r"none cannot be read: No such file"):
        load_own(tmp_path / "none", files[1], now=NOW)
    with pytest.raises(AuthorityError, match="no plain file"):
        load_own(files[0], tmp_path, now=NOW)


def test_the_certificates_can_be_read_without_the_key(files: tuple[Path, Path]) -> None:
    files[1].unlink()
    for found in ([ISSUER, MIDDLE, ROOT], [ROOT, OTHER, MIDDLE, ISSUER]):
        files[0].write_bytes(cert_pem(*found))
        chain = read_own(files[0])
        assert chain.certificates == (ISSUER, MIDDLE, ROOT)
        assert chain.subject == "site root"
    files[0].write_bytes(not_a_ca())
    with pytest.raises(AuthorityError, match="is not a CA's"):
        read_own(files[0])
