"""How a module is read and checked before officers see it."""

from hubproxy.config import Config
from hubproxy.service.approve import Approvals
from hubproxy.service.transfer import Transfers
from hubproxy.trust import evidence
from hubproxy.wiring.cards import card_check, gate
from hubproxy.wiring.places import now
from hubproxy.wiring.stores import drafts
from hubproxy.wiring.trust import repository


def approvals(config: Config, transfers: Transfers) -> Approvals:
    """Reads modules for the list that this host publishes, by its policy."""
    return Approvals(
        transfers=transfers,
        drafts=drafts(config),
        repository=repository(config),
        clock=now,
        evidence=evidence,
        card=card_check(),
        gate=gate(config),
    )
