"""A trust list in memory, and whoever keeps it in force."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hubproxy.core.audit import AuditEvent
from hubproxy.core.digest import Descriptor, Digest
from hubproxy.core.policy import NO_POLICY, Policy
from hubproxy.core.record import Record
from hubproxy.core.trust import Listed, Versions
from hubproxy.core.trustlist import Delegation, Role, TrustSnapshot
from hubproxy.errors import AuditUnavailableError, TrustListError
from hubproxy.service.clock import AuditedClock
from hubproxy.service.listlog import ListLog
from hubproxy.service.trusted import TrustKeeper
from tests.made import SPICE, describe

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
RECORD = describe(b"an archive")
IDENTITY = "sha256:" + "ab" * 32


def a_list(
    version: int = 1,
    *,
    days: float = 7,
    teams: dict[str, str] | None = None,
    policy: Policy = NO_POLICY,
) -> TrustSnapshot:
    """A list of `SPICE`, good for some days from noon.

    Args:
        version: of each role.
        days: until it expires.
        teams: name -> pattern of what each may list.
        policy: of the officers.
    """
    versions = Versions(root=1, timestamp=version, snapshot=version, targets=version)
    expires = NOON + timedelta(days=days)
    delegations = tuple(Delegation(name, (text,)) for name, text in (teams or {}).items())
    targets = {f"{SPICE}/saved_model.json": RECORD.descriptor}
    top = Role("targets", version, expires, targets, delegations=delegations)
    return TrustSnapshot(versions, expires, {"targets": top}, policy)


def a_role(name: str, *records: Record, days: float = 30) -> Role:
    """A team's role, good for some days from noon."""
    targets = {f"{record.handle}/{record.format}.json": record.descriptor for record in records}
    return Role(name, 1, NOON + timedelta(days=days), targets)


@dataclass
class Source:
    """A list's source; what is an error is raised. It waits for `let_go`, if there is one."""

    current: TrustSnapshot | Exception = field(default_factory=a_list)
    kept: TrustSnapshot | TrustListError = field(
        default_factory=lambda: TrustListError("HP-T09", "nothing was kept")
    )
    records: dict[Digest, bytes] = field(default_factory=dict)
    fetched: list[Digest] = field(default_factory=list)
    roles: dict[str, Role | TrustListError] = field(default_factory=dict)
    loaded: list[str] = field(default_factory=list)
    let_go: threading.Event | None = None

    def refresh(self) -> TrustSnapshot:
        if isinstance(self.current, Exception):
            raise self.current
        return self.current

    def cached(self) -> TrustSnapshot:
        if isinstance(self.kept, Exception):
            raise self.kept
        return self.kept

    def load_role(self, snapshot: TrustSnapshot, name: str) -> TrustSnapshot:
        self.loaded.append(name)
        if self.let_go is not None:
            assert self.let_go.wait(30)
        role = self.roles[name]
        if isinstance(role, Exception):
            raise role
        return snapshot.with_role(role)

    def fetch_record(self, wanted: Descriptor) -> bytes:
        self.fetched.append(wanted.digest)
        if self.let_go is not None:
            assert self.let_go.wait(30)
        if wanted.digest not in self.records:
            raise TrustListError("HP-T09", "the source is away")
        return self.records[wanted.digest]


def listed(record: Record) -> Listed:
    return Listed(record.exact, record.format, record.descriptor)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Log:
    """Where events are accepted, unless it is told to fail."""

    events: list[AuditEvent] = field(default_factory=list)
    failing: bool = False

    async def append(self, event: AuditEvent) -> None:
        if self.failing:
            raise AuditUnavailableError("the disk is full")
        self.events.append(event)

    @property
    def told(self) -> list[str]:
        return [f"{event.code}: {event.reason}" for event in self.events]


@asynccontextmanager
async def keeping(
    source: Source,
    clock: Clock,
    modules: Any,
    *,
    log: Log | None = None,
    seen: Versions = Versions(),  # noqa: B008  # it is frozen
    newest: datetime | None = None,
    longest: float = 60.0,
    patience: float = 10.0,
) -> AsyncIterator[TrustKeeper]:
    """Who keeps the list, until the block ends.

    Args:
        modules: a store, or what stands for one.
        log: that events go to.
        seen: of this list, by the log.
        newest: the time of the newest event in the log.
        longest: seconds that a refresh is waited for.
        patience: seconds that it waits for changed roles.
    """
    audited = AuditedClock(clock, newest)
    told = ListLog(log or Log(), audited, identity=IDENTITY, seen=seen)
    keeper = TrustKeeper(
        source, modules, clock=audited, log=told, longest=longest, patience=patience
    )
    try:
        yield keeper
    finally:
        await keeper.close()
