"""An operator's own CA: an intermediate, or a root, that the jobs' hosts trust already."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID

from hubproxy.ca.authority import OWN, Authority, Chain
from hubproxy.ca.keyfile import parse_key, read_secret
from hubproxy.errors import AuthorityError

_SERVER = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}


def load_own(certificate: Path, key: Path, *, now: datetime) -> Authority:
    """A CA from the operator's files.

    Args:
        certificate: PEM: the CA's, and those above it in any order, the root or not.
        key: PEM without a passphrase, that its owner alone may read.
        now: timezone-aware.

    Raises:
        AuthorityError: a file cannot be read, is open to others, or does not go with the other;
            or it is no CA for servers, or has expired.
    """
    try:
        secret = parse_key(read_secret(key), key)
    except FileNotFoundError as error:
        raise AuthorityError(f"there is no key at {key}", remedy=OWN) from error
    found = _read(certificate)
    issuers = [one for one in found if one.public_key() == secret.public_key()]
    if not issuers:
        raise AuthorityError(
            f"the key {key} belongs to no certificate in {certificate}", remedy=OWN
        )
    chain = Chain(_chain(issuers[0], found), remedy=OWN)
    _check(chain, certificate)
    chain.check(now)
    return Authority(chain.certificates, secret, remedy=OWN)


def read_own(certificate: Path) -> Chain:
    """The certificates of the operator's CA, without its key: the longest chain of the file.

    Raises:
        AuthorityError: the file cannot be read, or is no CA for servers.
    """
    found = _read(certificate)
    chain = Chain(max((_chain(one, found) for one in found), key=len), remedy=OWN)
    _check(chain, certificate)
    return chain


def _read(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise AuthorityError(
            f"the certificate {path} cannot be read: {error.strerror}", remedy=OWN
        ) from error
    except ValueError as error:
        raise AuthorityError(f"{path} holds no certificate in PEM", remedy=OWN) from error


def _chain(issuer: x509.Certificate, found: Iterable[x509.Certificate]) -> list[x509.Certificate]:
    """From the issuer upwards, as far as the file goes."""
    chain, rest = [issuer], [one for one in found if one != issuer]
    while chain[-1].issuer != chain[-1].subject:
        above = next((one for one in rest if _issued(chain[-1], one)), None)
        if above is None:
            break
        rest.remove(above)
        chain.append(above)
    return chain


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _check(chain: Chain, path: Path) -> None:
    """See that each of the chain is a CA, and that the first may sign for servers.

    What a client would make of it besides is the client's to say.
    """
    try:
        for one in chain.certificates:
            _check_is_ca(one, path)
        _check_purpose(chain.issuer, path)
    except ValueError as error:  # of any extension: all are read at once
        raise AuthorityError(f"a certificate in {path} is malformed", remedy=OWN) from error


def _check_is_ca(certificate: x509.Certificate, path: Path) -> None:
    extensions = certificate.extensions
    try:
        is_ca = extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_ca = False
    try:
        signs = extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        signs = True
    if not (is_ca and signs):
        name = certificate.subject.rfc4514_string()
        raise AuthorityError(
            f"the certificate of {name!r} in {path} is not a CA's",
            remedy=f"It needs basicConstraints CA:TRUE and keyUsage keyCertSign. {OWN}",
        )


def _check_purpose(certificate: x509.Certificate, path: Path) -> None:
    try:
        found = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not _SERVER & set(found):
        raise AuthorityError(
            f"the CA in {path} is for other things than servers",
            remedy=f"Its extended key usage must include serverAuth. {OWN}",
        )
