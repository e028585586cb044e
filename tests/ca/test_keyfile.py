"""Which key files are taken."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from hubproxy.ca.own import load_own
from hubproxy.errors import AuthorityError
from tests.ca.forging import NOW, cert_pem, key_pem
from tests.ca.leaks import spellings
from tests.ca.sites import ISSUER, KEY, ROOT_KEY, own_files


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return own_files(tmp_path)


def encrypted(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))


def weak(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("pem", "said"),
    [
        pytest.param(b"", "holds no private key in PEM", id="empty"),
        pytest.param(cert_pem(ISSUER), "holds no private key in PEM", id="a-certificate"),
        pytest.param(key_pem(KEY)[:150], "holds no private key in PEM", id="cut"),
        pytest.param(encrypted(KEY), "has a passphrase", id="passphrase"),
        pytest.param(weak(rsa.generate_private_key(65537, 1024)), "of a kind", id="rsa-1024"),
        pytest.param(weak(ed25519.Ed25519PrivateKey.generate()), "of a kind", id="ed25519"),
        pytest.param(
            key_pem(ec.generate_private_key(ec.SECP224R1())), "of a kind", id="curve-of-224-bits"
        ),
        pytest.param(key_pem(ROOT_KEY), "belongs to no certificate|is not", id="another's"),
    ],
)
def test_a_key_of_no_use_is_refused(files: tuple[Path, Path], pem: bytes, said: str) -> None:
    files[0].write_bytes(cert_pem(ISSUER))
    files[1].write_bytes(pem)
    with pytest.raises(AuthorityError, match=said) as told:
        load_own(*files, now=NOW)
    for spelling in spellings(key_pem(KEY)):
        assert spelling not in f"{told.value!r}{told.value.remedy}".encode()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o610, 0o601])
def test_a_key_that_is_open_to_others_is_refused(files: tuple[Path, Path], mode: int) -> None:
    files[1].chmod(mode)
    with pytest.raises(AuthorityError, match=f"is open to others .mode {mode:04o}") as told:
        load_own(*files, now=NOW)
    assert f"`chmod 600 {files[1]}`" in told.value.remedy


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_that_is_its_owners_alone_is_taken(files: tuple[Path, Path], mode: int) -> None:
    files[1].chmod(mode)
    assert load_own(*files, now=NOW).permits("tfhub.dev")


def test_a_key_may_be_reached_by_a_link(files: tuple[Path, Path], tmp_path: Path) -> None:
    # As Kubernetes lays out a secret.
    (tmp_path / "link").symlink_to(files[1])
    assert load_own(files[0], tmp_path / "link", now=NOW).permits("tfhub.dev")
