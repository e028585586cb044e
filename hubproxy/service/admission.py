"""May this be served? By the list, or, in that mode, by what first use has pinned."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hubproxy.core.audit import timestamp
from hubproxy.core.handle import Handle
from hubproxy.core.lock import Lock
from hubproxy.core.policy import Policy, judge_policy, overdue, stricter, too_large
from hubproxy.core.quarantine import Ask, HeldModule, held_verdict, refused_verdict
from hubproxy.core.record import FORMATS, Format, Record
from hubproxy.core.term import Term
from hubproxy.core.trust import Listed, Mode, Verdict, judge, unlisted
from hubproxy.errors import DeniedError, TrustListError
from hubproxy.logs import event
from hubproxy.service.fetch import fetch_first
from hubproxy.service.flights import Flights
from hubproxy.service.ports import Gate, Modules, Quarantine
from hubproxy.service.recording import Entry
from hubproxy.service.transfer import Transfers
from hubproxy.service.trusted import TrustKeeper


@dataclass(frozen=True, slots=True)
class Admitted:
    """A module that the list, or a pin, allows to be served.

    Args:
        listed: where its record stands.
        reviewed: whether officers have signed its record.
        policy: of the list that was asked.
        term: until when the list says so.
    """

    listed: Listed
    reviewed: bool
    policy: Policy
    term: Term


class Admission:
    """Decides before any network traffic; in `enforce`, an unlisted module causes none.

    Args:
        mode: of the site; the officers may demand a stricter one.
        clock: the time, timezone-aware UTC.
        gate: looks into what nobody has reviewed.
        lock: the set of modules that alone may be served; None for no such set.
    """

    def __init__(
        self,
        *,
        trust: TrustKeeper,
        modules: Modules,
        quarantine: Quarantine,
        gate: Gate,
        transfers: Transfers,
        flights: Flights,
        mode: Mode,
        clock: Callable[[], datetime],
        lock: Lock | None = None,
    ) -> None:
        self._lock = lock
        self._trust, self._modules = trust, modules
        self._quarantine, self._gate = quarantine, gate
        self._transfers, self._flights = transfers, flights
        self._site, self._mode, self._clock = mode, mode, clock

    async def admit(self, handle: Handle, formats: tuple[Format, ...], entry: Entry) -> Admitted:
        """What the list says the handle is: for "latest", at the highest version approved.

        A module that neither the list nor a pin knows is fetched and looked into: in `first-use`
        it is then pinned, if nothing was found, and otherwise held; in `quarantine`, held.

        Raises:
            HubproxyError: it may not be served, or there is no list to say so.
        """
        try:
            return await self.known(handle, formats, entry)
        except _UnlistedError as unknown:
            if self._mode == "enforce" or unknown.exact.version is None:
                raise
            await self._first_use(unknown.exact, entry)
        except _HeldError as held:
            await self._quarantine.asked(held.module, self._ask(entry))
            raise
        return await self.known(handle, formats, entry)

    async def known(self, handle: Handle, formats: tuple[Format, ...], entry: Entry) -> Admitted:
        """As `admit`, without fetching anything.

        Raises:
            HubproxyError: it may not be served, or there is no list to say so.
        """
        self._transfers.upstream(handle.hub)
        snapshot, exact = await self._trust.resolve(self._locked(handle), formats)
        mode = self._holds(snapshot.policy)
        entry.exact = str(exact)
        listed, reviewed = snapshot.find(exact, FORMATS), True
        if listed is None:
            await self._not_held(exact, entry)
        if listed is None and mode == "first-use":
            listed, reviewed = self._modules.pin(exact), False
        if listed is None:
            raise _UnlistedError(unlisted(handle, snapshot.versions), exact)
        fitting = snapshot.find(exact, formats) if reviewed else listed
        entry.record_digest = str((fitting or listed).record.digest)
        term = self._trust.usable(fitting or listed, snapshot)
        if fitting is None or fitting.format not in formats:
            await self.judge(Admitted(listed, reviewed, snapshot.policy, term), entry)
            raise DeniedError(
                "FORMAT",
                406,
                f"{exact} is a {listed.format} module, and cannot be loaded as an archive",
                remedy=f"Formats that can: {', '.join(formats)}.",
            )
        return Admitted(fitting, reviewed, snapshot.policy, term)

    async def judge(self, admitted: Admitted, entry: Entry) -> Record:
        """The record, if it allows what the list says, and is what the officers demand.

        What is to be said with the answer all the same is left in `entry.warnings`.

        Raises:
            HubproxyError: it does not, or cannot be had.
        """
        record = entry.record = await self._record(admitted.listed)
        now, policy = self._clock(), admitted.policy
        verdict = judge(record, admitted.listed)
        if verdict is None:
            # Nobody has reviewed what first use has pinned: of that, the policy bounds the size.
            signed = admitted.reviewed
            verdict = judge_policy(record, policy, now) if signed else too_large(record, policy)
        if verdict is None and self._lock is not None:
            verdict = self._lock.judge(record)
        if verdict is not None:
            raise _denied(verdict)
        late = overdue(record, policy, now) if admitted.reviewed else None
        if admitted.reviewed:
            await self._quarantine.released(admitted.listed.exact)
        said = admitted.term.warning(now), late
        entry.warnings = tuple(warning for warning in said if warning is not None)
        return record

    def _locked(self, handle: Handle) -> Handle:
        """What a handle means where there is a lock.

        Raises:
            DeniedError: NOT_LOCKED, it is not in the lock.
        """
        if self._lock is None:
            return handle
        exact = self._lock.exact(handle)
        if exact is None:
            raise _denied(self._lock.missing(handle))
        return exact

    async def _record(self, listed: Listed) -> Record:
        """The record that the list names.

        Raises:
            NotMirroredError: it is not here, and the network may not be used.
            TrustListError: it cannot be had, or is not what the list says.
        """
        try:
            return await self._trust.record(listed)
        except TrustListError as error:
            if error.code == "TRUST_UNREACHABLE":
                self._transfers.upstream(listed.exact.hub).check(listed.exact)
            raise

    def fetching(self, admitted: Admitted) -> None:
        """See that a module may be brought in, and not only be served if it is here.

        Raises:
            TrustListError: the list has expired: in its grace, nothing new is fetched.
        """
        self._in_force(admitted.term, admitted.listed.exact)

    async def again(self, before: Admitted, formats: tuple[Format, ...], entry: Entry) -> None:
        """Admit once more what was waited for: list, policy and time may have changed meanwhile.

        Raises:
            HubproxyError: it may not be served any more, or has another record now.
        """
        exact = before.listed.exact
        now = await self.known(exact, formats, entry)
        await self.judge(now, entry)
        if (now.listed.record, now.reviewed) != (before.listed.record, before.reviewed):
            raise TrustListError(
                "TRUST_CHANGED",
                f"the trust list changed while {exact} was fetched",
                remedy="Ask again: the new record is in force.",
            )

    def _in_force(self, term: Term, exact: Handle) -> None:
        if term.standing(self._clock()) != "in force":
            no = term.nothing_new(exact)
            raise TrustListError(no.code, no.message, remedy=no.remedy)

    def _holds(self, policy: Policy) -> Mode:
        """The mode in force: the stricter of the site's and the officers'."""
        mode = stricter(self._site, policy)
        if mode != self._mode:
            self._mode = mode
            event("trust.mode", mode=mode, site=self._site, policy=policy.mode)
        return mode

    async def _not_held(self, exact: Handle, entry: Entry) -> None:
        """See that a module that nobody lists does not wait for officers.

        Raises:
            DeniedError: HP-T02, it does; what was found in it goes on record with the refusal.
        """
        held = None if exact.version is None else await self._quarantine.find(exact)
        if held is not None:
            entry.record, entry.record_digest = held.record, str(held.record.descriptor.digest)
            raise _HeldError(held)

    async def _first_use(self, exact: Handle, entry: Entry) -> None:
        if self._trust.term is not None:
            self._in_force(self._trust.term, exact)
        entry.cache = "miss"
        ask = self._ask(entry)
        growth, _ = self._flights.join(exact, 1, lambda _: self._take_in(exact, ask))
        await growth.whole()

    async def _take_in(self, exact: Handle, ask: Ask) -> None:
        """Fetch a module that nobody knows, look into it, and pin or hold it."""

        async def keep(discovery: Any, record: Record) -> None:
            large = too_large(record, self._trust.snapshot().policy)
            if large is not None:
                raise _denied(large)
            inspected = await self._gate(discovery.descriptor, record)
            if inspected.verdict == "refuse":
                raise _denied(refused_verdict(record.handle, inspected.findings))
            record = inspected.described(record)
            if self._mode == "first-use" and inspected.verdict == "pass":
                await self._modules.adopt(discovery, record)
            else:
                await self._quarantine.hold(discovery, record, inspected.findings, ask)

        await fetch_first(
            exact,
            transfers=self._transfers,
            into=self._modules,
            decided_at=ask.time,
            keep=keep,
        )

    def _ask(self, entry: Entry) -> Ask:
        return Ask(caller=entry.caller, time=timestamp(self._clock()))


class _HeldError(DeniedError):
    """The module waits for officers."""

    def __init__(self, module: HeldModule) -> None:
        verdict = held_verdict(module)
        super().__init__(verdict.code, verdict.status, verdict.message, remedy=verdict.remedy)
        self.module = module


class _UnlistedError(DeniedError):
    """Neither the list nor a pin knows the module."""

    def __init__(self, verdict: Verdict, exact: Handle) -> None:
        super().__init__(verdict.code, verdict.status, verdict.message, remedy=verdict.remedy)
        self.exact = exact


def _denied(verdict: Verdict) -> DeniedError:
    return DeniedError(verdict.code, verdict.status, verdict.message, remedy=verdict.remedy)
