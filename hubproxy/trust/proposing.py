"""From what an officer wants, to the changes that a draft is made of."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from tuf.api.metadata import TargetFile  # type: ignore[attr-defined]  # no __all__

from hubproxy.core.audit import timestamp
from hubproxy.core.digest import Digest
from hubproxy.core.handle import Handle
from hubproxy.core.policy import POLICY_PATH, EvidenceRule, Policy, judge_policy
from hubproxy.core.record import FORMATS, Record, target_path
from hubproxy.core.trust import Verdict
from hubproxy.core.trustlist import TOP
from hubproxy.errors import TrustListError, UsageError
from hubproxy.trust.changes import Put, Renew, SetPolicy
from hubproxy.trust.contents import Contents
from hubproxy.trust.evidence import check_rule
from hubproxy.trust.inforce import InForce

if TYPE_CHECKING:
    from hubproxy.trust.officer import Repository


def put(
    held: InForce, records: Sequence[Record], contents: Contents, *, role: str = ""
) -> tuple[Put, ...]:
    """List records; `contents` takes them in.

    Args:
        role: that lists them; by default the one that lists the path now, or else the team that a
            look-up of it ends at, or the officers. `targets`, the officers' own, comes before
            every team.

    Raises:
        UsageError: no record, larger than a reader takes, or nobody would see it in that role.
        TrustListError: HP-T09 a team's role does not verify.
    """
    made = []
    for record in records:
        path = target_path(record.exact, record.format)
        found = held.find(path)
        listing = role or (found[0] if found else held.covering(path)[-1])
        if found is not None and listing != found[0]:
            _check_seen(held, path, found[0], listing)
        digest = contents.add_record(record)
        made.append(
            Put(role=listing, path=path, digest=digest,
                size=len(contents.read("records", digest)))
        )  # fmt: skip
    return tuple(made)


def _check_seen(held: InForce, path: str, by: str, role: str) -> None:
    """See that a look-up that now ends in one role would end in another."""
    order = held.covering(path)
    if role in order and order.index(role) > order.index(by):
        raise UsageError(
            f"{by} lists {path}, and comes before {role}: nobody would see what {role} lists there",
            remedy=f"List it in the role {by}, or take that entry away first: "
            f"`hubproxy trust remove {path}`.",
        )


def revoke(
    repository: "Repository",
    wanted: Handle | Digest,
    contents: Contents,
    *,
    reason: str,
    by: Sequence[str],
    at: datetime,
    role: str = TOP,
    told: Callable[[str], object] = lambda _: None,
) -> tuple[Put, ...]:
    """Take back every record of a handle, or with this digest (its own, its archive's, its tree's).

    Args:
        by: the names that clients are told.
        at: now, timezone-aware UTC.
        role: `targets`: whatever role lists them, and it overrides all of them. A team's: what
            that team lists.
        told: is given a line for each entry that could not be read, or that another one hides:
            what is hidden stays in its role, to be removed there.

    Raises:
        UsageError: no reason, nothing found, or the officers list it where a team revokes.
        TrustListError: HP-T09 the list does not verify.
    """
    if not reason.strip():
        raise UsageError("a revocation needs a reason: clients are told it")
    held = repository.in_force()
    roles = (TOP, *held.delegated) if role == TOP else (role,)
    top = held.targets.signed.targets
    found: dict[str, Record] = {}
    for name in roles:
        for path, record in _with(repository, held, name, wanted, told):
            if name != TOP and path in top and role != TOP:
                raise UsageError(
                    f"the officers list {path} themselves, before the team {role}: "
                    "only they can take it back"
                )
            seen = held.find(path)
            if role == TOP and seen is not None and seen[0] != name:
                if seen[1].hashes != held.role(name).signed.targets[path].hashes:
                    told(
                        f"{name} lists {path} with it too, hidden by what {seen[0]} lists there: "
                        f"`hubproxy trust remove {path} --role {name}`"
                    )
                continue
            found.setdefault(path, record)
    if not found:
        where = "the trust list" if role == TOP else f"the list of the team {role}"
        # What has a digest and is revoked already is not taken back twice.
        again = ", or it was revoked already" if isinstance(wanted, Digest) else ""
        raise UsageError(f"{wanted} is not on {where}{again}", remedy="See `hubproxy trust list`.")
    made = [
        msgspec.structs.replace(
            record,
            status="revoked",
            reason=reason,
            reviewers=tuple(by),
            decided_at=timestamp(at),
        )
        for record in found.values()
    ]
    return put(held, made, contents, role=role)


def set_policy(
    policy: Policy,
    contents: Contents,
    check_rule: Callable[[EvidenceRule], object] = check_rule,
) -> SetPolicy:
    """Let this be the officers' policy; `contents` takes its text in.

    Args:
        check_rule: reads a rule's key, certificates or trusted root.

    Raises:
        UsageError: it contradicts itself, or a rule has no key that can be read.
    """
    for rule in policy.evidence:
        check_rule(rule)
    text = policy.encode()
    try:
        Policy.decode(text)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return SetPolicy(digest=contents.add("records", text), size=len(text))


def refused_by(
    repository: "Repository", policy: Policy, at: datetime
) -> tuple[tuple[str, Verdict], ...]:
    """The listed modules, by their paths, that a policy would refuse, and why; sorted.

    Only what a look-up ends in counts. A record that cannot be read is refused anyhow, and is
    left out.

    Args:
        at: now, timezone-aware UTC.

    Raises:
        TrustListError: HP-T09 the list does not verify.
    """
    held, found = repository.in_force(), []
    for path in repository.paths():
        target = held.find(path)
        if target is None or _is_revoked(target[1]):
            continue
        with suppress(TrustListError):
            verdict = judge_policy(repository.read_record(target[1]), policy, at)
            if verdict is not None:
                found.append((path, verdict))
    return tuple(found)


def due(held: InForce, at: datetime) -> tuple[Renew, ...]:
    """Of root, targets and teams, those that have lived half their life.

    Raises:
        TrustListError: HP-T09 a team's role does not verify.
    """
    expiries = {"root": held.root.signed.expires}
    expiries |= {name: held.role(name).signed.expires for name in (TOP, *held.delegated)}
    return tuple(
        Renew(role=name)
        for name, expires in expiries.items()
        if expires - at < timedelta(days=held.days.of(name)) / 2
    )


def _with(
    repository: "Repository",
    held: InForce,
    role: str,
    wanted: Handle | Digest,
    told: Callable[[str], object],
) -> Iterator[tuple[str, Record]]:
    """What a role lists of a handle, or with a digest; what is revoked already is left out."""
    targets = held.role(role).signed.targets
    if isinstance(wanted, Handle):
        paths = [target_path(wanted, form) for form in FORMATS]
        listed = [targets[path] for path in paths if path in targets]
    else:
        listed = [target for path, target in targets.items() if path != POLICY_PATH]
    for target in listed:
        if _is_revoked(target) and not isinstance(wanted, Handle):
            continue
        try:
            record = repository.read_record(target)
        except TrustListError as error:
            told(f"passed over: {error}")
            continue
        if isinstance(wanted, Handle) or str(wanted) in (
            f"sha256:{target.hashes['sha256']}", record.archive.digest, record.tree,
        ):  # fmt: skip
            yield target.path, record


def _is_revoked(target: TargetFile) -> bool:
    return isinstance(target.custom, dict) and target.custom.get("status") == "revoked"
