"""The CA of a site: a root, and two below it."""

from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from tests.ca.forging import cert_pem, certificate, key_pem

CA = x509.BasicConstraints(ca=True, path_length=None)
SIGNS = x509.KeyUsage(
    digital_signature=False, content_commitment=False, key_encipherment=False,
    data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
    encipher_only=False, decipher_only=False,
)  # fmt: skip
SIGNS_NOT = x509.KeyUsage(
    digital_signature=True, content_commitment=False, key_encipherment=False,
    data_encipherment=False, key_agreement=False, key_cert_sign=False, crl_sign=True,
    encipher_only=False, decipher_only=False,
)  # fmt: skip
ROOT_KEY, MIDDLE_KEY, KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))


def ca(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None = None,
    signed_by: ec.EllipticCurvePrivateKey | None = None,
    more: tuple[x509.ExtensionType, ...] = (CA, SIGNS),
    life: timedelta = timedelta(days=400),
) -> x509.Certificate:
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    above = [] if issuer is None or signed_by is None else [
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by.public_key())
    ]  # fmt: skip
    return certificate(
        key.public_key(), issuer=issuer, signed_by=signed_by or key, subject=subject,
        extensions=[*more, identifier, *above], life=life,
    )  # fmt: skip


ROOT = ca("site root", ROOT_KEY)
MIDDLE = ca("site middle", MIDDLE_KEY, ROOT, ROOT_KEY)
ISSUER = ca("site issuer", KEY, MIDDLE, MIDDLE_KEY)
OTHER = ca("another root", ec.generate_private_key(ec.SECP256R1()))


def own_files(folder: Path) -> tuple[Path, Path]:
    """The chain, and the key of the lowest."""
    pem, key = folder / "own.pem", folder / "own.key"
    pem.write_bytes(cert_pem(ISSUER, MIDDLE, ROOT))
    key.touch(mode=0o600)
    key.write_bytes(key_pem(KEY))
    return pem, key
