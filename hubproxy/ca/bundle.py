"""One file of roots for a job: the system's and ours.

`SSL_CERT_FILE` and its like name the only roots that a client then has. A file with ours alone
would cut the job off from every other host.
"""

import base64
import binascii
import os
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hubproxy.errors import AuthorityError

_MARK = b"# hubproxy: "
_BLOCK = re.compile(
    rb"(?P<mark># hubproxy: [^\n]*\n)?"
    rb"-----BEGIN CERTIFICATE-----(?P<base64>[A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----"
)
# OpenSSL's own choice; Debian and Alpine; Fedora and RHEL; openSUSE; Arch and the BSDs.
ROOT_FILES = (
    ssl.get_default_verify_paths().openssl_cafile,
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def merged_bundle(
    ca_pem: bytes,
    *,
    environ: Mapping[str, str] | None = None,
    files: Sequence[str] = ROOT_FILES,
) -> bytes:
    """The roots that this host trusts, and ours, as ASCII PEM.

    Each certificate stands in it once; ours come first, each below a line that begins with
    `# hubproxy:` and names it. The host's are those of `SSL_CERT_FILE` where that is set and the
    file is there, else the system's. From a bundle that was merged before, what is marked as
    ours is left out: after a rotation it is no longer.

    Args:
        ca_pem: our certificates, one or more.
        environ: None for this process's.
        files: where systems keep their roots; the first one that has any is taken.

    Raises:
        AuthorityError: no roots can be found, or those of `SSL_CERT_FILE` cannot be read.
    """
    ours = x509.load_pem_x509_certificates(ca_pem)
    pieces = {one.public_bytes(Encoding.DER): _comment(one) for one in ours}
    for der in system_roots(os.environ if environ is None else environ, files):
        pieces.setdefault(der, b"")
    return b"".join(
        mark + ssl.DER_cert_to_PEM_cert(der).encode("ascii") for der, mark in pieces.items()
    )


def system_roots(environ: Mapping[str, str], files: Sequence[str] = ROOT_FILES) -> list[bytes]:
    """The DER of every root that this host trusts, without those of ours.

    Raises:
        AuthorityError: there are none, or those of `SSL_CERT_FILE` cannot be read.
    """
    named = environ.get("SSL_CERT_FILE")
    if named and Path(named).exists():
        return _chosen(Path(named))
    for file in files:
        if found := _quietly(Path(file)):
            return found
    folders = environ.get("SSL_CERT_DIR") or ssl.get_default_verify_paths().openssl_capath
    for folder in folders.split(os.pathsep):
        if found := _of_folder(Path(folder)):
            return found
    raise AuthorityError(
        "this host has no list of roots that it trusts",
        remedy="Install the package ca-certificates, or name a file of roots in SSL_CERT_FILE. "
        "`hubproxy ca export` without --merged gives hubproxy's certificate alone.",
    )


def _chosen(path: Path) -> list[bytes]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise AuthorityError(
            f"SSL_CERT_FILE is {path}, which cannot be read: {error.strerror}",
            remedy="Mend or unset SSL_CERT_FILE.",
        ) from error
    found = list(_certificates(content))
    if not found:
        raise AuthorityError(
            f"SSL_CERT_FILE is {path}, which names no root but hubproxy's",
            remedy="Unset SSL_CERT_FILE, or name a file of roots in PEM.",
        )
    return found


def _quietly(path: Path) -> list[bytes]:
    try:
        return list(_certificates(path.read_bytes()))
    except OSError:
        return []


def _of_folder(folder: Path) -> list[bytes]:
    """Of the names that `openssl rehash` gives: eight hexadecimal digits, a dot and a number."""
    names = sorted(folder.glob("[0-9a-f]" * 8 + ".[0-9]*"))
    return [der for path in names for der in _quietly(path)]


def _certificates(content: bytes) -> Iterator[bytes]:
    for block in _BLOCK.finditer(content.replace(b"\r\n", b"\n")):
        if block["mark"] is None:
            try:
                yield base64.b64decode(b"".join(block["base64"].split()), validate=True)
            except binascii.Error:
                continue  # no client can read it either


def _comment(certificate: x509.Certificate) -> bytes:
    subject = certificate.subject.rfc4514_string()
    ends = certificate.not_valid_after_utc
    return _MARK + f"{ascii(subject)[1:-1]}, until {ends:%Y-%m-%d}\n".encode("ascii")
