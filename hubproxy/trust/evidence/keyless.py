"""Keyless sigstore signatures, by the sigstore library, with a pinned trusted root: no network.

The library proves when the signature was made, by a log or a time stamp, that the certificate was
valid then, and that it names the identity and its issuer. Imported only where it is needed: the
`sigstore` extra is not everybody's.
"""

import tempfile

from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity

from hubproxy.core.policy import EvidenceRule
from hubproxy.trust.evidence.certificate import identities
from hubproxy.trust.evidence.refusal import UnmetRuleError, UnusableRuleError, quoted, refused

_IN_TOTO = "application/vnd.in-toto+json"


def payload(data: bytes, rule: EvidenceRule) -> bytes:
    """What a bundle signs, once it is known to be signed by the rule's identity.

    Raises:
        UnmetRuleError: it is by somebody else, or nothing proves that it is not.
        DeniedError: it is no keyless bundle.
        UnusableRuleError: the rule's trusted root cannot be used.
    """
    verifier = _verifier(rule)
    try:
        bundle = Bundle.from_json(data)
    except Exception as error:  # a stranger's bytes: whatever they raise is a no
        raise refused(f"not a sigstore bundle: {error}") from error
    try:
        kind, signed = verifier.verify_dsse(
            bundle, Identity(identity=rule.identity, issuer=rule.issuer)
        )
    except Exception as error:  # as above
        raise UnmetRuleError(_why(bundle, rule, error)) from error
    if kind != _IN_TOTO:
        raise refused(f"a payload of type {quoted(kind)}, not {_IN_TOTO}")
    return signed


def _verifier(rule: EvidenceRule) -> Verifier:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(rule.trusted_root)
        file.flush()
        try:
            return Verifier(trusted_root=TrustedRoot.from_file(file.name))
        except Exception as error:
            raise UnusableRuleError(f"its trusted root cannot be used: {error}") from error


def _why(bundle: Bundle, rule: EvidenceRule, error: Exception) -> str:
    try:
        names = [name for some in identities(bundle.signing_certificate).values() for name in some]
    except Exception:  # noqa: BLE001  # as above
        names = []
    if rule.identity not in names:
        found = ", ".join(map(quoted, names)) or "none"
        return f"identity {rule.identity} expected, {found} found"
    return f"not a keyless signature by {rule.identity} of {rule.issuer}: {error}"
