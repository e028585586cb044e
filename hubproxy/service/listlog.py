"""What the audit log is told of the trust list, and what it remembers of it."""

import logging
from uuid import uuid4

from hubproxy.core.audit import AuditEvent, timestamp
from hubproxy.core.floors import went_back
from hubproxy.core.trust import Versions
from hubproxy.core.trustlist import TOP, TrustSnapshot
from hubproxy.errors import AuditUnavailableError, TrustListError
from hubproxy.logs import event
from hubproxy.service.clock import AuditedClock
from hubproxy.service.ports import AuditLog


def refuse_older(offered: TrustSnapshot, seen: Versions) -> None:
    """See that a list is not older than what was seen of it.

    Raises:
        TrustListError: HP-T08: it is.
    """
    verdict = went_back(offered.versions, seen, online_since=offered.online_since)
    if verdict is not None:
        raise TrustListError(verdict.code, verdict.message, remedy=verdict.remedy)


class ListLog:
    """Has each change of the list on record, and refuses one that is older than what is there.

    Args:
        audit: where events are accepted.
        clock: stamps them.
        identity: of the list: the digest of the root file that trust in it began with.
        seen: the highest versions that the log tells of, of this list.
    """

    def __init__(
        self,
        audit: AuditLog,
        clock: AuditedClock,
        *,
        identity: str,
        seen: Versions = Versions(),  # noqa: B008  # it is frozen
    ) -> None:
        self._audit, self._clock, self._identity = audit, clock, identity
        self._seen = seen

    def check(self, offered: TrustSnapshot) -> None:
        """See that a list is not older than one that was in force here.

        Raises:
            TrustListError: HP-T08: it is.
        """
        refuse_older(offered, self._seen)

    async def comes_into_force(self, versions: Versions, reason: str) -> None:
        """Have it accepted that a list comes into force, before it does.

        Raises:
            AuditUnavailableError: it was not, so the list must not.
        """
        await self._write(versions, "", reason)
        self._seen = versions

    async def tell(self, code: str, reason: str) -> None:
        """Put on record what became of the list in force. A log that fails has said so itself."""
        try:
            await self._write(self._seen, code, reason)
        except AuditUnavailableError as error:
            event("trust.not_recorded", level=logging.ERROR, code=code, reason=error)

    async def _write(self, versions: Versions, code: str, reason: str) -> None:
        await self._audit.append(
            AuditEvent(
                id=uuid4().hex,
                time=timestamp(self._clock.stamp()),
                event="trust",
                record=self._identity,
                code=code,
                reason=reason,
                trust=versions.full if versions != Versions() else "",
            )
        )


def described(fresh: TrustSnapshot, before: TrustSnapshot | None) -> str:
    """What a list says, in numbers, and what is new about it."""
    top = fresh.roles[TOP]
    old = before.roles[TOP].targets if before is not None else top.targets
    kept = top.targets.keys() & old.keys()
    told = [f"{len(top.targets)} targets of the officers"]
    for count, what in (
        (len(top.targets.keys() - old.keys()), "new"),
        (sum(top.targets[path] != old[path] for path in kept), "changed"),
        (len(old.keys() - top.targets.keys()), "gone"),
        (len(top.revoked), "revoked"),
        (len(fresh.delegated), "teams"),
    ):
        if count:
            told.append(f"{count} {what}")
    if before is None or before.policy != fresh.policy:
        told.append(f"policy: mode {fresh.policy.mode}, grace of {fresh.policy.grace_days} days")
    return f"{', '.join(told)}, until {fresh.expires:%Y-%m-%d %H:%M} UTC"
