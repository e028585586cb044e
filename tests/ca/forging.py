"""CAs for tests, what somebody who has a CA's key could sign, and what OpenSSL makes of it."""

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hubproxy.ca.authority import Authority
from hubproxy.ca.certificates import Key, build_root

NOW = datetime.now(UTC)


@cache
def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def new_authority(*hosts: str, now: datetime = NOW) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    return Authority([build_root(key, hosts, now=now)], key)


def key_pem(key: Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def cert_pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


def certificate(
    public_key: ec.EllipticCurvePublicKey | None = None,
    *,
    issuer: x509.Certificate | None = None,
    signed_by: Key | None = None,
    subject: str = "",
    organisation: str = "",
    names: Sequence[x509.GeneralName] = (),
    extensions: Sequence[x509.ExtensionType] = (),
    begins: datetime = NOW - timedelta(minutes=1),
    life: timedelta = timedelta(days=1),
) -> x509.Certificate:
    """Whatever one likes to sign."""
    key = signed_by or new_key()
    parts = {x509.NameOID.ORGANIZATION_NAME: organisation, x509.NameOID.COMMON_NAME: subject}
    name = x509.Name([x509.NameAttribute(oid, text) for oid, text in parts.items() if text])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.subject if issuer else name)
        .public_key(public_key or new_key().public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + life)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
    for extension in extensions:
        critical = isinstance(extension, x509.BasicConstraints | x509.NameConstraints)
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(key, SHA256())


def forged(authority: Authority, *names: x509.GeneralName, subject: str = "") -> x509.Certificate:
    """A leaf by force: what the key of a CA can sign when nobody asks whether it may."""
    return certificate(
        issuer=authority.issuer, signed_by=authority._key, subject=subject, names=names
    )


def openssl_verify(
    folder: Path, trusted: bytes, chain: bytes, *, purpose: str = "sslserver", at: datetime = NOW
) -> str:
    """What `openssl verify` says of a leaf and those below the root that it came with."""
    (folder / "trusted.pem").write_bytes(trusted)
    (folder / "chain.pem").write_bytes(chain)
    done = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-purpose", purpose,
         "-attime", str(int(at.timestamp())), "-no-CApath", "-no-CAstore",
         "-CAfile", folder / "trusted.pem", "-untrusted", folder / "chain.pem",
         folder / "chain.pem"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return "good" if done.returncode == 0 else done.stderr
