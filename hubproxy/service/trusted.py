"""The trust list in force: refreshed on a timer, kept when the new one is bad.

Whether it may be used is judged by the clock whenever somebody asks: see `core.term`. What comes
into force is on record before: see `service.listlog`.
"""

import asyncio
import logging
from datetime import datetime

from hubproxy.core.handle import Handle
from hubproxy.core.record import FORMATS, Format, Record
from hubproxy.core.term import Standing, Term
from hubproxy.core.trust import Listed, Verdict, Versions
from hubproxy.core.trustlist import TOP, Role, TrustSnapshot
from hubproxy.errors import HubproxyError, TrustListError
from hubproxy.logs import event
from hubproxy.service.beside import Beside
from hubproxy.service.clock import AuditedClock
from hubproxy.service.listlog import ListLog, described
from hubproxy.service.ports import Modules, TrustSource
from hubproxy.service.records import Records
from hubproxy.service.roles import Roles, lend, signed_alike, take_back


class TrustKeeper:
    """Holds the last good state of the list.

    Args:
        clock: the time, and whether it can be true.
        log: has each change on record.
        longest: seconds that a refresh is waited for; the next one takes what it found.
        patience: seconds that a refresh waits for the teams' roles that have changed.
    """

    def __init__(
        self,
        source: TrustSource,
        modules: Modules,
        *,
        clock: AuditedClock,
        log: ListLog,
        longest: float = 60.0,
        patience: float = 10.0,
    ) -> None:
        self._longest, self._patience = longest, patience
        self._source, self._clock, self._log = source, clock, log
        self._snapshot: TrustSnapshot | None = None
        self._all_read = False
        self._lent: set[str] = set()
        self._records = Records(source, modules)
        self._roles = Roles(source, self._found)
        self._reading_ahead: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[TrustSnapshot] | None = None
        self._refreshing = asyncio.Lock()
        self._standings: dict[str, Standing] = {}
        self.error: HubproxyError | None = None
        """Why the last refresh failed; None when it did not."""

    async def close(self) -> None:
        """Give up what is being read."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._reading_ahead is not None:
            self._reading_ahead.cancel()
            await asyncio.gather(self._reading_ahead, return_exceptions=True)
        await self._roles.close()
        await self._records.close()

    @property
    def beside(self) -> Beside:
        """The files beside the list that its records name."""
        return self._records.beside

    @property
    def versions(self) -> Versions:
        return self._snapshot.versions if self._snapshot else Versions()

    @property
    def expires(self) -> datetime | None:
        return self._snapshot.expires if self._snapshot else None

    @property
    def term(self) -> Term | None:
        """Until when the list as a whole may be used; None when there is none."""
        return _term(self._snapshot, self._snapshot.expires) if self._snapshot else None

    @property
    def degraded(self) -> Verdict | None:
        """What is to be said while the list is in its grace."""
        return self.term.warning(self._clock.now()) if self.term else None

    def snapshot(self) -> TrustSnapshot:
        """The list in force, or in its grace.

        Raises:
            HubproxyError: there is none, its grace has ended, or the clock cannot be believed.
        """
        self._clock.check()
        if self._snapshot is None:
            if self.error is None:
                raise TrustListError("HP-T09", "the trust list has not been read yet")
            raise self.error.with_traceback(None)
        _raise(_term(self._snapshot, self._snapshot.expires).refusal(self._clock.now()))
        return self._snapshot

    async def known(self, handle: Handle) -> TrustSnapshot:
        """The list in force, with every role read that may list a handle.

        Raises:
            HubproxyError: as `snapshot`; or such a role cannot be read.
        """
        snapshot = self.snapshot()
        while missing := () if self._all_read else snapshot.missing(handle):
            for name in missing:
                await self._roles.read(snapshot, name)
            snapshot = self.snapshot()
        return snapshot

    async def resolve(
        self, handle: Handle, formats: tuple[Format, ...] = FORMATS
    ) -> tuple[TrustSnapshot, Handle]:
        """The handle with its version, and the list with every role read that may list that.

        Raises:
            HubproxyError: as `known`.
        """
        exact = (await self.known(handle)).exact(handle, formats)
        # So many roles are asked for any version that those for this one may not be among them.
        return await self.known(exact), exact

    def usable(self, listed: Listed, snapshot: TrustSnapshot) -> Term:
        """Until when what a list names may be served: a team's role may expire before the list.

        Raises:
            TrustListError: no longer; its grace has ended.
        """
        team = listed.role if listed.expires < snapshot.expires else TOP
        term = _term(snapshot, min(listed.expires, snapshot.expires), team)
        _raise(term.refusal(self._clock.now()))
        return term

    async def record(self, listed: Listed) -> Record:
        """The record that the list names.

        Raises:
            TrustListError: it cannot be had, or is not what the list says.
        """
        return await self._records.get(listed)

    async def refresh(self) -> None:
        """Read the list anew. A bad or missing one changes nothing but `error`."""
        async with self._refreshing:
            try:
                self._clock.check()
                new = await self._take(await self._read(), "")
                await self._catch_up()
                if self.error is not None and not new:
                    await self._log.tell("", "the trust list can be read again, and is the same")
                self.error = None
            except HubproxyError as error:
                await self._failed(error)
                # A newer list may have come that had expired on its way: the grace is with it.
                if error.code == "HP-T07" or (self._snapshot is None and error.code != "HP-T14"):
                    await self._fall_back()
            await self._judge()
        if self._reading_ahead is None or self._reading_ahead.done():
            self._reading_ahead = asyncio.create_task(
                self._roles.read_ahead(lambda: self._snapshot)
            )

    async def keep_fresh(self, seconds: float) -> None:
        """Refresh every `seconds`, for ever."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.refresh()
            except Exception as error:  # noqa: BLE001  # else nobody would refresh any more
                event("trust.refresh_crashed", level=logging.ERROR, error=repr(error))

    async def _read(self) -> TrustSnapshot:
        """What the source has. What takes too long goes on, so that one thread alone waits."""
        if self._reading is None:
            self._reading = asyncio.create_task(asyncio.to_thread(self._source.refresh))
        done, _ = await asyncio.wait({self._reading}, timeout=self._longest)
        if not done:
            raise TrustListError(
                "TRUST_UNREACHABLE",
                f"the trust list was not read within {self._longest:g} seconds",
                remedy="See that `trust.source` can be reached, and how fast it is.",
            )
        found, self._reading = self._reading, None
        return found.result()

    async def _take(self, fresh: TrustSnapshot, how: str) -> bool:
        """Let a list come into force; False where it is the one that is."""
        self._log.check(fresh)
        before = self._snapshot
        if before and (fresh.versions, fresh.expires) == (before.versions, before.expires):
            return False
        reason = f"in force{how}: {described(fresh, before)}"
        await self._log.comes_into_force(fresh.versions, reason)
        whole, self._lent = lend(fresh, before) if before else (fresh, set())
        self._use(whole)
        event(
            "trust.refreshed",
            versions=fresh.versions,
            modules=sum(len(role.targets) for role in fresh.roles.values()),
        )
        return True

    async def _catch_up(self) -> None:
        """Read the roles that the list before has lent; one that cannot be had stays lent.

        Raises:
            TrustListError: there is such a one.
        """
        if not self._lent or self._snapshot is None:
            return
        error = await self._roles.read_each(self._snapshot, self._lent, seconds=self._patience)
        if error is not None:
            raise TrustListError(
                error.code,
                f"what {', '.join(sorted(self._lent))} changed cannot be read: {error}",
                remedy="What was listed before goes on for as long as that list was good.",
            )

    async def _fall_back(self) -> None:
        """Go on with the list as it was verified last; why there is no newer one stays told."""
        told = self.error
        try:
            kept = await asyncio.to_thread(self._source.cached)
            await self._take(kept, ", as it was read before")
        except HubproxyError as error:
            event("trust.cache_unusable", level=logging.WARNING, reason=error)
        self.error = told

    async def _failed(self, error: HubproxyError) -> None:
        if self.error is None or str(self.error) != str(error):
            event("trust.refresh_failed", level=logging.ERROR, code=error.code, reason=error)
        before, self.error = self.error, error
        if before is None or before.code != error.code:
            await self._log.tell(error.code, f"the trust list was not refreshed: {error}")

    async def _judge(self) -> None:
        """Put on record whose grace has begun or ended since."""
        if self._snapshot is None:
            return
        now, snapshot = self._clock.now(), self._snapshot
        for role in snapshot.roles.values():
            expires = snapshot.expires if role.name == TOP else role.expires
            term = _term(snapshot, expires, role.name)
            standing = term.standing(now)
            before, self._standings[role.name] = self._standings.get(role.name), standing
            said = term.warning(now) or term.refusal(now)
            if said is not None and standing != before:
                event("trust.expired", level=logging.WARNING, role=role.name, now=standing)
                await self._log.tell("HP-T07", said.message)

    def _found(self, snapshot: TrustSnapshot, role: Role) -> None:
        current = self._snapshot
        if current is None or current.versions != snapshot.versions:
            return  # another list has come into force meanwhile
        name = role.name
        if not signed_alike(snapshot.delegation(name), current.delegation(name)):
            return  # it was read by what a team had lent
        if name in self._lent:
            self._lent.discard(name)
            self._use(take_back(current).with_role(role))
        elif name not in current.roles:
            self._use(current.with_role(role))

    def _use(self, snapshot: TrustSnapshot) -> None:
        self._snapshot = snapshot
        self._all_read = all(name in snapshot.roles for name in snapshot.delegated)


def _term(snapshot: TrustSnapshot, expires: datetime, role: str = TOP) -> Term:
    return Term(expires, snapshot.policy.grace_days, role)


def _raise(verdict: Verdict | None) -> None:
    if verdict is not None:
        raise TrustListError(verdict.code, verdict.message, remedy=verdict.remedy)
