"""From what an officer wants, to the changes that a draft is made of."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from tuf.api.metadata import TargetFile  # type: ignore[attr-defined]  # no __all__

from hubproxy.core.audit import timestamp
from hubproxy.core.digest import Digest
from hubproxy.core.handle import Handle
from hubproxy.core.policy import POLICY_PATH, Policy
from hubproxy.core.record import FORMATS, Record, target_path
from hubproxy.core.trustlist import TOP
from hubproxy.errors import UsageError
from hubproxy.trust.changes import Put, Renew, SetPolicy
from hubproxy.trust.contents import Contents
from hubproxy.trust.inforce import InForce

if TYPE_CHECKING:
    from hubproxy.trust.officer import Repository


def put(
    held: InForce, records: Sequence[Record], contents: Contents, *, role: str = ""
) -> tuple[Put, ...]:
    """List records; `contents` takes them in.

    Args:
        role: that lists them; by default the team that a look-up of the path ends at, or else the
            officers. `targets`, the officers' own, comes before every team.

    Raises:
        UsageError: no record, or larger than a reader takes.
    """
    made = []
    for record in records:
        path = target_path(record.exact, record.format)
        digest = contents.add_record(record)
        made.append(
            Put(role=role or held.covering(path)[-1], path=path, digest=digest,
                size=len(contents.read("records", digest)))
        )  # fmt: skip
    return tuple(made)


def revoke(
    repository: "Repository",
    wanted: Handle | Digest,
    contents: Contents,
    *,
    reason: str,
    by: Sequence[str],
    at: datetime,
    role: str = TOP,
) -> tuple[Put, ...]:
    """Take back every record of a handle, or with this digest (its own, its archive's, its tree's).

    Args:
        by: the names that clients are told.
        at: now, timezone-aware UTC.
        role: `targets`: whatever role lists them, and it overrides all of them. A team's: what
            that team lists.

    Raises:
        UsageError: no reason, nothing found, or the officers list it where a team revokes.
        TrustListError: HP-T09 the list does not verify, or a record was altered or lost.
    """
    if not reason.strip():
        raise UsageError("a revocation needs a reason: clients are told it")
    held = repository.in_force()
    roles = (TOP, *held.delegated) if role == TOP else (role,)
    top = held.targets.signed.targets
    found: dict[str, Record] = {}
    for name in roles:
        for path, record in _with(repository, held, name, wanted):
            if name != TOP and path in top:
                if role != TOP:
                    raise UsageError(
                        f"the officers list {path} themselves, before the team {role}: "
                        "only they can take it back"
                    )
                continue  # what the officers list is what holds, and it was looked at
            found.setdefault(path, record)
    if not found:
        where = "the trust list" if role == TOP else f"the list of the team {role}"
        raise UsageError(f"{wanted} is not on {where}", remedy="See `hubproxy trust list`.")
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


def set_policy(policy: Policy, contents: Contents) -> SetPolicy:
    """Let this be the officers' policy; `contents` takes its text in.

    Raises:
        UsageError: it contradicts itself.
    """
    text = policy.encode()
    try:
        Policy.decode(text)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return SetPolicy(digest=contents.add("records", text), size=len(text))


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
    repository: "Repository", held: InForce, role: str, wanted: Handle | Digest
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
        record = repository.read_record(target)
        if isinstance(wanted, Handle) or str(wanted) in (
            f"sha256:{target.hashes['sha256']}", record.archive.digest, record.tree,
        ):  # fmt: skip
            yield target.path, record


def _is_revoked(target: TargetFile) -> bool:
    return isinstance(target.custom, dict) and target.custom.get("status") == "revoked"
