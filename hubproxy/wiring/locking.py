"""Locks, made of what is approved, and held against it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from hubproxy.config import Config
from hubproxy.core.handle import Handle
from hubproxy.core.lock import Lock, Locked
from hubproxy.core.policy import judge_policy
from hubproxy.core.record import Record
from hubproxy.core.trust import Verdict, judge, unlisted
from hubproxy.errors import DeniedError, UsageError
from hubproxy.service.lookup import Lookup
from hubproxy.wiring.places import now
from hubproxy.wiring.reports import events, lookup


def locked(config: Config, handles: Iterable[Handle], said: str) -> Lock:
    """Pin some handles to what is approved for them now.

    Raises:
        UsageError: there is none of them.
        DeniedError: one is not approved.
        TrustListError: the list cannot be read.
    """
    found = lookup(config)
    asked: defaultdict[Handle, set[Handle]] = defaultdict(set)
    for handle in handles:
        exact = found.exact(handle)
        asked[exact] |= {handle} if handle.version is None else set()
    if not asked:
        raise UsageError("there is nothing to lock", remedy="Name handles that are approved.")
    modules = [
        Locked.of(record, names) for exact, names in asked.items() for record in _of(found, exact)
    ]
    return Lock.of(modules, said)


def served(config: Config) -> Sequence[Handle]:
    """The exact handles of which this site's audit log says that they were served."""
    names = {
        event.handle
        for event in events(config, having=('"outcome":"served"',))
        if event.event == "answer" and event.outcome == "served"
    }
    return sorted(map(Handle.parse, names))


def differing(config: Config, lock: Lock) -> list[tuple[str, str]]:
    """What of a lock is not as it is approved now: the handle, and why."""
    found, told = lookup(config), []
    for one in lock.modules:
        try:
            records = _of(found, one.exact)
        except DeniedError as error:
            told.append((one.handle, str(error)))
            continue
        same = [record for record in records if record.format == one.format]
        verdict = lock.judge(same[0]) if same else unlisted(one.exact, found.snapshot.versions)
        if verdict is not None:
            told.append((one.handle, verdict.message))
    return told


def _of(found: Lookup, exact: Handle) -> list[Record]:
    """What is approved of a handle, in every format.

    Raises:
        DeniedError: nothing is.
    """
    verdict: Verdict | None = unlisted(exact, found.snapshot.versions)
    approved = []
    for listed, record in found.find(exact) if exact.version is not None else []:
        refused = judge(record, listed) or judge_policy(record, found.snapshot.policy, now())
        if refused is None:
            approved.append(record)
        else:
            verdict = refused
    if not approved and verdict is not None:
        raise DeniedError(verdict.code, verdict.status, verdict.message, remedy=verdict.remedy)
    return approved
