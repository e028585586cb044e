"""OpenSSF Model Signing 1.0: a sigstore bundle around a DSSE envelope around a list of files.

Only what the specification's version 1.0 signs is taken: the envelope that releases before it
wrote is malformed, and its list of files means something else.
"""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from hubproxy.core.original import OriginalHash, Subject
from hubproxy.core.policy import EvidenceRule
from hubproxy.core.record import EvidenceKind
from hubproxy.errors import NotInstalledError
from hubproxy.trust.evidence import certificate, keys, manifest
from hubproxy.trust.evidence.refusal import UnusableRuleError, quoted, refused

_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_TRUSTED_ROOT = "application/vnd.dev.sigstore.trustedroot"
_IN_TOTO = "application/vnd.in-toto+json"


class _TrustedRoot(msgspec.Struct, rename="camel"):
    media_type: str


class _Certificate(msgspec.Struct, rename="camel"):
    raw_bytes: bytes


class _Chain(msgspec.Struct):
    certificates: list[_Certificate]


class _Key(msgspec.Struct):
    hint: str | None = None


class _Material(msgspec.Struct, rename="camel"):
    """Exactly one of these. What else stands here nobody has signed, and nobody looks at."""

    public_key: _Key | None = None
    x509_certificate_chain: _Chain | None = None
    certificate: _Certificate | None = None


class _Signature(msgspec.Struct):
    sig: bytes


class _Envelope(msgspec.Struct, rename="camel"):
    payload: bytes
    payload_type: str
    signatures: list[_Signature]

    def signed(self) -> bytes:
        """DSSE's pre-authentication encoding, which is what the signature is of."""
        kind = self.payload_type.encode()
        return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(self.payload), self.payload)


class _Bundle(msgspec.Struct, rename="camel"):
    media_type: str
    verification_material: _Material
    dsse_envelope: _Envelope


@dataclass(frozen=True, slots=True)
class Oms:
    """A bundle that has been read."""

    data: bytes
    kind: EvidenceKind
    bundle: _Bundle
    needs: frozenset[OriginalHash] = frozenset()

    def verify(self, rule: EvidenceRule, subject: Subject, at: datetime) -> None:
        manifest.check(self._payload(rule, at), subject.files, beside=self.data)

    def _payload(self, rule: EvidenceRule, at: datetime) -> bytes:
        """What was signed, once it is known to be signed by whom the rule names."""
        material, envelope = self.bundle.verification_material, self.bundle.dsse_envelope
        if self.kind == "sigstore":
            return _keyless(self.data, rule)
        if material.x509_certificate_chain is not None:
            chain = [one.raw_bytes for one in material.x509_certificate_chain.certificates]
            key = certificate.signer(chain, rule, at)
        else:
            key = keys.load(rule)
        keys.verify(key, envelope.signatures[0].sig, envelope.signed(), rule)
        return envelope.payload


def parse(data: bytes) -> Oms:
    """Read a bundle.

    Raises:
        DeniedError: it is none, or of a version or shape that is not taken.
    """
    try:
        bundle = msgspec.json.decode(data, type=_Bundle)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise refused(f"not an OpenSSF Model Signing bundle: {error}") from error
    except RecursionError as error:
        raise refused("not an OpenSSF Model Signing bundle: it is nested too deep") from error
    if bundle.media_type != _BUNDLE:
        raise refused(f"a bundle of type {quoted(bundle.media_type)}, not {_BUNDLE}")
    envelope = bundle.dsse_envelope
    if envelope.payload_type != _IN_TOTO:
        raise refused(f"a payload of type {quoted(envelope.payload_type)}, not {_IN_TOTO}")
    if len(envelope.signatures) != 1:
        raise refused(f"{len(envelope.signatures)} signatures in one bundle, not one")
    return Oms(data, _kind(bundle.verification_material), bundle)


def load_trusted_root(rule: EvidenceRule) -> None:
    """See that a rule's `trusted_root.json` is one, as far as that needs no extra.

    Raises:
        UnusableRuleError: it is not.
    """
    try:
        root = msgspec.json.decode(rule.trusted_root, type=_TrustedRoot)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UnusableRuleError(f"its trusted root is not a trusted_root.json: {error}") from error
    if not root.media_type.startswith(_TRUSTED_ROOT):
        raise UnusableRuleError(f"its trusted root is not of type {_TRUSTED_ROOT}")


def _kind(material: _Material) -> EvidenceKind:
    present: dict[EvidenceKind, object] = {
        "oms-key": material.public_key,
        "oms-certificate": material.x509_certificate_chain,
        "sigstore": material.certificate,
    }
    found = [kind for kind, what in present.items() if what is not None]
    if len(found) != 1:
        raise refused("a bundle must name a key, a certificate chain or a certificate: one of them")
    return found[0]


def _keyless(data: bytes, rule: EvidenceRule) -> bytes:
    try:
        from hubproxy.trust.evidence import keyless  # noqa: PLC0415  # where the extra is, only
    except ImportError as error:
        raise NotInstalledError(
            f"keyless signatures need the sigstore extra: {error}",
            remedy="Run `pip install 'hubproxy[sigstore]'` here, and try again.",
        ) from error
    return keyless.payload(data, rule)
