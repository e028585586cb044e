"""What an officer does with a module: read it, compare it, decide, publish."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import msgspec

from hubproxy.core.audit import timestamp
from hubproxy.core.handle import Handle
from hubproxy.core.record import FORMATS, Record, target_path
from hubproxy.core.trust import Versions
from hubproxy.errors import UsageError
from hubproxy.service.fetch import fetch_first
from hubproxy.service.ports import Discoveries
from hubproxy.service.transfer import Transfers


class Repository(Protocol):
    """The list as officers write it. Both methods block."""

    def find(self, path: str) -> Record | None: ...

    def publish(self, records: Sequence[Record], *, officer: Any, online: Any) -> Versions: ...


class Signers(Protocol):
    """Who signs. What a key is, is the repository's affair."""

    @property
    def officer(self) -> Any: ...

    @property
    def online(self) -> Any: ...

    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Proposal:
    """A record that has not been signed, and the one it would replace."""

    record: Record
    before: Record | None


class Approvals:
    """Reads modules and signs records of them.

    Args:
        drafts: where what was read is kept, until the daemon takes it into the store.
        clock: the time, timezone-aware UTC.
    """

    def __init__(
        self,
        *,
        transfers: Transfers,
        drafts: Discoveries,
        repository: Repository,
        clock: Callable[[], datetime],
    ) -> None:
        self._transfers, self._drafts = transfers, drafts
        self._repository, self._clock = repository, clock

    async def examine(self, handle: Handle, *, licence: str = "") -> Proposal:
        """Fetch a module and describe it.

        Raises:
            UsageError: the handle has no version: what is signed is exact.
            HubproxyError: the module cannot be had, or may never be accepted.
        """
        exact_only(handle)
        record = await fetch_first(
            handle,
            transfers=self._transfers,
            into=self._drafts,
            decided_at=timestamp(self._clock()),
        )
        before = await asyncio.to_thread(self._repository.find, target_path(handle, record.format))
        return Proposal(msgspec.structs.replace(record, licence=licence), before)

    async def publish(self, records: Sequence[Record], signers: Signers) -> Versions:
        """Sign records in an officer's name, and put them on the list."""
        signed = [msgspec.structs.replace(record, reviewers=(signers.name,)) for record in records]

        def work() -> Versions:
            return self._repository.publish(signed, officer=signers.officer, online=signers.online)

        return await asyncio.to_thread(work)


def exact_only(handle: Handle) -> None:
    """See that a handle names one module for ever.

    Raises:
        UsageError: it has no version.
    """
    if handle.version is None:
        raise UsageError(
            f"{handle} has no version, and only an exact module can be approved",
            remedy=f"Name one, such as {handle}/1.",
        )


def revoked(
    repository: Repository, handle: Handle, *, reason: str, at: datetime, by: str
) -> list[Record]:
    """The records that take back every format of a module.

    Raises:
        UsageError: the list does not name it, or no reason is given.
    """
    if not reason.strip():
        raise UsageError("a revocation needs a reason: clients are told it")
    found = [
        record
        for form in FORMATS
        if (record := repository.find(target_path(handle, form))) is not None
    ]
    if not found:
        raise UsageError(f"{handle} is not on the trust list", remedy="See `hubproxy trust list`.")
    return [
        msgspec.structs.replace(
            record, status="revoked", reason=reason, reviewers=(by,), decided_at=timestamp(at)
        )
        for record in found
    ]
