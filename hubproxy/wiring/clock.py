"""The clock, held against the audit log, and how a person lets it be right after all."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from hubproxy.config import Config
from hubproxy.core.audit import AuditEvent, timestamp
from hubproxy.core.floors import behind, newest
from hubproxy.service.clock import AuditedClock
from hubproxy.store.auditback import tail
from hubproxy.store.auditlog import AuditLog
from hubproxy.store.folder import DataFolder
from hubproxy.wiring.places import now, places


def audited_clock(config: Config, clock: Callable[[], datetime] = now) -> AuditedClock:
    """A clock, held against what is in the audit log now."""
    return AuditedClock(clock, newest(tail(places(config).audit)))


async def accept_clock(config: Config, *, caller: str) -> str:
    """Put on record that the present time is right, and what the log said before is not.

    Args:
        config: the settings.
        caller: who says so.

    Returns:
        By how much the clock was behind; empty when it was not, and nothing was to be accepted.

    Raises:
        DataFolderError: the data folder has another owner: stop the daemon first.
        AuditUnavailableError: it could not be recorded.
    """
    folder = DataFolder.open(Path(config.data))
    try:
        at = now()
        verdict = behind(at, newest(tail(places(config).audit)))
        if verdict is None:
            return ""
        async with AuditLog(
            places(config).audit, segment_bytes=config.audit.segment_bytes
        ) as audit:
            await audit.append(
                AuditEvent(
                    id=uuid4().hex,
                    time=timestamp(at),
                    event="clock",
                    caller=caller,
                    reason=f"this time was accepted, though the {verdict.message}",
                )
            )
        return verdict.message
    finally:
        folder.close()
