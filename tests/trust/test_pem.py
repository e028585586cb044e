"""Keys as openssl makes them, and files that hold none."""

import shutil
import subprocess
from pathlib import Path

import pytest

from hubproxy.errors import UsageError
from hubproxy.trust.keys import can_sign, create_key, is_plain, load_public, load_signer
from hubproxy.trust.keyspec import PemSpec

with_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")


def openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def made(folder: Path, *kind: str) -> tuple[Path, Path]:
    """A private key under the passphrase `right`, and its public half."""
    plain, pem, pub = folder / "plain.pem", folder / "key.pem", folder / "key.pub"
    openssl("genpkey", *kind, "-out", plain)
    openssl("pkcs8", "-topk8", "-in", plain, "-out", pem, "-passout", "pass:right")
    openssl("pkey", "-in", plain, "-pubout", "-out", pub)
    return pem, pub


P256 = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
P384 = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384")
P521 = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521")
SECP256K1 = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1")
RSA_3072 = ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072")
RSA_2048 = ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")


@with_openssl
@pytest.mark.parametrize(
    ("kind", "scheme"),
    [
        pytest.param(("-algorithm", "ED25519"), "ed25519", id="ed25519"),
        pytest.param(P256, "ecdsa-sha2-nistp256", id="p256"),
        pytest.param(P384, "ecdsa-sha2-nistp384", id="p384"),
        pytest.param(RSA_3072, "rsassa-pss-sha256", id="rsa"),
    ],
)
def test_each_kind_signs_and_is_the_same_key_by_either_half(
    tmp_path: Path, kind: tuple[str, ...], scheme: str
) -> None:
    pem, pub = made(tmp_path, *kind)

    signer, public = load_signer(pem, b"right"), load_public(pub)

    assert public.scheme == scheme
    assert public == signer.public_key == load_public(PemSpec(pem), b"right")
    public.verify_signature(signer.sign(b"a role"), b"a role")
    assert can_sign(PemSpec(pem))
    assert not can_sign(PemSpec(pub))


def test_a_key_of_the_next_decades_signs_where_it_is_known(tmp_path: Path) -> None:
    mldsa = pytest.importorskip(
        "cryptography.hazmat.primitives.asymmetric.mldsa", reason="cryptography is older than 48"
    )
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
    )

    key = mldsa.MLDSA65PrivateKey.generate()
    pem = tmp_path / "key.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"right"))
    )

    signer = load_signer(pem, b"right")

    assert signer.public_key.scheme == "ml-dsa-65/1"
    signer.public_key.verify_signature(signer.sign(b"a role"), b"a role")


@with_openssl
@pytest.mark.parametrize(
    ("kind", "told"),
    [
        pytest.param(RSA_2048, "an RSA key of only 2048 bits", id="short-rsa"),
        pytest.param(P521, "an ECDSA key on secp521r1", id="p521"),
        pytest.param(SECP256K1, "an ECDSA key on secp256k1", id="secp256k1"),
        pytest.param(("-algorithm", "ED448"), "a key of the kind Ed448", id="ed448"),
        pytest.param(("-algorithm", "X25519"), "a key of the kind X25519", id="x25519"),
    ],
)
def test_other_kinds_are_refused_by_name(tmp_path: Path, kind: tuple[str, ...], told: str) -> None:
    pem, pub = made(tmp_path, *kind)

    with pytest.raises(UsageError, match=told) as refused:
        load_signer(pem, b"right")
    assert "Ed25519, ECDSA P-256 and P-384, RSA from 3072 bits" in refused.value.remedy
    with pytest.raises(UsageError, match=told):
        load_public(pub)


@with_openssl
def test_a_key_as_openssl_once_wrote_it_needs_its_passphrase(tmp_path: Path) -> None:
    made(tmp_path, *RSA_3072)
    old = tmp_path / "old.pem"
    openssl("rsa", "-traditional", "-aes256", "-in", tmp_path / "plain.pem", "-out", old,
            "-passout", "pass:right")  # fmt: skip

    assert not is_plain(PemSpec(old))
    assert load_signer(old, b"right").public_key.keytype == "rsa"
    with pytest.raises(UsageError, match="wrong passphrase"):
        load_signer(old, b"wrong")
    with pytest.raises(UsageError, match="under a passphrase"):
        load_signer(old)


@with_openssl
def test_the_wrong_half_of_a_key_is_named(tmp_path: Path) -> None:
    _, pub = made(tmp_path, *P256)
    certificate = tmp_path / "certificate.pem"
    openssl("req", "-x509", "-key", tmp_path / "plain.pem", "-subj", "/CN=ada", "-out", certificate)

    with pytest.raises(UsageError, match="holds a public key; it takes the private key to sign"):
        load_signer(pub)
    with pytest.raises(UsageError, match="holds a certificate, not a public key"):
        load_public(certificate)


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed")
def test_a_key_for_ssh_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)

    with pytest.raises(UsageError, match="is not a private key in PEM"):
        load_signer(path)
    with pytest.raises(UsageError, match="is not a key in PEM"):
        load_public(path.with_suffix(".pub"))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(None, "cannot read the key .*: No such file", id="missing"),
        pytest.param(b"", "is not a key in PEM", id="empty"),
        pytest.param(
            b"-----BEGIN PUBLIC KEY-----\n" + b"A" * 70_000, "is not a key in PEM", id="large"
        ),
        pytest.param(
            b"-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n",
            "is not a private key in PEM",
            id="private-garbage",
        ),
        pytest.param(
            b"-----BEGIN PUBLIC KEY-----\naGVsbG8=\n-----END PUBLIC KEY-----\n",
            "is not a public key in PEM",
            id="public-garbage",
        ),
    ],
)
def test_a_file_that_holds_no_key_is_named(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    path = tmp_path / "key.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=told) as refused:
        load_public(path)
    assert refused.value.remedy


def test_a_folder_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the key .*: Is a directory"):
        load_signer(tmp_path)


def test_a_persons_key_comes_with_its_public_half(tmp_path: Path) -> None:
    signer = create_key(tmp_path / "ada.pem", b"right")
    create_key(tmp_path / "bob", b"right")

    assert load_public(tmp_path / "ada.pub") == signer.public_key
    assert load_public(tmp_path / "bob.pub") == load_signer(tmp_path / "bob", b"right").public_key
    assert not is_plain(PemSpec(tmp_path / "ada.pem"))


@pytest.mark.parametrize("there", ["ada.pem", "ada.pub"])
def test_neither_half_is_written_over(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    with pytest.raises(UsageError, match=r"there is a (public )?key at .* already"):
        create_key(tmp_path / "ada.pem", b"right")
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "mine"


def test_a_private_key_is_not_made_under_the_name_of_a_public_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ada\.pub is the name of a public key"):
        create_key(tmp_path / "ada.pub", b"right")
    assert not list(tmp_path.iterdir())
