"""Checking a publisher's signature of any kind against the rules of the officers' policy."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from hubproxy.core.audit import timestamp
from hubproxy.core.digest import Digest
from hubproxy.core.original import OriginalHash, Subject
from hubproxy.core.policy import EvidenceRule
from hubproxy.core.record import Evidence, EvidenceKind
from hubproxy.errors import UsageError
from hubproxy.trust.evidence import certificate, keys, minisign, oms, sshsig
from hubproxy.trust.evidence.refusal import RULE, UnmetRuleError, UnusableRuleError, refused

LARGEST_EVIDENCE = 8 * 1024 * 1024
"""Bytes that a signature's file may have: an OMS bundle for 20,000 files stays below it."""

_READABLE = {
    "oms-key": keys.load,
    "oms-certificate": certificate.load,
    "sigstore": oms.load_trusted_root,
    "minisign": minisign.load,
    "sshsig": sshsig.load,
}


class _Signature(Protocol):
    """A signature's file that has been read, and not been believed yet."""

    @property
    def kind(self) -> EvidenceKind: ...

    @property
    def needs(self) -> frozenset[OriginalHash]:
        """Of upstream's archive; empty where the files' own digests are enough."""
        ...

    def verify(self, rule: EvidenceRule, subject: Subject, at: datetime) -> None:
        """Check it against one rule of its kind.

        Raises:
            UnmetRuleError: it is not by whom the rule names.
            DeniedError: it is, and it is not of this module.
            UnusableRuleError: the rule's own key cannot be read.
        """
        ...


def check(
    data: bytes, rules: Sequence[EvidenceRule], subject: Subject, *, at: datetime
) -> Evidence:
    """Check a signature's file, and say by whom it is.

    Args:
        data: an OMS bundle (JSON), a minisign signature, or an SSH signature in its armour. Which
            of them it is shows.
        rules: of the policy, for the module's handle. One that is met is enough.
        subject: what the signature must cover.
        at: when certificates must be valid; timezone-aware. A keyless signature's short-lived
            certificate must have been valid when a log or time stamp proves that it was used.

    Raises:
        DeniedError: HP-T12: nothing that a rule asks for, or not of this module.
        UsageError: no rule says whose signature would count, a rule's key cannot be read, or
            what is needed to check it is not there.
    """
    if not rules:
        raise UsageError(
            "no rule of policy.json says whose signature would count for this module",
            remedy="Leave the signature out, or have officers add a rule: `hubproxy trust policy`.",
        )
    signature = _read(data)
    fitting = [rule for rule in rules if rule.kind == signature.kind]
    if not fitting:
        wanted = " or ".join(f"{rule.kind} by {rule.identity}" for rule in rules)
        raise refused(f"{wanted} expected, {signature.kind} found", remedy=RULE)
    unmet = []
    for rule in fitting:
        try:
            signature.verify(rule, subject, at)
        except UnmetRuleError as error:
            unmet.append(error)
        except UnusableRuleError as error:
            raise _unreadable(rule, error) from error
        else:
            return Evidence(
                kind=signature.kind,
                identity=rule.identity,
                issuer=rule.issuer,
                digest=str(Digest.of_hex(hashlib.sha256(data).hexdigest())),
                verified_at=timestamp(at),
            )
    raise refused("; ".join(map(str, unmet)), remedy=unmet[-1].remedy)


def needed(data: bytes) -> frozenset[OriginalHash]:
    """What must be computed of upstream's archive, while it comes in, to check a signature.

    Raises:
        DeniedError: it is no signature that is known.
    """
    return _read(data).needs


def kind_of(data: bytes) -> EvidenceKind:
    """Of what kind a signature's file is; nothing of it is believed yet.

    Raises:
        DeniedError: it is no signature that is known.
    """
    return _read(data).kind


def check_rule(rule: EvidenceRule) -> None:
    """See that a rule's key, certificates or trusted root can be read: before it is signed.

    Raises:
        UsageError: they cannot.
    """
    try:
        _READABLE[rule.kind](rule)
    except UnusableRuleError as error:
        raise _unreadable(rule, error) from error


def _read(data: bytes) -> _Signature:
    if len(data) > LARGEST_EVIDENCE:
        raise refused(f"{len(data):,} bytes; no signature has more than {LARGEST_EVIDENCE:,}")
    if data.startswith(sshsig.BEGIN):
        return sshsig.parse(data)
    if data.startswith(minisign.BEGIN):
        return minisign.parse(data)
    if data.lstrip()[:1] == b"{":
        return oms.parse(data)
    raise refused(
        "neither an OpenSSF Model Signing bundle nor a minisign or SSH signature",
        remedy="Offer the file as the publisher made it: `model.sig`, `*.minisig` or `*.sig`.",
    )


def _unreadable(rule: EvidenceRule, error: UnusableRuleError) -> UsageError:
    return UsageError(
        f"policy.json: the {rule.kind} rule for {rule.pattern} cannot be used: {error}",
        remedy="Officers put it right: `hubproxy trust policy`.",
    )
