"""Keeping a set of modules in step with upstream, beside a running daemon or without one."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from time import monotonic
from uuid import uuid4

from hubproxy.config import Config
from hubproxy.core.audit import timestamp
from hubproxy.core.handle import Handle
from hubproxy.core.record import Record, target_path
from hubproxy.core.staged import Ready, Told
from hubproxy.errors import UsageError
from hubproxy.service.mirror import Goal, Mirror, Outcome
from hubproxy.service.transfer import Transfers
from hubproxy.store.arrivals import Arrivals
from hubproxy.store.blobs import blob_path
from hubproxy.store.folder import disk_errors
from hubproxy.store.mirrorstate import MirrorState
from hubproxy.store.refs import RefStore
from hubproxy.store.staging import Stage, Staging
from hubproxy.upstream.http import HttpUpstream
from hubproxy.upstream.partial import PartialUpstream
from hubproxy.wiring.adopting import settle
from hubproxy.wiring.choosing import Choice, Stocked
from hubproxy.wiring.places import now, places
from hubproxy.wiring.stores import drafts, limits
from hubproxy.wiring.upstreams import open_http

Moved = Callable[[Handle, int, int | None], None]
_BATCH = "mirror-"
_COMMIT_EVERY = 30.0
"""Seconds after which what was brought is taken into the store, while more is on its way."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run has to do.

    Args:
        missing: modules that are not in the store.
    """

    choice: Choice
    missing: tuple[Stocked, ...]
    prune: bool = False
    """Whether what an earlier run kept, and is not chosen now, may be evicted."""

    @property
    def bytes_to_fetch(self) -> int:
        """Of upstream's archives, as they were when the modules were approved."""
        return sum(one.record.origin.size for one in self.missing)


def plan(choice: Choice, *, prune: bool = False) -> Plan:
    """What a mirror of a choice has to do."""
    return Plan(choice, tuple(one for one in choice.modules if one.archive is None), prune)


async def sync(
    config: Config,
    planned: Plan,
    *,
    moved: Moved,
    told: Callable[[Outcome], None],
    waiting: Callable[[str], None],
) -> list[Outcome]:
    """Do it.

    Args:
        moved: as `Transfers` tells it.
        told: is told each outcome as it is known.
        waiting: is told what is waited for.

    Raises:
        UsageError: the network may not be used.
        HubproxyError: what was brought could not be taken into the store; it waits there.
    """
    if config.network.offline:
        raise UsageError(
            "a mirror is kept in step over the network, and `network.offline` is set",
            remedy="Run it on a connected host; here, import its bundle: `hubproxy bundle import`.",
        )
    data = places(config).data
    staging = Staging(data)
    await settle(config)
    with staging.writing(waiting):
        work, state = staging.stage("mirror"), MirrorState.load(data)
        with disk_errors():
            work.begin()
        staging.recover(work, _BATCH)
        arrivals = Arrivals(
            work,
            drafts(config),
            limits(config),
            floor=config.store.free_floor_bytes,
            at_once=config.network.fetches,
        )
        batches = _Batches(config, staging, work, state, told)
        async with _upstreams(config, moved) as (transfers, http, kept):
            exacts = {one.listed.exact for one in planned.choice.modules}
            for upstream in kept.values():
                upstream.sweep(exacts)
            mirror = Mirror(
                transfers=transfers,
                probing=http,
                kept=kept,
                arrivals=arrivals,
                memory=state,
                settled=batches.add,
                at_once=config.network.fetches,
            )
            try:
                records = [one.record for one in planned.choice.modules]
                outcomes = await mirror.sync([Goal(one, _is_here(data, one)) for one in records])
            finally:
                arrivals.close()
        state.synced_at = timestamp(now())
        state.counts = dict(Counter(one.state for one in outcomes))
        await batches.end(outcomes, _unwanted(planned, state) if planned.prune else ())
    return outcomes


