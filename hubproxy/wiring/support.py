"""What a draft's records say of signatures and cards, checked wherever a draft is looked at."""

from hubproxy.cards.check import check
from hubproxy.trust.support import Support
from hubproxy.wiring.places import now


def support() -> Support:
    """Cards need the extra `bom`: where that is absent it is said, and nobody is stopped."""
    return Support(now, check)
