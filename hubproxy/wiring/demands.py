"""What a policy would do to the list that this host publishes."""

from dataclasses import dataclass

from hubproxy.config import Config
from hubproxy.core.policy import Policy
from hubproxy.core.trust import Verdict
from hubproxy.errors import HubproxyError
from hubproxy.trust.proposing import refused_by
from hubproxy.trust.review import Review
from hubproxy.trust.thresholds import fingerprint
from hubproxy.wiring.places import now
from hubproxy.wiring.trust import repository


@dataclass(frozen=True, slots=True)
class Refusals:
    """Listed modules that a policy would refuse, by their paths, of so many that are listed."""

    modules: tuple[tuple[str, Verdict], ...]
    listed: int


def refused_by_policy(config: Config, policy: Policy) -> Refusals | None:
    """What it would refuse, if it were in force now; None where there is no list that verifies."""
    own = repository(config)
    try:
        return Refusals(refused_by(own, policy, now()), len(own.paths()))
    except HubproxyError:
        return None


def refused_by_draft(config: Config, review: Review) -> Refusals | None:
    """The same of a draft that changes the policy; None also where its list is another one."""
    if review.policy is None:
        return None
    try:
        first = repository(config).in_force().roots[0]
    except HubproxyError:
        return None
    if fingerprint(first) != review.fingerprint:
        return None
    return refused_by_policy(config, review.policy[1])
