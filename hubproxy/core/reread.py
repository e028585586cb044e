"""What a module's note says a gate found in it, against what the gate of today finds."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from hubproxy.core.allowance import Allowance, judge_findings
from hubproxy.core.finding import Finding, GateVerdict, gate_verdict, name_in
from hubproxy.core.record import GateNote, Record

Place = Literal["listed", "pinned", "held"]


class Reread(msgspec.Struct, frozen=True, kw_only=True):
    """One module that was looked into again.

    Args:
        handle: exact.
        place: `listed`: officers have signed its record; `pinned`: first use has; `held`: it waits
            for officers.
        number: of the held module; empty for others.
        before: what its record says of the gate; None where it says nothing.
        was: the verdict that stood.
        verdict: of today's gate.
        new: what is found that was not, by line.
        gone: what was found and is not, by line.
        refused: what the officers' policy says of today's findings, where it does not allow them.
    """

    handle: str
    place: Place
    number: str = ""
    before: GateNote | None
    was: GateVerdict
    verdict: GateVerdict
    new: tuple[str, ...]
    gone: tuple[str, ...]
    refused: str = ""

    @property
    def changed(self) -> bool:
        """Whether anything is found, or found no more."""
        return bool(self.new or self.gone) or self.was != self.verdict

    @property
    def withdrawn(self) -> bool:
        """Whether this host, alone, serves it no more: nobody has signed what it is."""
        return self.place == "pinned" and self.verdict != "pass"

    @property
    def ours(self) -> bool:
        """Whether there is something that this host decides alone."""
        return self.withdrawn or (self.place == "held" and self.changed)

    @property
    def officers(self) -> bool:
        """Whether officers must sign something before the list says what is so."""
        return self.place == "listed" and self.changed


def reread(
    record: Record,
    place: Place,
    findings: Iterable[Finding],
    *,
    allow: Iterable[Allowance] = (),
    at: datetime,
    number: str = "",
) -> Reread:
    """Compare a record with what was found now.

    Findings are compared by name: where in a module they are is told in other words by every gate.

    Args:
        allow: what the officers' policy allows.
        at: now, timezone-aware UTC.
    """
    found = tuple(findings)
    names = {name_in(line) for line in record.findings}
    now = {finding.name for finding in found}
    note = None if record.gate is msgspec.UNSET else record.gate
    verdict = gate_verdict(found)
    new = msgspec.structs.replace(record, findings=tuple(map(str, found)))
    no = judge_findings(new, allow, at) if verdict == "hold" else None
    return Reread(
        handle=record.handle,
        place=place,
        number=number,
        before=note,
        was=note.verdict if note else "hold" if names else "pass",
        verdict=verdict,
        new=tuple(str(finding) for finding in found if finding.name not in names),
        gone=tuple(line for line in record.findings if name_in(line) not in now),
        refused=no.message if no else "",
    )
