"""What is put on record of tunnels, also when nobody waits for it."""

import asyncio
import logging
from datetime import UTC, datetime

import pytest

from hubproxy.core.audit import AuditEvent
from hubproxy.core.trust import Versions
from hubproxy.errors import AuditUnavailableError, DeniedError, HubproxyError, UpstreamError
from hubproxy.service.recording import Recorder
from hubproxy.service.tunnels import Tunnels

DENIED = DeniedError("NOT_A_HUB", 403, "a.example is no hub")


class Log:
    """An audit log that writes when it is told to."""

    def __init__(self) -> None:
        self.events: list[AuditEvent] = []
        self.asked, self.may_write = asyncio.Event(), asyncio.Event()
        self.broken = False

    async def append(self, event: AuditEvent) -> None:
        self.asked.set()
        await self.may_write.wait()
        if self.broken:
            raise AuditUnavailableError("no space left")
        self.events.append(event)


@pytest.fixture
async def log() -> Log:
    return Log()


@pytest.fixture
async def tunnels(log: Log) -> Tunnels:
    return Tunnels(Recorder(log, Versions, lambda: datetime(2026, 1, 31, tzinfo=UTC)))


async def test_a_refusal_is_on_record_although_its_client_hangs_up(
    log: Log, tunnels: Tunnels
) -> None:
    refusing = asyncio.create_task(tunnels.refused("a.example:443", "192.0.2.1", DENIED))
    await log.asked.wait()
    refusing.cancel()
    await asyncio.gather(refusing, return_exceptions=True)
    settling = asyncio.create_task(tunnels.settled())
    await asyncio.sleep(0)
    assert not settling.done()
    log.may_write.set()
    await settling
    (event,) = log.events
    assert (event.handle, event.caller, event.code) == ("a.example:443", "192.0.2.1", "NOT_A_HUB")


@pytest.mark.parametrize(
    ("error", "outcome"), [(DENIED, "refused"), (UpstreamError("no answer"), "failed")]
)
async def test_who_is_to_blame_is_on_record(
    log: Log, tunnels: Tunnels, error: HubproxyError, outcome: str
) -> None:
    log.may_write.set()
    await tunnels.refused("a.example:443", "192.0.2.1", error)
    assert [event.outcome for event in log.events] == [outcome]


async def test_a_tunnel_is_opened_on_record_or_not_at_all(log: Log, tunnels: Tunnels) -> None:
    opening = asyncio.create_task(tunnels.opened("a.example:443", "192.0.2.1"))
    await log.asked.wait()
    assert not opening.done()
    log.may_write.set()
    entry = await opening
    assert [event.id for event in log.events] == [entry.id]
    log.broken = True
    with pytest.raises(AuditUnavailableError):
        await tunnels.opened("a.example:443", "192.0.2.1")
    with pytest.raises(AuditUnavailableError):
        await tunnels.refused("a.example:443", "192.0.2.1", DENIED)


async def test_an_end_that_cannot_be_recorded_harms_nobody(
    log: Log, tunnels: Tunnels, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    log.may_write.set()
    entry = await tunnels.opened("a.example:443", "192.0.2.1")
    log.broken = True
    tunnels.closed(entry, 5)
    await tunnels.settled()
    log.broken = False
    tunnels.closed(entry, 7)
    await tunnels.settled()
    assert [(event.event, event.bytes) for event in log.events[1:]] == [("tunnel-closed", 7)]
    assert "exception was never retrieved" not in caplog.text
