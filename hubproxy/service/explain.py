"""Why a module is served or not: what the list says of it, in the words of those who ask.

`explain` is pure: what was read goes in, an explanation comes out. So the command and the page
give the same.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from hubproxy.core.handle import Handle
from hubproxy.core.policy import judge_policy, overdue, stricter
from hubproxy.core.record import FORMATS, Record, target_path
from hubproxy.core.roles import TOP
from hubproxy.core.signatures import Signatures
from hubproxy.core.term import Term
from hubproxy.core.trust import Listed, Mode, Verdict, judge, unlisted
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.service.trusted import TrustKeeper

_NAME = "x-hubproxy-name"
"""The field of a key that holds its holder's name."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict, for people and programs."""

    code: str
    text: str
    remedy: str = ""


class Approver(msgspec.Struct, frozen=True, kw_only=True):
    """Who may list a module.

    Args:
        role: `targets` for the officers together, or a team.
        threshold: how many of them must sign; 0 where the role above says it.
        names: whose keys may sign, where the list says so.
    """

    role: str
    threshold: int = 0
    names: tuple[str, ...] = ()


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """One module that the list names.

    Args:
        handle: exact.
        signed: the role that lists it, and who signed that.
        refused: why it is not served; None when it is.
        warnings: what is said with each answer.
    """

    handle: str
    signed: Signatures
    refused: Said | None
    warnings: tuple[Said, ...]
    record: Record


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to say of a handle.

    Args:
        asked: the handle as it was asked for, canonical.
        trust: versions of the list.
        mode: in force here: the stricter of the site's and the officers'.
        listed: under each format that the list names it in.
        unlisted: why it is not served, where the list does not name it.
        approvers: who could list it, where nobody has.
    """

    asked: str
    trust: str
    mode: Mode
    listed: tuple[Explained, ...]
    unlisted: Said | None = None
    approvers: tuple[Approver, ...] = ()


def explain(
    handle: Handle,
    snapshot: TrustSnapshot,
    found: Iterable[tuple[Listed, Record]],
    signed: Mapping[str, Signatures],
    *,
    mode: Mode,
    at: datetime,
) -> Explanation:
    """Explain a handle.

    Args:
        handle: as it was asked for.
        snapshot: of the list, with every role read that may name it.
        found: what the list names, with the records.
        signed: the roles that name it, by name.
        mode: of the site.
        at: now, timezone-aware UTC.
    """
    listed = tuple(_explained(one, record, snapshot, signed[one.role], at) for one, record in found)
    mode = stricter(mode, snapshot.policy)
    no = None if listed else unlisted(handle, snapshot.versions)
    return Explanation(
        asked=str(handle),
        trust=str(snapshot.versions),
        mode=mode,
        listed=listed,
        unlisted=_said(no) if no else None,
        approvers=() if listed else tuple(approvers(handle, snapshot)),
    )


@dataclass(frozen=True, slots=True)
class Explaining:
    """Explains by the list that a daemon has in force.

    Args:
        trust: the list.
        signatures: tells who signed a role of it; blocks.
        mode: of the site.
        clock: the time, timezone-aware UTC.
    """

    trust: TrustKeeper
    signatures: Callable[[TrustSnapshot, str], Signatures]
    mode: Mode
    clock: Callable[[], datetime]

    async def of(self, handle: Handle) -> Explanation:
        """Why a handle is served or not.

        Raises:
            HubproxyError: there is no list to say so, or a part of it cannot be read.
        """
        snapshot, exact = await self.trust.resolve(handle)
        every = [snapshot.find(exact, (form,)) for form in FORMATS]
        found = [(one, await self.trust.record(one)) for one in every if one is not None]
        roles = {one.role for one, _ in found}
        signed = {role: await asyncio.to_thread(self.signatures, snapshot, role) for role in roles}
        return explain(handle, snapshot, found, signed, mode=self.mode, at=self.clock())


def approvers(handle: Handle, snapshot: TrustSnapshot) -> list[Approver]:
    """Who may list a handle, of the roles that were read: the officers, and teams by pattern."""
    exact = handle if handle.version is not None else handle.at(1)
    paths = [target_path(exact, form).split("/") for form in FORMATS]
    found = [Approver(role=TOP)]
    for role in snapshot.roles.values():
        asked = {name for path in paths for name in role.asked(path)[0]}
        for one in role.delegations:
            if one.role in asked:
                names = (str(key.get(_NAME, keyid)) for keyid, key in one.keys.items())
                found.append(
                    Approver(role=one.role, threshold=one.threshold, names=tuple(sorted(names)))
                )
    return found


def _explained(
    listed: Listed, record: Record, snapshot: TrustSnapshot, signed: Signatures, at: datetime
) -> Explained:
    policy = snapshot.policy
    role = listed.role if listed.expires < snapshot.expires else TOP
    term = Term(min(listed.expires, snapshot.expires), policy.grace_days, role)
    no = judge(record, listed) or term.refusal(at) or judge_policy(record, policy, at)
    warnings = () if no else (term.warning(at), overdue(record, policy, at))
    return Explained(
        handle=str(listed.exact),
        signed=signed,
        refused=_said(no) if no else None,
        warnings=tuple(_said(one) for one in warnings if one is not None),
        record=record,
    )


def _said(verdict: Verdict) -> Said:
    return Said(code=verdict.code, text=verdict.message, remedy=verdict.remedy)
