"""Bare keys of OpenSSF Model Signing: ECDSA on the three curves that it has."""

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from hubproxy.core.policy import EvidenceRule
from hubproxy.trust.evidence.refusal import UnmetRuleError, UnusableRuleError

_HASHES: dict[str, type[HashAlgorithm]] = {
    "secp256r1": SHA256,
    "secp384r1": SHA384,
    "secp521r1": SHA512,
}


def load(rule: EvidenceRule) -> ec.EllipticCurvePublicKey:
    """The key of an `oms-key` rule.

    Raises:
        UnusableRuleError: not a public key in PEM, or not of a curve that OMS has.
    """
    try:
        return of_curve(load_pem_public_key(rule.key.encode()))
    except UnsupportedAlgorithm as error:
        raise UnusableRuleError(f"its key is of an unknown kind: {error}") from error
    except ValueError as error:
        raise UnusableRuleError(f"its key is not a public key in PEM for OMS: {error}") from error


def of_curve(key: object) -> ec.EllipticCurvePublicKey:
    """The same key, if it is one that OMS signs with.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in _HASHES:
        raise ValueError("the key is not ECDSA on P-256, P-384 or P-521")
    return key


def verify(
    key: ec.EllipticCurvePublicKey, signature: bytes, signed: bytes, rule: EvidenceRule
) -> None:
    """Check a signature; the hash goes with the curve.

    Raises:
        UnmetRuleError: it is not this key's.
    """
    try:
        key.verify(signature, signed, ec.ECDSA(_HASHES[key.curve.name]()))
    except InvalidSignature:
        raise UnmetRuleError(
            f"identity {rule.identity} expected, and his key did not make this signature"
        ) from None
