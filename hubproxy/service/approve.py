"""What an officer does with a module: read it, compare it, decide, publish."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import msgspec

from hubproxy.core.allowance import Allowance
from hubproxy.core.audit import timestamp
from hubproxy.core.handle import Handle
from hubproxy.core.original import Original, OriginalHash, Subject
from hubproxy.core.policy import EvidenceRule, Policy, judge_policy
from hubproxy.core.quarantine import refused_verdict
from hubproxy.core.record import CardNote, Evidence, Record, target_path
from hubproxy.core.trust import Verdict, Versions
from hubproxy.errors import DeniedError, UsageError
from hubproxy.inspection.inspected import Inspected
from hubproxy.service.demands import check_demanded, review_day
from hubproxy.service.fetch import fetch_original
from hubproxy.service.ports import Discoveries
from hubproxy.service.transfer import Transfers


class Repository(Protocol):
    """The list as officers write it. Every method blocks."""

    def find(self, path: str) -> Record | None: ...

    def policy(self) -> Policy: ...

    def publish(
        self,
        records: Sequence[Record],
        *,
        officer: Any,
        online: Any,
        evidence: Sequence[bytes] = (),
        cards: Sequence[bytes] = (),
    ) -> Versions: ...


class Signers(Protocol):
    """Who signs. What a key is, is the repository's affair."""

    @property
    def officer(self) -> Any: ...

    @property
    def online(self) -> Any: ...

    @property
    def name(self) -> str: ...


class EvidenceCheck(Protocol):
    """Checks publishers' signatures. `check` blocks."""

    def needed(self, data: bytes) -> frozenset[OriginalHash]:
        """What must be computed of upstream's archive to check a signature.

        Raises:
            DeniedError: HP-T12, it is no signature that is known.
        """
        ...

    def check(
        self, data: bytes, rules: Sequence[EvidenceRule], subject: Subject, *, at: datetime
    ) -> Evidence:
        """Check a signature against the officers' rules.

        Raises:
            DeniedError: HP-T12, it is not by whom they name, or not of this module.
            UsageError: there are no rules, or one cannot be used.
        """
        ...


CardCheck = Callable[[bytes, Record, Sequence[str]], CardNote]
"""Checks a model card, of a record, for the fields that the policy demands. Blocks.

Raises DeniedError HP-T16 where it does not say what is demanded, UsageError where it is no card.
"""

Gate = Callable[[Record], Awaitable[Inspected]]
"""Looks into a module that was read."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A record that has not been signed, the one it would replace, and what the new one names."""

    record: Record
    before: Record | None
    evidence: tuple[bytes, ...] = ()
    card: bytes | None = None


class Approvals:
    """Reads modules and signs records of them.

    Args:
        drafts: where what was read is kept, until the daemon takes it into the store.
        clock: the time, timezone-aware UTC.
        evidence: checks publishers' signatures, where that can be done here.
        card: checks model cards, where that can be done here.
        gate: looks into modules, where that can be done here; where not, no record says it was.
    """

    def __init__(
        self,
        *,
        transfers: Transfers,
        drafts: Discoveries,
        repository: Repository,
        clock: Callable[[], datetime],
        evidence: EvidenceCheck | None = None,
        card: CardCheck | None = None,
        gate: Gate | None = None,
    ) -> None:
        self._transfers, self._drafts = transfers, drafts
        self._repository, self._clock = repository, clock
        self._evidence, self._card, self._gate = evidence, card, gate

    async def examine(
        self,
        handle: Handle,
        *,
        licence: str = "",
        evidence: Sequence[bytes] = (),
        card: bytes | None = None,
        review_by: str = "",
        allow: Sequence[Allowance] = (),
    ) -> Proposal:
        """Fetch a module, describe it, and hold it to the officers' policy.

        Args:
            licence: an SPDX expression.
            evidence: publishers' signatures of it, each as its file is.
            card: its model card. It names the archive's digest, so it comes after a first look.
            review_by: the day, `2027-03-01`, by which it must be looked at again; by default as
                late as the policy allows.
            allow: what the same draft adds to the policy.

        Raises:
            UsageError: the handle has no version: what is signed is exact. The day is none.
            DeniedError: HP-T06, it holds what is never accepted, or what nobody allows; HP-T12 or
                HP-T16, the policy demands what is not there.
            HubproxyError: the module cannot be had, or may never be accepted.
        """
        exact_only(handle)
        policy = await asyncio.to_thread(self._repository.policy)
        check_demanded(policy, handle, evidence, card)
        card_check = None if card is None else self._card_check
        at = self._clock()
        wanted = [self._checker.needed(data) for data in evidence]
        record, original = await fetch_original(
            handle,
            transfers=self._transfers,
            into=self._drafts,
            decided_at=timestamp(at),
            originals=frozenset().union(*wanted),
        )
        record = msgspec.structs.replace(
            record, licence=licence, review_by=review_day(review_by, policy, at)
        )
        if evidence:
            proven = await asyncio.to_thread(self._proven, record, original, evidence, policy, at)
            record = msgspec.structs.replace(record, evidence=proven)
        if card is not None and card_check is not None:
            note = await asyncio.to_thread(card_check, card, record, policy.card_fields)
            record = msgspec.structs.replace(record, card=note)
        record = await self._looked_into(record)
        allowing = msgspec.structs.replace(policy, allow=(*policy.allow, *allow))
        verdict = judge_policy(record, allowing, at)
        if verdict is not None:
            raise _denied(verdict)
        before = await asyncio.to_thread(self._repository.find, target_path(handle, record.format))
        return Proposal(record, before, tuple(evidence), card)

    async def publish(
        self,
        records: Sequence[Record],
        signers: Signers,
        *,
        evidence: Sequence[bytes] = (),
        cards: Sequence[bytes] = (),
    ) -> Versions:
        """Sign records in an officer's name, and put them on the list.

        Args:
            evidence, cards: the files that the records name; those published already need not be
                there.
        """
        signed = [msgspec.structs.replace(record, reviewers=(signers.name,)) for record in records]

        def work() -> Versions:
            return self._repository.publish(
                signed,
                officer=signers.officer,
                online=signers.online,
                evidence=evidence,
                cards=cards,
            )

        return await asyncio.to_thread(work)

    async def _looked_into(self, record: Record) -> Record:
        if self._gate is None:
            return record
        inspected = await self._gate(record)
        if inspected.verdict == "refuse":
            raise _denied(refused_verdict(record.handle, inspected.findings))
        return inspected.described(record)

    @property
    def _checker(self) -> EvidenceCheck:
        if self._evidence is None:
            raise UsageError("publishers' signatures cannot be checked here")
        return self._evidence

    @property
    def _card_check(self) -> CardCheck:
        if self._card is None:
            raise UsageError("model cards cannot be checked here")
        return self._card

    def _proven(
        self,
        record: Record,
        original: Original,
        evidence: Sequence[bytes],
        policy: Policy,
        at: datetime,
    ) -> tuple[Evidence, ...]:
        rules, subject = policy.rules_for(record.handle), Subject(record.files, original)
        return tuple(self._checker.check(data, rules, subject, at=at) for data in evidence)


def _denied(verdict: Verdict) -> DeniedError:
    return DeniedError(verdict.code, verdict.status, verdict.message, remedy=verdict.remedy)


def exact_only(handle: Handle) -> None:
    """See that a handle names one module for ever.

    Raises:
        UsageError: it has no version.
    """
    if handle.version is None:
        raise UsageError(
            f"{handle} has no version, and only an exact module can be approved",
            remedy=f"Name one, such as {handle}/1.",
        )
