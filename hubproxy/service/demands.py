"""What the officers' policy demands of a proposal, before anything is fetched for it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hubproxy.core.handle import Handle
from hubproxy.core.policy import Policy
from hubproxy.errors import DeniedError, UsageError


def check_demanded(
    policy: Policy, handle: Handle, evidence: Sequence[bytes], card: bytes | None
) -> None:
    """See, before anything is fetched, that what the policy demands was brought along.

    Raises:
        DeniedError: HP-T12 or HP-T16.
    """
    rules = policy.rules_for(str(handle))
    if rules and not evidence:
        wanted = " or ".join(f"{rule.identity} ({rule.kind})" for rule in rules)
        raise DeniedError(
            "HP-T12",
            403,
            f"{handle}: publisher signature missing: {wanted} expected",
            remedy=f"`hubproxy trust propose {handle} --evidence FILE`",
        )
    if policy.card_fields and card is None:
        raise DeniedError(
            "HP-T16",
            403,
            f"{handle} has no model card, and the officers' policy demands one that says: "
            + ", ".join(policy.card_fields),
            remedy=f"Write one with `hubproxy trust card edit {handle}`.",
        )


def review_day(given: str, policy: Policy, at: datetime) -> str:
    """The day of the next review: as given, or as late as the policy allows; empty for never.

    Raises:
        UsageError: no day, or later than the policy allows.
    """
    latest = f"{at + timedelta(days=policy.review_days):%Y-%m-%d}" if policy.review_days else ""
    if not given:
        return latest
    try:
        day = f"{datetime.strptime(given, '%Y-%m-%d'):%Y-%m-%d}"  # noqa: DTZ007  # it is a day
    except ValueError as error:
        raise UsageError(f"{given!r} is not a day such as 2027-03-01") from error
    if day < f"{at:%Y-%m-%d}" or (latest and day > latest):
        until = f"from today to {latest}" if latest else "not one that is past"
        raise UsageError(f"the day of the next review must be {until}, not {day}")
    return day
