"""What was staged, taken in by the owner of the data folder; or the owner asked to do it."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from time import monotonic

from hubproxy.config import Config
from hubproxy.core.record import Record
from hubproxy.core.staged import Ready
from hubproxy.errors import DataFolderError, HubproxyError, TrustListError
from hubproxy.logs import event
from hubproxy.service.adopting import Adopting
from hubproxy.service.clock import AuditedClock
from hubproxy.service.listlog import described
from hubproxy.service.ports import AuditLog as AuditPort
from hubproxy.store.auditlog import AuditLog
from hubproxy.store.folder import owner_of
from hubproxy.store.modules import ModuleStore
from hubproxy.store.reloading import ReloadError, in_force, reload
from hubproxy.store.staging import Stage, Staging
from hubproxy.store.takein import install_list
from hubproxy.wiring.clock import audited_clock
from hubproxy.wiring.places import now, places
from hubproxy.wiring.stores import open_modules, open_stores
from hubproxy.wiring.trust import daemon_client, list_log

_PATIENCE = 30.0
"""Seconds for which a data folder may be in the hands of another command."""


class _Batch:
    def __init__(self, stage: Stage, modules: ModuleStore, listed: Path | None) -> None:
        self._stage, self._modules, self._listed = stage, modules, listed

    async def open(self) -> tuple[Ready, Sequence[Record]]:
        def work() -> tuple[Ready, Sequence[Record]]:
            ready = self._ready = self._stage.read()
            return ready, [self._stage.record(digest) for digest in ready.records]

        return await asyncio.to_thread(work)

    async def take(self, records: Sequence[Record]) -> None:
        await self._modules.take_in(self._stage, records, self._ready.released)
        if self._listed is not None:
            await asyncio.to_thread(install_list, self._stage, self._listed)
        await asyncio.to_thread(self._stage.drop)


def adopting(
    config: Config, modules: ModuleStore, audit: AuditPort, clock: Callable[[], datetime]
) -> Adopting:
    """Takes in what waits in an owned data folder."""
    staging, folder = Staging(places(config).data), list_folder(config)
    return Adopting(
        lambda: [_Batch(stage, modules, folder) for stage in staging.waiting()], audit, clock
    )


def list_folder(config: Config) -> Path | None:
    """Where a list that is carried here is published for this site's own daemon.

    None where the list is read from elsewhere, or this host is who publishes it.
    """
    where = places(config)
    if where.keys.exists() or "://" in config.trust.source:
        return None
    return Path(config.trust.source) if config.trust.source else where.repository


async def settle(config: Config) -> None:
    """Have everything taken in that waits: by the daemon, where one runs, or else here.

    Raises:
        HubproxyError: something could not be taken in; it goes on waiting.
    """
    staging, until = Staging(places(config).data), monotonic() + _PATIENCE
    while staging.waiting():
        try:
            errors = await _settle_once(config)
        except (DataFolderError, ReloadError):
            # Another command may have it for a moment, or a daemon be just about to begin.
            if monotonic() > until:
                raise
            await asyncio.sleep(0.1)
            continue
        if errors:
            raise errors[0]


async def _settle_once(config: Config) -> list[HubproxyError]:
    data = places(config).data
    if owner_of(data) is not None and in_force(data) is not None:
        _, told = await asyncio.to_thread(reload, data, seconds=600.0)
        if Staging(data).waiting():
            return [ReloadError("; ".join(told.errors) or "the daemon left it waiting")]
        return []
    async with AsyncExitStack() as stack:
        stores = stack.enter_context(open_stores(config))
        clock = audited_clock(config)
        audit = await stack.enter_async_context(
            AuditLog(places(config).audit, segment_bytes=config.audit.segment_bytes, now=now)
        )
        modules = open_modules(config, stores)
        stack.callback(modules.close)
        errors = await adopting(config, modules, audit, clock.stamp).adopt()
        if list_folder(config) is not None:
            await _remember_list(config, audit, clock)
        return errors


async def _remember_list(config: Config, audit: AuditLog, clock: AuditedClock) -> None:
    """Have it on record which list is in force now, so that no older one is taken after it."""
    try:
        log = list_log(config, audit, clock)
        found = await asyncio.to_thread(daemon_client(config, log, clock.now).refresh)
        await log.comes_into_force(found.versions, f"in force, taken in: {described(found, None)}")
    except TrustListError as error:
        event("adopt.list_not_read", logging.WARNING, code=error.code, reason=error)
