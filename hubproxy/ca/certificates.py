"""X.509 as it is written here: a root that is narrow, and leaves that are short-lived.

Both pass the strict reading of RFC 5280 that Python asks for since 3.13 (`VERIFY_X509_STRICT`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hubproxy.ca.constraints import constraints_for, san

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

# Every job image and host has to be given a new root: often enough that somebody still knows
# how, and rarely enough that nobody is driven to a wider CA instead.
ROOT_LIFE = timedelta(days=5 * 365)
# Made in memory at no cost; a key that leaks is soon of no use.
LEAF_LIFE = timedelta(days=30)
# A client's clock may be behind by so much.
SKEW = timedelta(minutes=5)
_LONGEST_CN = 64  # ub-common-name, RFC 5280 appendix A.1


def build_root(
    key: ec.EllipticCurvePrivateKey, hosts: Sequence[str], *, now: datetime
) -> x509.Certificate:
    """A root that vouches for servers under the names of `hosts`, and below itself for no CA.

    Args:
        key: its own.
        hosts: in lower case; addresses as they are.
        now: timezone-aware.

    Raises:
        ValueError: one of `hosts` is not a host.
    """
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    name = _named(f"hubproxy CA {identifier.digest.hex()[:8]}")
    begins = now.replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins - SKEW)
        .not_valid_after(begins + ROOT_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(is_ca=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(constraints_for(hosts), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, SHA256())
    )


def build_leaf(
    host: str,
    public_key: ec.EllipticCurvePublicKey,
    issuer: x509.Certificate,
    key: Key,
    *,
    now: datetime,
    expires: datetime,
    may_be_named: bool = True,
) -> x509.Certificate:
    """A server's certificate for one host.

    Whether the issuer may vouch for the host is not looked at.

    Args:
        host: a name in lower case, or an address.
        public_key: the server's.
        issuer: whose `key` signs.
        key: the issuer's.
        now: timezone-aware.
        expires: when its issuer's chain ends; the leaf does by then, or after `LEAF_LIFE`.
        may_be_named: whether it may have a subject, which constraints could be held against.

    Raises:
        ValueError: not a host.
    """
    name = san(host)
    subject = _subject(name, may_be_named=may_be_named)
    begins = now.replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(max(begins - SKEW, issuer.not_valid_before_utc))
        .not_valid_after(min(begins + LEAF_LIFE, expires))
        .add_extension(x509.SubjectAlternativeName([name]), critical=not list(subject))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(_identifier_of(issuer), critical=False)
        .sign(key, SHA256())
    )


def _subject(name: x509.DNSName | x509.IPAddress, *, may_be_named: bool) -> x509.Name:
    """The host's name where it fits. OpenSSL would take an address for a dNSName."""
    if isinstance(name, x509.IPAddress) or len(name.value) > _LONGEST_CN or not may_be_named:
        return x509.Name([])
    return _named(name.value)


def _identifier_of(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    try:
        found = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        key = issuer.public_key()
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)  # type: ignore[arg-type]  # it has signed
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_ca,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
