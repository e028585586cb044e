"""Keys in PEM files: which kinds may sign, and what is wrong with a file that holds none.

Ed25519, ECDSA on P-256 and P-384, RSA from 3,072 bits, and ML-DSA where the installed libraries
know it. Whatever else a file holds is refused by name; so is a point of Ed25519 for which anybody
can sign.
"""

import re
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.signer import (  # type: ignore[attr-defined]  # no __all__
    CryptoSigner,
    SSlibKey,
)

from hubproxy.errors import UsageError

_LARGEST = 64 * 1024
_LEAST_RSA = 3072
_SCHEMES = {
    "ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "rsassa-pss-sha256",
    "ml-dsa-44/1",
    "ml-dsa-65/1",
    "ml-dsa-87/1",
}
# The points of order 1, 2, 4 and 8 in every spelling, without the bit of their sign: for each
# of them somebody without a private key has signatures that verify (RFC 8032 leaves it open).
_SMALL_ORDER = {
    bytes.fromhex(text)
    for text in (
        "00" * 32,
        "01" + "00" * 31,
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    )
}
_LABEL = re.compile(rb"^-----BEGIN ([A-Z0-9 ]{1,60})-----\r?$", re.MULTILINE)
_MAKE = "Make a key with `hubproxy trust keygen FILE`."
_KINDS = f"Ed25519, ECDSA P-256 and P-384, RSA from {_LEAST_RSA} bits and ML-DSA are taken. {_MAKE}"


def read_pem(path: Path) -> bytes:
    """The text of a key file.

    Raises:
        UsageError: it cannot be read, or is no PEM.
    """
    try:
        with path.open("rb") as file:
            pem = file.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(
            f"cannot read the key {path}: {error.strerror}",
            remedy="See that the path is right, and that you may read it.",
        ) from error
    if len(pem) > _LARGEST or _LABEL.search(pem) is None:
        raise UsageError(f"{path} is not a key in PEM", remedy=_MAKE)
    return pem


def is_private(pem: bytes) -> bool:
    """Whether a file that `read_pem` read holds a private key."""
    return any(label.endswith(b"PRIVATE KEY") for label in _LABEL.findall(pem))


def is_encrypted(path: Path) -> bool:
    """Whether a key needs a passphrase.

    Raises:
        UsageError: it cannot be read.
    """
    return _encrypted(read_pem(path))


def load_private(path: Path, passphrase: bytes | None) -> CryptoSigner:
    """The signer of a private key.

    Args:
        passphrase: not looked at when the key is plain.

    Raises:
        UsageError: no such file, no private key, one that may not sign, or the passphrase is
            missing or wrong.
    """
    pem = read_pem(path)
    if not is_private(pem):
        raise UsageError(
            f"{path} holds {_held(pem)}; it takes the private key to sign",
            remedy="Name the file that `hubproxy trust keygen` made beside the `.pub` file.",
        )
    encrypted = _encrypted(pem)
    if encrypted and not passphrase:
        raise UsageError(
            f"the key {path} is under a passphrase, and none was given",
            remedy="Run the command at a terminal, or give the passphrase in a file.",
        )
    try:
        key = load_pem_private_key(pem, passphrase if encrypted else None)
    except UnsupportedAlgorithm as error:
        raise UsageError(f"{path} holds a key of an unknown kind", remedy=_KINDS) from error
    except (ValueError, TypeError) as error:
        if encrypted:
            raise UsageError(
                f"wrong passphrase for {path}, or the file is damaged",
                remedy="Try the passphrase again; nothing was changed.",
            ) from error
        raise UsageError(f"{path} is not a private key in PEM: {error}", remedy=_MAKE) from error
    return CryptoSigner(key, checked(key.public_key(), str(path)))


def load_public_only(path: Path) -> SSlibKey:
    """The public key of a `.pub` file.

    Raises:
        UsageError: no such file, no public key, or one of a kind that may not sign.
    """
    pem = read_pem(path)
    if b"PUBLIC KEY" not in pem:
        raise UsageError(f"{path} holds {_held(pem)}, not a public key", remedy=_MAKE)
    try:
        key = load_pem_public_key(pem)
    except UnsupportedAlgorithm as error:
        raise UsageError(f"{path} holds a key of an unknown kind", remedy=_KINDS) from error
    except ValueError as error:
        raise UsageError(f"{path} is not a public key in PEM: {error}", remedy=_MAKE) from error
    return checked(key, str(path))


def checked(key: PublicKeyTypes, where: str) -> SSlibKey:
    """The key as the list names it.

    Args:
        where: what holds it, as errors say it.

    Raises:
        UsageError: it is of a kind that may not sign, too short, or everybody's.
    """
    if isinstance(key, RSAPublicKey) and key.key_size < _LEAST_RSA:
        raise UsageError(f"{where} holds an RSA key of only {key.key_size} bits", remedy=_KINDS)
    if isinstance(key, Ed25519PublicKey) and _is_small(key):
        raise UsageError(f"{where} holds a key for which anybody can sign", remedy=_MAKE)
    try:
        found = SSlibKey.from_crypto(key)
    except ValueError:
        found = None
    if found is None or found.scheme not in _SCHEMES:
        raise UsageError(f"{where} holds {_kind(key)}, which may not sign here", remedy=_KINDS)
    return found


def _is_small(key: Ed25519PublicKey) -> bool:
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return bytes([*raw[:31], raw[31] & 0x7F]) in _SMALL_ORDER


def _kind(key: PublicKeyTypes) -> str:
    curve = getattr(key, "curve", None)
    if curve is not None:
        return f"an ECDSA key on {curve.name}"
    return f"a key of the kind {type(key).__name__.removesuffix('PublicKey').lstrip('_')}"


def _encrypted(pem: bytes) -> bool:
    return b"BEGIN ENCRYPTED PRIVATE KEY" in pem or b"Proc-Type: 4,ENCRYPTED" in pem


def _held(pem: bytes) -> str:
    labels = {label.decode() for label in _LABEL.findall(pem)}
    return " and ".join(f"a {label.lower()}" for label in sorted(labels))
