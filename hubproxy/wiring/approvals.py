"""How a module is read and checked before officers see it."""

from collections.abc import Callable

from hubproxy.config import Config
from hubproxy.service.approve import Approvals
from hubproxy.service.transfer import Transfers
from hubproxy.trust import evidence
from hubproxy.wiring.cards import card_check, ops_reader
from hubproxy.wiring.places import now
from hubproxy.wiring.stores import drafts
from hubproxy.wiring.trust import repository


def approvals(
    config: Config, transfers: Transfers, *, told: Callable[[str], object] = lambda _: None
) -> Approvals:
    """Reads modules for the list that this host publishes, by its policy.

    Args:
        told: is given a line when nobody can look into a module.
    """
    return Approvals(
        transfers=transfers,
        drafts=drafts(config),
        repository=repository(config),
        clock=now,
        evidence=evidence,
        card=card_check(),
        ops=ops_reader(config, told),
    )
