"""Which modules a mirror, a bundle or an export is about: what is wanted of what is approved."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hubproxy.config import Config
from hubproxy.core.lock import Lock
from hubproxy.core.mirrorlist import Want, choose
from hubproxy.core.policy import judge_policy
from hubproxy.core.record import Record, target_path
from hubproxy.core.term import Term
from hubproxy.core.trust import Listed, judge
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.errors import TrustListError
from hubproxy.service.lookup import Lookup
from hubproxy.store.blobs import blob_path
from hubproxy.trust.client import TrustClient
from hubproxy.wiring.places import now, places
from hubproxy.wiring.reports import stored_record
from hubproxy.wiring.trust import bundled_client, pinned_root, trust_client


@dataclass(frozen=True, slots=True)
class Stocked:
    """A module that may be served.

    Args:
        archive: where it lies in the store; None where it was not brought in yet.
    """

    listed: Listed
    record: Record
    archive: Path | None


@dataclass(frozen=True, slots=True)
class Choice:
    """What is wanted of a list.

    Args:
        client: has read the list.
        snapshot: of it, with every team's role read.
        modules: approved, within the officers' policy, and wanted; sorted by handle and format.
        unmatched: names that match nothing that is approved.
        denied: what the officers' policy does not let any site serve: the module, and why.
        too_large: modules beyond what was wanted.
    """

    client: TrustClient
    snapshot: TrustSnapshot
    modules: tuple[Stocked, ...]
    unmatched: tuple[str, ...]
    denied: tuple[tuple[Listed, str], ...]
    too_large: tuple[Stocked, ...]


def chosen(
    config: Config,
    wants: Sequence[Want],
    *,
    told: Callable[[str], None],
    source: Path | None = None,
    lock: Lock | None = None,
) -> Choice:
    """Choose among what the list approves now. Reads beside a running daemon.

    Args:
        source: of the list, in the place of this site's own.
        lock: to which each module must be true.
        told: is told where an older state of the list is looked at, or one in its grace.

    Raises:
        TrustListError: there is no list, it does not verify, or its grace has ended.
    """
    if source is None:
        client = trust_client(config)
    else:
        client = bundled_client(config, source, pinned_root(config))
    found = Lookup(client, _standing(client, told), partial(stored_record, config))
    listed = {(one.exact, one.format): one for one in found.listed()}
    snapshot, at = found.snapshot, now()
    approved = [
        key
        for key, one in listed.items()
        if target_path(*key) not in snapshot.roles[one.role].revoked
    ]
    wanted, unmatched = choose(wants, approved)
    modules: list[Stocked] = []
    too_large: list[Stocked] = []
    denied: list[tuple[Listed, str]] = []
    for one in wanted:
        here = listed[one.exact, one.format]
        record = found.record(here)
        verdict = judge(record, here) or judge_policy(record, snapshot.policy, at)
        if verdict is None and lock is not None:
            verdict = lock.judge(record)
        if verdict is not None:
            denied.append((here, f"{verdict.code}: {verdict.message}"))
            continue
        path = blob_path(places(config).data, record.archive_digest)
        stocked = Stocked(here, record, path if path.is_file() else None)
        (too_large if 0 < one.largest < record.archive.size else modules).append(stocked)
    return Choice(
        client, snapshot, tuple(modules), tuple(unmatched), tuple(denied), tuple(too_large)
    )


def _standing(client: TrustClient, told: Callable[[str], None]) -> TrustSnapshot:
    """The list as its source has it, or else as it was read last, while it may be used."""
    try:
        return client.refresh()
    except TrustListError as error:
        if error.code not in ("HP-T07", "TRUST_UNREACHABLE"):
            raise
        told(f"{error.code}: {error}: going on with the list as it was read last")
        kept = client.cached()
    term = Term(kept.expires, kept.policy.grace_days)
    verdict = term.refusal(now())
    if verdict is not None:
        raise TrustListError(verdict.code, verdict.message, remedy=verdict.remedy)
    return kept
