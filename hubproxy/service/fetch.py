"""Bringing a module into the store: one that is known, and one that is not."""

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

from hubproxy.core.handle import Handle
from hubproxy.core.original import Original, OriginalHash
from hubproxy.core.record import Record
from hubproxy.logs import event
from hubproxy.service.growth import Growth
from hubproxy.service.ports import Discoveries, Modules
from hubproxy.service.transfer import Transfers

Keep = Callable[[Any, Record], Awaitable[None]]
"""What becomes of a discovered module, described by that record."""


async def fetch_known(
    record: Record, growth: Growth, *, transfers: Transfers, modules: Modules
) -> None:
    """Fetch a module whose record is known; its chunks are released as they verify.

    Raises:
        HubproxyError: it could not be had, or is not what the record says.
    """
    started = monotonic()
    async with transfers.turn(), modules.receive(record, growth.advance) as receiving:
        with growth.written(receiving.descriptor):
            if not await receiving.from_draft():
                await transfers.read(record.exact, receiving)
    event(
        "pull.fetched",
        handle=record.handle,
        digest=record.archive.digest,
        bytes=record.archive.size,
        ms=round((monotonic() - started) * 1000),
    )


async def fetch_first(
    exact: Handle,
    *,
    transfers: Transfers,
    into: Discoveries,
    decided_at: str,
    keep: Keep | None = None,
) -> Record:
    """Fetch a module that nobody has described: whole, checked, and kept with a record.

    Args:
        into: where it is kept. What it takes the module for, is its own affair.
        decided_at: UTC, RFC 3339.
        keep: what becomes of it instead; raises where it must not be kept.

    Raises:
        HubproxyError: it could not be had, or may never be accepted.
    """
    record, _ = await fetch_original(
        exact,
        transfers=transfers,
        into=into,
        decided_at=decided_at,
        originals=frozenset(),
        keep=keep,
    )
    return record


async def fetch_original(
    exact: Handle,
    *,
    transfers: Transfers,
    into: Discoveries,
    decided_at: str,
    originals: frozenset[OriginalHash],
    keep: Keep | None = None,
) -> tuple[Record, Original]:
    """Fetch a module as `fetch_first` does, for somebody who has its publisher's signature.

    Args:
        originals: what to compute of upstream's archive besides its sha256.
    """
    async with transfers.turn(), into.discover(originals) as discovery:
        found, url = await transfers.read(exact, discovery)
        record = await discovery.describe(exact, found, url=url, decided_at=decided_at)
        await (keep or into.adopt)(discovery, record)
    event("pull.discovered", handle=exact, digest=record.archive.digest)
    return record, discovery.original(found)
