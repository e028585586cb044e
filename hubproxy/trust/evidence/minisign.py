"""minisign: Ed25519 over the BLAKE2b-512 of the archive, with a comment that is signed as well.

The older form signs the archive itself and not its digest. It is refused: the archive would have
to be kept, as upstream packed it, until the signature had been looked at.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hubproxy.core.original import OriginalHash, Subject
from hubproxy.core.policy import EvidenceRule
from hubproxy.core.record import EvidenceKind
from hubproxy.errors import DeniedError
from hubproxy.trust.evidence.refusal import AGAIN, UnmetRuleError, UnusableRuleError, refused

BEGIN = b"untrusted comment:"
_TRUSTED = b"trusted comment: "
_PREHASHED, _LEGACY, _KEY = b"ED", b"Ed", b"Ed"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key, and the eight bytes it goes by."""

    name: bytes
    key: Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Minisign:
    """A signature that has been read."""

    key_name: bytes
    signature: bytes
    comment: bytes
    comment_signature: bytes
    kind: EvidenceKind = "minisign"
    needs: frozenset[OriginalHash] = frozenset({"blake2b"})

    def verify(self, rule: EvidenceRule, subject: Subject, at: datetime) -> None:  # noqa: ARG002  # no end
        public = load(rule)
        if public.name != self.key_name:
            raise UnmetRuleError(
                f"identity {rule.identity} (key {_shown(public.name)}) expected, "
                f"key {_shown(self.key_name)} found"
            )
        _verify(public, self.signature, subject.digest("blake2b"), "what upstream sent", rule)
        signed = self.signature + self.comment
        _verify(public, self.comment_signature, signed, "its trusted comment", rule)


def parse(data: bytes) -> Minisign:
    """Read the four lines of a `.minisig` file.

    Raises:
        DeniedError: it is none, or of the older form.
    """
    lines = [line.rstrip(b"\r") for line in data.rstrip(b"\r\n").split(b"\n")]
    if len(lines) != 4 or not lines[2].startswith(_TRUSTED):
        raise _damaged()
    first, last = _decoded(lines[1]), _decoded(lines[3])
    if len(first) != 74 or len(last) != 64:
        raise _damaged()
    algorithm, key_name, signature = first[:2], first[2:10], first[10:]
    if algorithm == _LEGACY:
        raise refused(
            "minisign's older form, which signs no digest",
            remedy="Ask the publisher to sign with `minisign -SH`, or minisign 0.10 or later.",
        )
    if algorithm != _PREHASHED:
        raise _damaged()
    return Minisign(key_name, signature, lines[2].removeprefix(_TRUSTED), last)


def load(rule: EvidenceRule) -> PublicKey:
    """The key of a `minisign` rule: the last line of a `.pub` file, or all of the file.

    Raises:
        UnusableRuleError: it is none.
    """
    lines = rule.key.split("\n")
    text = next((line.strip() for line in reversed(lines) if line.strip()), "")
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise UnusableRuleError(f"its key is not a minisign key: {error}") from error
    if len(raw) != 42 or not raw.startswith(_KEY):
        raise UnusableRuleError("its key is not a minisign key")
    return PublicKey(raw[2:10], Ed25519PublicKey.from_public_bytes(raw[10:]))


def _verify(
    public: PublicKey, signature: bytes, signed: bytes, what: str, rule: EvidenceRule
) -> None:
    try:
        public.key.verify(signature, signed)
    except InvalidSignature:
        raise UnmetRuleError(
            f"the signature is not one by {rule.identity} of {what}", remedy=AGAIN
        ) from None


def _decoded(line: bytes) -> bytes:
    try:
        return base64.b64decode(line, validate=True)
    except binascii.Error as error:
        raise _damaged() from error


def _damaged() -> DeniedError:
    return refused("a damaged minisign signature: it has not the four lines that one has")


def _shown(name: bytes) -> str:
    """As minisign writes it: a little-endian number."""
    return name[::-1].hex().upper()
