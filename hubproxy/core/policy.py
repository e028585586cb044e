"""The officers' policy: what holds for every site that reads their list.

It is itself a target of the list, `policy.json`, signed in the top-level role. A site's own
settings can only be stricter.
"""

from datetime import UTC, datetime, timedelta
from typing import Literal, Self

import msgspec
from msgspec import UNSET

from hubproxy.core.allowance import Allowance, judge_findings
from hubproxy.core.patterns import PATTERN, matches
from hubproxy.core.record import CARD_FIELDS, Evidence, EvidenceKind, Record
from hubproxy.core.trust import MODES, Mode, Verdict

POLICY_PATH = "policy.json"
"""Where the policy stands in the trust list."""


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
        allow: what the content gate finds, and is allowed all the same.
        min_gate: the oldest version of the content gate that must have looked at a module; 0 for
            modules that none has looked at as well.
    """

    v: Literal[1] = 1
    mode: Mode = "first-use"
    grace_days: int = 14
    largest_module: int = 0
    evidence: tuple[EvidenceRule, ...] = ()
    card_fields: tuple[str, ...] = ()
    review_days: int = 0
    overdue: Literal["warn", "refuse"] = "warn"
    allow: tuple[Allowance, ...] = ()
    min_gate: int = 0

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
        for name in ("grace_days", "largest_module", "review_days", "min_gate"):
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
        for allowance in self.allow:
            try:
                allowance.check()
            except ValueError as error:
                raise ValueError(f"not a policy: {error}") from error


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
    if not PATTERN.fullmatch(rule.pattern):
        raise ValueError(f"not a policy: {rule.pattern!r} is not a pattern of handles")
    if not rule.identity:
        raise ValueError(f"not a policy: the rule for {rule.pattern} names no identity")
    for name in ("key", "roots", "issuer", "trusted_root"):
        if bool(getattr(rule, name)) != (name in _NEEDS[rule.kind]):
            verb = "needs" if name in _NEEDS[rule.kind] else "has no use for"
            raise ValueError(
                f"not a policy: the {rule.kind} rule for {rule.pattern} {verb} `{name}`"
            )


def judge_policy(record: Record, policy: Policy, at: datetime) -> Verdict | None:
    """Whether a record that the officers signed is all that they demand.

    Args:
        record: approved; what was revoked is refused for that.
        policy: in force.
        at: now, timezone-aware UTC.
    """
    late = overdue(record, policy, at) if policy.overdue == "refuse" else None
    return (
        too_large(record, policy)
        or _not_gated(record, policy)
        or judge_findings(record, policy.allow, at)
        or _unproven(record, policy.rules_for(record.handle))
        or _undescribed(record, policy.card_fields)
        or late
    )


def too_large(record: Record, policy: Policy) -> Verdict | None:
    """The refusal of a module with more bytes than the policy allows, whoever vouches for it."""
    most = policy.largest_module
    if not most or record.archive.size <= most:
        return None
    return _unmet(
        record,
        f"has {record.archive.size:,} bytes, and the officers' policy allows {most:,}",
        remedy="Use a smaller module, or ask the officers to change their policy.",
    )


def overdue(record: Record, policy: Policy, at: datetime) -> Verdict | None:
    """What is to be said of a module whose review is overdue; whether it refuses, the policy says.

    The day is the record's own, or `review_days` after it was decided; whichever comes first.
    """
    due = _review_due(record, policy)
    if due is None or at < due:
        return None
    return _unmet(
        record,
        f"was to be reviewed again by {(due - timedelta(microseconds=1)).date()}",
        remedy=f"Ask a trust officer: `hubproxy trust approve {record.handle}`",
    )


def stricter(site: Mode, policy: Policy) -> Mode:
    """The mode that holds: a site's own, unless the officers demand more."""
    return min(site, policy.mode, key=MODES.index)


def laxer(policy: Policy, *, mode: Mode, largest_module: int) -> list[str]:
    """Where a site's own settings ask for less than the policy, and what holds instead.

    Args:
        mode: as set at the site.
        largest_module: bytes that the site lets a module have.
    """
    found = []
    if stricter(mode, policy) != mode:
        found.append(
            f"trust.mode is {mode}, but the officers' policy demands {policy.mode}: "
            f"the daemon runs in {policy.mode}"
        )
    if policy.largest_module and largest_module > policy.largest_module:
        found.append(
            f"limits.unpacked is {largest_module:,} bytes, but the officers' policy allows a "
            f"module {policy.largest_module:,}: larger ones are refused"
        )
    return found


def _not_gated(record: Record, policy: Policy) -> Verdict | None:
    version = 0 if record.gate is UNSET else record.gate.version
    if version >= policy.min_gate:
        return None
    by = f"version {version} of the gate looked into it" if version else "nobody looked into it"
    return _unmet(
        record,
        f"must be looked into by version {policy.min_gate} of the content gate, and {by}",
        remedy=f"Ask a trust officer: `hubproxy trust approve {record.handle}`",
    )


def _unproven(record: Record, rules: tuple[EvidenceRule, ...]) -> Verdict | None:
    evidence = () if record.evidence is UNSET else record.evidence
    if not rules or any(_meets(one, rule) for one in evidence for rule in rules):
        return None
    wanted = " or ".join(f"{rule.identity} ({rule.kind})" for rule in rules)
    found = ", ".join(f"{one.identity} ({one.kind})" for one in evidence)
    what = f"identity {wanted} expected, {found} found" if found else f"missing: {wanted} expected"
    return Verdict(
        "HP-T12",
        403,
        f"{record.handle}: publisher signature {what}",
        remedy="Ask a trust officer to approve it with the publisher's signature: "
        f"`hubproxy trust propose {record.handle} --evidence FILE`",
    )


def _meets(evidence: Evidence, rule: EvidenceRule) -> bool:
    return (evidence.kind, evidence.identity, evidence.issuer) == (
        rule.kind,
        rule.identity,
        rule.issuer,
    )


def _undescribed(record: Record, wanted: tuple[str, ...]) -> Verdict | None:
    said: set[str] = set()
    if record.card is not UNSET:
        said = {*record.card.fields, *(name.partition(":")[0] for name in record.card.unknown)}
    missing = [field for field in wanted if field not in said]
    if not missing:
        return None
    return _unmet(
        record,
        f"has no card that says of it: {', '.join(missing)}; the officers' policy demands that",
        remedy=f"Ask a trust officer: `hubproxy trust card edit {record.handle}`",
    )


def _review_due(record: Record, policy: Policy) -> datetime | None:
    """The moment from which a review is overdue: the day that a record names is still in time."""
    due = []
    if record.review_by:
        due.append(_after(record.review_by, days=1))
    if policy.review_days:
        due.append(_after(record.decided_at, days=policy.review_days))
    return min(due, default=None)


def _after(text: str, *, days: int) -> datetime:
    """So long after a day or a moment; one that cannot be read is long ago: nobody may rely on it.

    The end of the calendar where it would be later.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return datetime(1, 1, 2, tzinfo=UTC)
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    try:
        return found + timedelta(days=days)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _unmet(record: Record, text: str, *, remedy: str) -> Verdict:
    return Verdict("HP-T16", 403, f"{record.handle} {text}", remedy=remedy)