class _Batches:
    """Hands over what was brought, from time to time and in the end."""

    def __init__(
        self,
        config: Config,
        staging: Staging,
        work: Stage,
        state: MirrorState,
        told: Callable[[Outcome], None],
    ) -> None:
        self._config, self._staging, self._work = config, staging, work
        self._state, self._told = state, told
        self._brought: list[Record] = []
        self._last = monotonic()

    async def add(self, outcome: Outcome) -> None:
        self._state.note(outcome.record, outcome.state)
        self._told(outcome)
        if outcome.state == "brought":
            self._brought.append(outcome.record)
            if monotonic() > self._last + _COMMIT_EVERY:
                await self._hand_over(self._take(), [], "more is on its way")

    async def end(self, outcomes: Sequence[Outcome], unwanted: Sequence[str]) -> None:
        """Hand over the rest: also what was in the store, and is to be kept from now on.

        Args:
            unwanted: what may be evicted from now on, by its paths on the list.
        """
        refs = RefStore(places(self._config).data / "refs")
        refs.read()
        kept = {(exact, form) for exact, form, ref in refs if ref.kept}
        rest = self._take()
        coming = {(one.handle, one.format) for one in rest}
        rest += [
            one.record
            for one in outcomes
            if one.state in ("in step", "gone")
            and (one.record.exact, one.record.format) not in kept
            and (one.record.handle, one.record.format) not in coming
        ]
        alarms = [one for one in outcomes if one.code]
        with disk_errors():
            self._state.save(places(self._config).data)
        released = [
            path
            for exact, form in kept
            if (path := target_path(exact, form)) in frozenset(unwanted)
        ]
        if rest or alarms or released:
            await self._hand_over(rest, alarms, summary(outcomes), released)

    def _take(self) -> list[Record]:
        taken, self._brought = self._brought, []
        self._last = monotonic()
        return taken

    async def _hand_over(
        self,
        records: Sequence[Record],
        alarms: Sequence[Outcome],
        reason: str,
        released: Sequence[str] = (),
    ) -> None:
        batch = self._staging.stage(f"{_BATCH}{token_hex(8)}")
        batch.begin()
        for record in records:
            if self._work.has(record):
                batch.keep(record, self._work.path(record.archive_digest))
        told = tuple(
            Told(handle=one.record.handle, code=one.code, reason=one.reason) for one in alarms
        )
        batch.ready(
            Ready(
                event="mirror",
                id=uuid4().hex,
                caller="mirror",
                reason=reason,
                records=tuple(batch.put_record(record) for record in records),
                told=told,
                released=tuple(sorted(released)),
            )
        )
        await settle(self._config)


def _unwanted(planned: Plan, state: MirrorState) -> list[str]:
    """What earlier runs have looked after and this one does not, by its paths on the list."""
    wanted = {target_path(one.listed.exact, one.listed.format) for one in planned.choice.modules}
    unwanted = sorted(state.modules.keys() - wanted)
    for path in unwanted:
        del state.modules[path]
    return unwanted


def _is_here(data: Path, record: Record) -> bool:
    """Whether the store has it now: what waited was taken in since the plan was made."""
    return blob_path(data, record.archive_digest).is_file()


def summary(outcomes: Sequence[Outcome]) -> str:
    """How many modules are in which state, in words."""
    counts = Counter(one.state for one in outcomes)
    size = sum(one.record.archive.size for one in outcomes if one.state == "brought")
    told = [f"{len(outcomes)} wanted"]
    for state in ("brought", "in step", "gone", "changed", "failed"):
        if counts[state] or state in ("brought", "in step"):
            many = f" ({size:,} bytes)" if state == "brought" and size else ""
            told.append(f"{counts[state]} {state}{many}")
    return ", ".join(told)


@asynccontextmanager
async def _upstreams(
    config: Config, moved: Moved
) -> AsyncIterator[tuple[Transfers, dict[str, HttpUpstream], dict[str, PartialUpstream]]]:
    async with AsyncExitStack() as stack:
        http = {hub.host: await open_http(config, hub, stack, None) for hub in config.hubs}
        folder: Path = places(config).data / "mirror" / "parts"
        kept = {host: PartialUpstream(one, folder / host) for host, one in http.items()}
        transfers = Transfers(
            kept,
            attempts=config.network.attempts,
            at_once=config.network.fetches,
            moved=moved,
        )
        yield transfers, http, kept
