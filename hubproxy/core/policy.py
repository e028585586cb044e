"""The officers' policy: what holds for every site that reads their list.

It is itself a target of the list, `policy.json`, signed in the top-level role. A site's own
settings can only be stricter.
"""

import re
from functools import lru_cache
from typing import Literal, Self

import msgspec

from hubproxy.core.record import CARD_FIELDS, EvidenceKind

POLICY_PATH = "policy.json"
"""Where the policy stands in the trust list."""

_PATTERN = re.compile(r"(?:[A-Za-z0-9*?._+-]+/)*[A-Za-z0-9*?._+-]+")


class EvidenceRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose signature makes a module of a publisher one of his.

    Args:
        pattern: of handles: `*` is any text within one segment, `**` any segments.
        kind: what kind of signature.
        identity: exactly who signed, as the record will name him: the certificate's subject
            alternative name, the principal, or any name for a bare key.
        key: the public key: PEM for `oms-key`, the line of a `.pub` file for `minisign`, `sshsig`.
        roots: the publisher's own CA certificates in PEM, for `oms-certificate`.
        issuer: of the identity, for `sigstore`.
        trusted_root: the text of a sigstore `trusted_root.json`, for `sigstore`.
    """

    pattern: str
    kind: EvidenceKind
    identity: str
    key: str = ""
    roots: str = ""
    issuer: str = ""
    trusted_root: str = ""


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the officers demand of every module and of every site. `encode` is canonical.

    Args:
        mode: the least strict mode that a site may run in.
        grace_days: how long an expired list goes on serving what is stored already.
        largest_module: bytes of one module's archive; 0 for no limit.
        evidence: for handles that some rule's pattern matches, one of these rules must be met.
        card_fields: what a model card must say, of `CARD_FIELDS`, or accept as unknown by name.
        review_days: a record must be reviewed again after so many days; 0 for never.
        overdue: what happens to a module whose review is overdue.
    """

    v: Literal[1] = 1
    mode: Literal["enforce", "first-use"] = "first-use"
    grace_days: int = 14
    largest_module: int = 0
    evidence: tuple[EvidenceRule, ...] = ()
    card_fields: tuple[str, ...] = ()
    review_days: int = 0
    overdue: Literal["warn", "refuse"] = "warn"

    @classmethod
    def decode(cls, text: bytes) -> Self:
        """Read and check a policy.

        Raises:
            ValueError: not a policy; the message names the field.
        """
        try:
            policy = msgspec.json.decode(text, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ValueError(f"not a policy: {error}") from error
        policy._check()
        return policy

    def encode(self) -> bytes:
        """Canonical bytes: keys in a fixed order, no spaces."""
        return msgspec.json.encode(self, order="sorted")

    def rules_for(self, handle: str) -> tuple[EvidenceRule, ...]:
        """The rules of evidence whose pattern matches a canonical handle."""
        return tuple(rule for rule in self.evidence if matches(rule.pattern, handle))

    def _check(self) -> None:
        for name in ("grace_days", "largest_module", "review_days"):
            if not 0 <= getattr(self, name) <= 2**53:
                raise ValueError(f"not a policy: `{name}` is out of range")
        if self.grace_days > 3650 or self.review_days > 36500:
            raise ValueError("not a policy: more days than make sense")
        for field in self.card_fields:
            if field not in CARD_FIELDS:
                raise ValueError(
                    f"not a policy: `card_fields` names {field!r}, not one of "
                    + ", ".join(CARD_FIELDS)
                )
        for rule in self.evidence:
            _check_rule(rule)


NO_POLICY = Policy()
"""What holds where the officers have published no policy."""

_NEEDS = {
    "oms-key": ("key",),
    "oms-certificate": ("roots",),
    "sigstore": ("issuer", "trusted_root"),
    "minisign": ("key",),
    "sshsig": ("key",),
}


def _check_rule(rule: EvidenceRule) -> None:
    if not _PATTERN.fullmatch(rule.pattern):
        raise ValueError(f"not a policy: {rule.pattern!r} is not a pattern of handles")
    if not rule.identity:
        raise ValueError(f"not a policy: the rule for {rule.pattern} names no identity")
    for name in ("key", "roots", "issuer", "trusted_root"):
        if bool(getattr(rule, name)) != (name in _NEEDS[rule.kind]):
            verb = "needs" if name in _NEEDS[rule.kind] else "has no use for"
            raise ValueError(
                f"not a policy: the {rule.kind} rule for {rule.pattern} {verb} `{name}`"
            )


def matches(pattern: str, handle: str) -> bool:
    """Whether a pattern matches a canonical handle: `*` within a segment, `**` any segments."""
    return _compiled(pattern).fullmatch(handle) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*|\*|\?)", pattern)
    known = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(known.get(part, re.escape(part)) for part in parts))
