"""SSH signatures (`ssh-keygen -Y sign -n hubproxy-archive`) of the archive.

OpenSSH's PROTOCOL.sshsig. A signature for another purpose, such as a git commit, has another
namespace and is refused. Keys on security keys (`sk-...`) sign a counter and flags as well, which
nothing here reads: they are refused by name.
"""

import base64
import hashlib
import re
import struct
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from hubproxy.core.original import OriginalHash, Subject
from hubproxy.core.policy import EvidenceRule
from hubproxy.core.record import EvidenceKind
from hubproxy.trust.evidence.refusal import (
    AGAIN,
    UnmetRuleError,
    UnusableRuleError,
    quoted,
    refused,
)

BEGIN = b"-----BEGIN SSH SIGNATURE-----"
NAMESPACE = "hubproxy-archive"
_END = b"-----END SSH SIGNATURE-----"
_MAGIC = b"SSHSIG"
_ARMOUR = re.compile(rb"%b\r?\n([A-Za-z0-9+/=\r\n]+)\r?\n%b\s*" % (BEGIN, _END))
_SMALLEST_RSA = 3072
_CURVES: dict[str, type[HashAlgorithm]] = {
    "ecdsa-sha2-nistp256": SHA256,
    "ecdsa-sha2-nistp384": SHA384,
    "ecdsa-sha2-nistp521": SHA512,
}
_DIGESTS: dict[str, OriginalHash] = {"sha512": "sha512", "sha256": "sha256"}
_SIGNATURES = {"ssh-ed25519": "ssh-ed25519", "ssh-rsa": "rsa-sha2-512"} | {
    name: name for name in _CURVES
}
"""Type of key -> the one type of signature that is taken of it."""

_Key = Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey


@dataclass(frozen=True, slots=True)
class SshSignature:
    """A signature that has been read."""

    key: bytes
    key_type: str
    reserved: bytes
    hash_name: OriginalHash
    signature: bytes
    kind: EvidenceKind = "sshsig"

    @property
    def needs(self) -> frozenset[OriginalHash]:
        return frozenset({self.hash_name})

    def verify(self, rule: EvidenceRule, subject: Subject, at: datetime) -> None:  # noqa: ARG002  # no end
        blob, key = load(rule)
        if blob != self.key:
            raise UnmetRuleError(
                f"identity {rule.identity} ({_fingerprint(blob)}) expected, "
                f"{_fingerprint(self.key)} found"
            )
        digest = subject.digest(self.hash_name)
        parts = (NAMESPACE.encode(), self.reserved, self.hash_name.encode(), digest)
        signed = _MAGIC + b"".join(struct.pack(">I", len(part)) + part for part in parts)
        try:
            _verify(key, self.key_type, self.signature, signed)
        except (InvalidSignature, ValueError):
            raise UnmetRuleError(
                f"the signature is not one by {rule.identity} of what upstream sent", remedy=AGAIN
            ) from None


class _Reader:
    """Fields of the SSH wire format (RFC 4251, section 5)."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, size: int) -> bytes:
        piece = self._data[self._at : self._at + size]
        if len(piece) != size:
            raise ValueError("it ends too early")
        self._at += size
        return piece

    def number(self) -> int:
        return int.from_bytes(self.take(4))

    def string(self) -> bytes:
        return self.take(self.number())

    def text(self) -> str:
        return self.string().decode("ascii")

    def end(self) -> None:
        if self._at != len(self._data):
            raise ValueError("something follows its end")


def parse(data: bytes) -> SshSignature:
    """Read a signature out of its armour.

    Raises:
        DeniedError: it is damaged, for another purpose, or of a kind that is not taken.
    """
    try:
        armoured = _ARMOUR.fullmatch(data)
        if armoured is None:
            raise ValueError("its armour is not whole")
        reader = _Reader(base64.b64decode(armoured[1]))
        if reader.take(len(_MAGIC)) != _MAGIC:
            raise ValueError("it does not begin as one")
        version, key = reader.number(), reader.string()
        namespace, reserved = reader.text(), reader.string()
        hash_name, signature = reader.text(), _Reader(reader.string())
        reader.end()
        key_type, made_as, raw = _Reader(key).text(), signature.text(), signature.string()
        signature.end()
    except ValueError as error:
        raise refused(f"a damaged SSH signature: {error}") from error
    if version != 1:
        raise refused(f"an SSH signature of version {version}, not 1")
    if namespace != NAMESPACE:
        raise refused(
            f"an SSH signature for the namespace {quoted(namespace)}, not {NAMESPACE}",
            remedy=f"Ask the publisher to sign with `ssh-keygen -Y sign -n {NAMESPACE}`.",
        )
    if hash_name not in _DIGESTS:
        raise refused(f"an SSH signature of a {quoted(hash_name)} digest, not sha512 or sha256")
    if _SIGNATURES.get(key_type) != made_as:
        raise refused(
            f"an SSH signature {quoted(made_as)} by a key of type {quoted(key_type)}",
            remedy="Ask for one by an Ed25519, an ECDSA or an RSA key (rsa-sha2-512).",
        )
    return SshSignature(key, key_type, reserved, _DIGESTS[hash_name], raw)


def load(rule: EvidenceRule) -> tuple[bytes, _Key]:
    """The key of an `sshsig` rule: the line of a `.pub` file.

    Returns:
        Its bytes as SSH writes them, and the key.

    Raises:
        UnusableRuleError: it is none, or of a kind or size that is not taken.
    """
    words = rule.key.split()
    if len(words) < 2 or words[0] not in _SIGNATURES:
        raise UnusableRuleError(
            f"its key is not the line of a .pub file with one of {', '.join(_SIGNATURES)}"
        )
    try:
        key = load_ssh_public_key(" ".join(words[:2]).encode())
        blob = base64.b64decode(words[1], validate=True)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UnusableRuleError(f"its key cannot be read: {error}") from error
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _SMALLEST_RSA:
        raise UnusableRuleError(f"its RSA key has {key.key_size} bits, not {_SMALLEST_RSA}")
    return blob, cast("_Key", key)


def _verify(key: _Key, key_type: str, signature: bytes, signed: bytes) -> None:
    if isinstance(key, Ed25519PublicKey):
        key.verify(signature, signed)
    elif isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, signed, padding.PKCS1v15(), SHA512())
    else:
        reader = _Reader(signature)
        r, s = int.from_bytes(reader.string()), int.from_bytes(reader.string())
        reader.end()
        key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(_CURVES[key_type]()))


def _fingerprint(blob: bytes) -> str:
    """As `ssh-keygen -l` writes it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
