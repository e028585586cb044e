"""What a look into a module gave: its facts, and what the gate makes of it."""

import msgspec

from hubproxy.core.finding import Finding, GateVerdict, gate_verdict
from hubproxy.core.record import GateNote, Record
from hubproxy.inspection.facts import Facts


class Inspected(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is inside a module.

    Args:
        facts: None for a format that tells none, or where they could not be read.
        findings: what refuses it first, then by name.
        formats: of everything in it that can be loaded, sorted: `saved_model`, `keras`, …
        gate: version of the gate.
        table: version of its table of ops.
    """

    facts: Facts | None = None
    findings: tuple[Finding, ...] = ()
    formats: tuple[str, ...] = ()
    gate: int
    table: int

    @property
    def verdict(self) -> GateVerdict:
        return gate_verdict(self.findings)

    def described(self, record: Record) -> Record:
        """The record of the module, with what was found.

        Raises:
            ValueError: the module is refused, so there is to be no record of it.
        """
        if self.verdict == "refuse":
            raise ValueError(f"{record.handle} is refused, and is given no record")
        ops = None if self.facts is None else self.facts.ops
        return msgspec.structs.replace(
            record,
            ops=msgspec.UNSET if ops is None else ops,
            findings=tuple(map(str, self.findings)),
            gate=GateNote(version=self.gate, ops=self.table, verdict=self.verdict),
        )
