"""The certificate method of OpenSSF Model Signing: a chain to the publisher's own CA.

The chain must be good when the module is proposed, not when it was signed: nothing in a bundle
proves when that was. The leaf must be made for signing code, so that no TLS server of the same CA
can sign a module, and name the publisher exactly.
"""

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    ClientVerifier,
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from hubproxy.core.policy import EvidenceRule
from hubproxy.trust.evidence import keys
from hubproxy.trust.evidence.refusal import (
    UnmetRuleError,
    UnusableRuleError,
    quoted,
    refused,
)

_MOST_CERTIFICATES = 10
_MALFORMED = (
    ValueError,
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
_SIGN_AGAIN = "Ask the publisher to sign with a certificate that is valid today."


def load(rule: EvidenceRule) -> list[x509.Certificate]:
    """The CA certificates of an `oms-certificate` rule.

    Raises:
        UnusableRuleError: there is none in PEM.
    """
    try:
        return x509.load_pem_x509_certificates(rule.roots.encode())
    except (ValueError, x509.InvalidVersion) as error:
        raise UnusableRuleError("its roots are not certificates in PEM") from error


def signer(chain: Sequence[bytes], rule: EvidenceRule, at: datetime) -> ec.EllipticCurvePublicKey:
    """The key of a chain's leaf, once the chain is known to be the publisher's.

    Args:
        chain: DER; the leaf, then those above it.
        at: when all of them must be valid.

    Raises:
        UnmetRuleError: it does not lead to the rule's CA, or is of somebody else.
        DeniedError: these are no certificates.
        UnusableRuleError: the rule's CA cannot be read.
    """
    roots = load(rule)
    leaf, *above = _read(chain)
    try:
        _verifier(roots, at).verify(leaf, above)
        names = identities(leaf)
    except (VerificationError, *_MALFORMED) as error:
        raise _untrusted(leaf, rule, at, error) from error
    if rule.identity not in names.get(_name_type(rule.identity), ()):
        found = ", ".join(quoted(name) for some in names.values() for name in some)
        raise UnmetRuleError(f"identity {rule.identity} expected, {found or 'none'} found")
    try:
        return keys.of_curve(leaf.public_key())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise refused(f"the certificate cannot sign an OMS bundle: {error}") from error


def identities(leaf: x509.Certificate) -> dict[type[x509.GeneralName], list[str]]:
    """Whom a certificate names: e-mail addresses, URIs, host names.

    Raises:
        ExtensionNotFound: nobody.
        ValueError: the certificate is malformed.
    """
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {
        x509.RFC822Name: names.get_values_for_type(x509.RFC822Name),
        x509.UniformResourceIdentifier: names.get_values_for_type(x509.UniformResourceIdentifier),
        x509.DNSName: names.get_values_for_type(x509.DNSName),
    }


def _name_type(identity: str) -> type[x509.GeneralName]:
    if ":" in identity:
        return x509.UniformResourceIdentifier
    return x509.RFC822Name if "@" in identity else x509.DNSName


def _read(chain: Sequence[bytes]) -> list[x509.Certificate]:
    if not 0 < len(chain) <= _MOST_CERTIFICATES:
        raise refused(f"a chain of {len(chain)} certificates, not of 1 to {_MOST_CERTIFICATES}")
    try:
        return [x509.load_der_x509_certificate(der) for der in chain]
    except _MALFORMED as error:
        raise refused(f"not a certificate: {error}") from error


def _for_code(_: Policy, __: x509.Certificate, usage: x509.ExtendedKeyUsage) -> None:
    if ExtendedKeyUsageOID.CODE_SIGNING not in usage:
        raise ValueError("not made for signing code")


def _for_code_or_any(
    policy: Policy, issuer: x509.Certificate, usage: x509.ExtendedKeyUsage | None
) -> None:
    """A CA that says what it may issue must say this."""
    if usage is not None and ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE not in usage:
        _for_code(policy, issuer, usage)


def _may_sign(_: Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.digital_signature:
        raise ValueError("not made for signatures")


def _verifier(roots: list[x509.Certificate], at: datetime) -> ClientVerifier:
    any_way = Criticality.AGNOSTIC
    issuer = ExtensionPolicy.webpki_defaults_ca().may_be_present(
        x509.ExtendedKeyUsage, any_way, _for_code_or_any
    )
    leaf = (
        ExtensionPolicy.webpki_defaults_ee()
        .require_present(x509.ExtendedKeyUsage, any_way, _for_code)
        .require_present(x509.SubjectAlternativeName, any_way, None)
        .may_be_present(x509.KeyUsage, any_way, _may_sign)
    )
    return (
        PolicyBuilder()
        .store(Store(roots))
        .time(at)
        .extension_policies(ca_policy=issuer, ee_policy=leaf)
        .build_client_verifier()
    )


def _untrusted(
    leaf: x509.Certificate, rule: EvidenceRule, at: datetime, error: Exception
) -> UnmetRuleError:
    """Why a chain was not accepted, in the words of whoever must get another one."""
    ends, begins = leaf.not_valid_after_utc, leaf.not_valid_before_utc
    if at > ends:
        return UnmetRuleError(f"certificate expired on {ends:%Y-%m-%d}", remedy=_SIGN_AGAIN)
    if at < begins:
        return UnmetRuleError(
            f"certificate is not valid before {begins:%Y-%m-%d %H:%M} UTC", remedy=_SIGN_AGAIN
        )
    why = str(error).removeprefix("validation failed: ").partition(" (encountered")[0]
    why = why.removeprefix("Python extension validator failed: ValueError: ")
    if why.startswith("candidates exhausted"):
        why = f"its chain does not lead to his CA ({why})"
    return UnmetRuleError(f"the certificate is not one for {rule.identity}: {why}")
