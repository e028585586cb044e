"""What waits for a person: a module that was fetched and is held, and what people ask for."""

import re
from collections.abc import Iterable
from typing import Self

import msgspec

from hubproxy.core.finding import Finding
from hubproxy.core.handle import Handle
from hubproxy.core.record import Record
from hubproxy.core.trust import Verdict

_NUMBER = re.compile(r"Q[1-9][0-9]{0,8}")
_MOST_NAMED = 3


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Somebody who wants a module.

    Args:
        caller: who asked: an address, or a team.
        time: UTC, RFC 3339.
        why: in his words; empty for a job that only tried to load it.
    """

    caller: str
    time: str
    why: str = ""


class HeldModule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A module that was fetched and looked into, and waits for officers.

    Args:
        number: `Q17`, unique on this host for ever.
        since: UTC, RFC 3339.
        record: what was read; nobody has signed it. Its lines of findings are those of `findings`.
        findings: in full. None where the site holds whatever the list does not name.
        asks: who wants it, the first one first.
        draft: the draft that would release it, such as `D3`; empty before there is one.
    """

    v: int = 1
    number: str
    since: str
    record: Record
    findings: tuple[Finding, ...] = ()
    asks: tuple[Ask, ...] = ()
    draft: str = ""

    @classmethod
    def decode(cls, text: bytes) -> Self:
        """Read what `encode` wrote.

        Raises:
            ValueError: it is no held module.
        """
        try:
            held = msgspec.json.decode(text, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ValueError(f"not a held module: {error}") from error
        if not is_number(held.number):
            raise ValueError(f"not a held module: {held.number!r} is not a number such as Q17")
        Record.decode(held.record.encode())
        return held

    def encode(self) -> bytes:
        return msgspec.json.encode(self, order="sorted")

    @property
    def exact(self) -> Handle:
        return self.record.exact


def is_number(text: str) -> bool:
    """Whether a text is the number of a held module, such as `Q17`."""
    return _NUMBER.fullmatch(text) is not None


def held_verdict(held: HeldModule) -> Verdict:
    """The refusal of a module that waits for officers."""
    where = f"{held.number} (draft {held.draft})" if held.draft else held.number
    lines = [str(finding) for finding in held.findings]
    more = f"; and {len(lines) - _MOST_NAMED} more" if len(lines) > _MOST_NAMED else ""
    found = f"; findings: {'; '.join(lines[:_MOST_NAMED])}{more}" if lines else ""
    return Verdict(
        "HP-T02",
        403,
        f"{held.record.handle} is held for review as {where} since {held.since[:16]}Z{found}",
        remedy="Say why you need it: "
        f"`hubproxy request {held.record.handle} --why REASON`; "
        f"an officer looks at it with `hubproxy quarantine show {held.number}`",
    )


def refused_verdict(handle: str, findings: Iterable[Finding]) -> Verdict:
    """The refusal of a module that is never accepted, whoever asks for it.

    Args:
        findings: one of them, at least, refuses it.
    """
    lines = [finding for finding in findings if finding.verdict == "refuse"]
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    return Verdict(
        "HP-T06",
        403,
        f"{handle} is never accepted: {lines[0]}{more}; {lines[0].why}",
        remedy=lines[0].remedy or "Use another module, or tell its publisher.",
    )
