"""How a module is read and checked before officers see it."""

import asyncio

from hubproxy.cards.check import check as check_card
from hubproxy.config import Config
from hubproxy.core.record import Record
from hubproxy.service.approve import Approvals
from hubproxy.service.transfer import Transfers
from hubproxy.trust import evidence
from hubproxy.wiring.cards import archive_file, inspector
from hubproxy.wiring.places import now
from hubproxy.wiring.stores import drafts
from hubproxy.wiring.trust import repository


def approvals(config: Config, transfers: Transfers) -> Approvals:
    """Reads modules for the list that this host publishes, by its policy."""

    async def ops(record: Record) -> tuple[str, ...] | None:
        archive = archive_file(config, record.archive_digest)
        if archive is None:
            return None
        facts = await asyncio.to_thread(inspector().inspect, archive, record)
        return None if facts is None else facts.ops

    return Approvals(
        transfers=transfers,
        drafts=drafts(config),
        repository=repository(config),
        clock=now,
        evidence=evidence,
        card=check_card,
        ops=ops,
    )
