"""What new records say of their publishers' signatures and cards, held against the files anew.

A draft comes from whoever proposed it, and so does each claim in its records. Whatever the draft
itself suffices to check is checked again before it is shown, signed or published; the rest is
named, so that nobody takes it for more than the proposer's word.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from hubproxy.core.original import Subject
from hubproxy.core.policy import Policy
from hubproxy.core.record import CardNote, Evidence, Record
from hubproxy.errors import NotInstalledError, UsageError
from hubproxy.trust.changes import Change, Put
from hubproxy.trust.contents import Contents
from hubproxy.trust.evidence import check, kind_of

CardCheck = Callable[[bytes, Record], CardNote]
"""Checks a model card of a record, and says what it answers.

Raises CardError where it is none, NotInstalledError where that cannot be told here.
"""

_OF_THE_ARCHIVE = ("minisign", "sshsig")
_WORD = "as the proposer says"


@dataclass(frozen=True, slots=True)
class Support:
    """Checks records' claims.

    Args:
        clock: now, timezone-aware UTC: certificates must be valid.
        card: checks cards, where that can be done here.
    """

    clock: Callable[[], datetime]
    card: CardCheck | None = None

    def check(
        self, record: Record, evidence: Sequence[bytes], card: bytes | None, policy: Policy
    ) -> tuple[str, ...]:
        """Check what a record says of the files that it names.

        Returns:
            What must be taken on the proposer's word, a line each.

        Raises:
            DeniedError: HP-T12, a signature is not what the record says.
            UsageError: the card is not, or no rule of the policy makes the signature count.
        """
        found = [
            line
            for claim, data in zip(_claims(record), evidence, strict=True)
            for line in self._signature(record, claim, data, policy)
        ]
        if card is not None:
            found += self._card(record, card)
        return tuple(found)

    def _signature(
        self, record: Record, claim: Evidence, data: bytes, policy: Policy
    ) -> Sequence[str]:
        if kind_of(data) != claim.kind:
            raise _false(record, f"a signature of the kind {claim.kind}", kind_of(data))
        if claim.kind in _OF_THE_ARCHIVE:
            return [f"signer {claim.identity}, {_WORD}: {claim.kind} signs upstream's own archive"]
        rules = [
            rule
            for rule in policy.rules_for(record.handle)
            if (rule.identity, rule.issuer) == (claim.identity, claim.issuer)
        ]
        try:
            check(data, rules, Subject(record.files), at=self.clock())
        except NotInstalledError as error:
            return [f"signer {claim.identity}, {_WORD}: {error}. {error.remedy}"]
        return ()

    def _card(self, record: Record, data: bytes) -> Sequence[str]:
        if self.card is None:
            return [f"card, {_WORD}: cards cannot be checked here"]
        try:
            note = self.card(data, record)
        except NotInstalledError as error:
            return [f"card, {_WORD}: {error}. {error.remedy}"]
        if note != record.card:
            raise _false(record, "a card that answers something else", ", ".join(note.fields))
        return ()


def check_support(
    changes: Sequence[Change],
    contents: Contents,
    policy: Callable[[], Policy],
    support: Support | None,
) -> dict[str, tuple[str, ...]]:
    """Check the records that changes list; returns what is the proposer's word, by path.

    A revocation is not held up: of what is taken back nothing need be true any more.

    Args:
        policy: the one that will be in force; read only where something depends on it.
        support: None where nothing can be checked.

    Raises:
        HubproxyError: as `Support.check`; or a file is missing.
    """
    found: dict[str, tuple[str, ...]] = {}
    for change in changes:
        if not isinstance(change, Put):
            continue
        record = contents.record(change.digest)
        evidence = [contents.read("evidence", one.digest) for one in _claims(record)]
        card = _card_of(record, contents)
        if record.status != "approved" or (not evidence and card is None):
            continue
        if support is None:
            found[change.path] = (f"signers and card, {_WORD}: nothing was checked here",)
        else:
            rules = policy() if evidence else Policy()
            found[change.path] = support.check(record, evidence, card, rules)
    return found


def _claims(record: Record) -> tuple[Evidence, ...]:
    return () if record.evidence is msgspec.UNSET else record.evidence


def _card_of(record: Record, contents: Contents) -> bytes | None:
    return None if record.card is msgspec.UNSET else contents.read("boms", record.card.digest)


def _false(record: Record, said: str, found: str) -> UsageError:
    return UsageError(
        f"the record of {record.handle} says {said}, and its file is: {found or 'nothing'}",
        remedy="Nothing was signed. Do not take it up: ask who proposed it.",
    )
