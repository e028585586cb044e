"""What the content gate has found in listed modules, against what the policy allows of it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from hubproxy.core.allowance import Allowance, judge_findings
from hubproxy.core.policy import NO_POLICY, POLICY_PATH, Policy
from hubproxy.core.record import Record
from hubproxy.core.trustlist import TOP
from hubproxy.errors import HubproxyError, UsageError
from hubproxy.trust.contents import Contents
from hubproxy.trust.inforce import InForce
from hubproxy.trust.lint import Finding

_SOON = timedelta(days=30)


def lint_gate(held: InForce, published: Contents, at: datetime) -> Iterator[Finding]:
    """Allowances that have ended or soon will, and modules that are refused for what is in them.

    What cannot be read is told of by `lint` and `lint_files`.

    Args:
        at: now, timezone-aware UTC.
    """
    records = list(_records(held, published))
    policy = _policy(held, published)
    for one in policy.allow:
        yield from _allowance(one, at)
    for record in records:
        no = judge_findings(record, policy.allow, at)
        if no is not None:
            yield Finding("error", f"it is refused: {no.message}", no.remedy)


def _allowance(one: Allowance, at: datetime) -> Iterator[Finding]:
    """Whether an allowance has ended, or ends within a month."""
    ends = datetime.fromisoformat(one.review_by).replace(tzinfo=UTC) + timedelta(days=1)
    what = f"the allowance of {one.finding} for {one.pattern}"
    again = f"hubproxy trust policy allow '{one.pattern}' {one.finding} --why REASON"
    if at >= ends:
        yield Finding(
            "warning",
            f"{what} ended with {one.review_by}, and allows nothing any more",
            f"hubproxy trust policy disallow '{one.pattern}' {one.finding}, or: {again}",
        )
    elif ends - at <= _SOON:
        yield Finding("warning", f"{what} ends with {one.review_by}", f"{again} --review-by DAY")


def _policy(held: InForce, published: Contents) -> Policy:
    target = held.targets.signed.targets.get(POLICY_PATH)
    if target is None:
        return NO_POLICY
    try:
        return published.policy(f"sha256:{target.hashes['sha256']}")
    except UsageError:
        return NO_POLICY


def _records(held: InForce, published: Contents) -> Iterator[Record]:
    for name in (TOP, *held.delegated):
        try:
            targets = held.role(name).signed.targets
        except HubproxyError:
            continue
        for path, target in targets.items():
            if path == POLICY_PATH:
                continue
            try:
                record = published.record(f"sha256:{target.hashes['sha256']}")
            except UsageError:
                continue
            if record.status == "approved":
                yield record
