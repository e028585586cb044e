"""The system's roots and ours in one file."""

import os
import re
import ssl
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hubproxy.ca.bundle import merged_bundle, system_roots
from hubproxy.errors import AuthorityError
from tests.ca.forging import cert_pem, certificate, new_authority

CORPORATE = certificate(subject="corporate root")
ANOTHER = certificate(subject="another root")


def subjects(pem: bytes) -> list[str]:
    return [one.subject.rfc4514_string() for one in x509.load_pem_x509_certificates(pem)]


def named(tmp_path: Path, content: bytes) -> dict[str, str]:
    path = tmp_path / "roots.pem"
    path.write_bytes(content)
    return {"SSL_CERT_FILE": str(path)}


def test_the_systems_roots_are_all_there_and_ours_is_first() -> None:
    ours = new_authority("tfhub.dev")
    try:
        found = system_roots({})
    except AuthorityError:
        pytest.skip("this system has no roots")
    bundle = merged_bundle(ours.certificate_pem, environ={})
    assert bundle.isascii()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=bundle.decode("ascii"))
    loaded = set(context.get_ca_certs(binary_form=True))
    assert loaded == {*found, ours.issuer.public_bytes(Encoding.DER)}
    system = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    system.load_default_certs()
    assert set(system.get_ca_certs(binary_form=True)) <= loaded
    first = bundle.partition(b"-----BEGIN")[0].decode()
    assert first == f"# hubproxy: CN={ours.subject}, until {ours.expires:%Y-%m-%d}\n"


def test_a_file_that_the_user_has_chosen_is_the_base(tmp_path: Path) -> None:
    ours = new_authority("tfhub.dev")
    environ = named(tmp_path, b"# some words, \xc3\xa4\r\n" + cert_pem(CORPORATE, ANOTHER))
    bundle = merged_bundle(ours.certificate_pem, environ=environ)
    assert subjects(bundle) == [f"CN={ours.subject}", "CN=corporate root", "CN=another root"]
    assert bundle.isascii()


def test_each_certificate_stands_in_it_once(tmp_path: Path) -> None:
    ours = new_authority("tfhub.dev").certificate_pem
    pem = cert_pem(CORPORATE, ANOTHER, CORPORATE) + ours
    environ = named(tmp_path, pem.replace(b"\n", b"\r\n") + cert_pem(ANOTHER))
    assert len(subjects(merged_bundle(ours + ours, environ=environ))) == 3


def test_the_same_bundle_is_made_from_itself(tmp_path: Path) -> None:
    ours = new_authority("tfhub.dev").certificate_pem
    once = merged_bundle(ours, environ=named(tmp_path, cert_pem(CORPORATE)))
    assert merged_bundle(ours, environ=named(tmp_path, once)) == once


def test_after_a_rotation_the_users_roots_stay_and_our_old_one_goes(tmp_path: Path) -> None:
    old, new = new_authority("tfhub.dev"), new_authority("tfhub.dev")
    once = merged_bundle(old.certificate_pem, environ=named(tmp_path, cert_pem(CORPORATE)))
    during = merged_bundle(new.certificate_pem + old.certificate_pem, environ=named(tmp_path, once))
    assert subjects(during) == [f"CN={new.subject}", f"CN={old.subject}", "CN=corporate root"]
    after = merged_bundle(new.certificate_pem, environ=named(tmp_path, during))
    assert subjects(after) == [f"CN={new.subject}", "CN=corporate root"]


def test_a_certificate_is_named_in_plain_letters(tmp_path: Path) -> None:
    odd = certificate(subject="Sité\nroot \x1b[31m")
    bundle = merged_bundle(cert_pem(odd), environ=named(tmp_path, cert_pem(CORPORATE)))
    assert bundle.isascii()
    assert re.fullmatch(rb"# hubproxy: [ -~]*, until \d{4}-\d\d-\d\d", bundle.splitlines()[0])
    assert len(subjects(bundle)) == 2


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"hello", id="no-pem"),
        pytest.param(
            b"-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n", id="no-base64"
        ),
        pytest.param(b"# hubproxy: old\n" + cert_pem(ANOTHER), id="ours-alone"),
        pytest.param(cert_pem(ANOTHER).replace(b"BEGIN", b"BEGIN TRUSTED"), id="openssls-own"),
    ],
)
def test_a_chosen_file_without_roots_is_told(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(AuthorityError, match=r"SSL_CERT_FILE is .*, which names no root") as told:
        merged_bundle(cert_pem(CORPORATE), environ=named(tmp_path, content))
    assert "SSL_CERT_FILE" in told.value.remedy


def test_a_chosen_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(AuthorityError, match="which cannot be read: Is a directory"):
        merged_bundle(cert_pem(CORPORATE), environ={"SSL_CERT_FILE": str(tmp_path)})


def test_a_chosen_file_that_is_not_there_chooses_nothing(tmp_path: Path) -> None:
    # As after a temporary bundle was cleared away, in a shell that still names it.
    try:
        found = system_roots({})
    except AuthorityError:
        pytest.skip("this system has no roots")
    assert system_roots({"SSL_CERT_FILE": str(tmp_path / "none")}) == found


def test_a_folder_of_roots_will_do(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    (folders[1] / "0123abcd.0").write_bytes(cert_pem(CORPORATE))
    (folders[1] / "0123abcd.1").write_bytes(cert_pem(ANOTHER))
    (folders[1] / "README").write_text("words")
    (folders[1] / "89abcdef.0").mkdir()
    environ = {"SSL_CERT_DIR": os.pathsep.join(map(str, folders))}
    ours = new_authority("tfhub.dev")
    bundle = merged_bundle(ours.certificate_pem, environ=environ, files=())
    assert subjects(bundle) == [f"CN={ours.subject}", "CN=corporate root", "CN=another root"]


@pytest.mark.parametrize("files", [(), ("/nowhere/roots.pem",)])
def test_a_system_without_roots_is_told(tmp_path: Path, files: Sequence[str]) -> None:
    with pytest.raises(AuthorityError, match="has no list of roots") as told:
        merged_bundle(cert_pem(CORPORATE), environ={"SSL_CERT_DIR": str(tmp_path)}, files=files)
    assert "ca-certificates" in told.value.remedy
    assert "SSL_CERT_FILE" in told.value.remedy
