"""What the content gate finds in a module, and what it makes of all of it."""

import re
from collections.abc import Iterable
from typing import Literal

import msgspec

GateVerdict = Literal["pass", "hold", "refuse"]
"""`hold` waits for a person; `refuse` is never accepted, whoever asks for it."""

_NAME = re.compile(r"[a-z0-9_]+(?:-[a-z0-9_]+)*:[A-Za-z0-9_.>+-]{1,200}")


class Finding(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing in a module that a person should know of before anybody loads it.

    Args:
        name: stable, what a policy can allow: `op:ReadFile`, `pickle:os.system`.
        where: the places, for people: `function f of graph 0`, `assets/words.pkl`.
        why: why it matters, as a sentence.
        remedy: what would have to be so for it to pass, as a sentence; empty where nothing would.
        verdict: what this alone makes of the module.
    """

    name: str
    where: str
    why: str
    remedy: str = ""
    verdict: Literal["hold", "refuse"] = "hold"

    def __str__(self) -> str:
        return f"{self.name} in {self.where}"


def is_finding_name(text: str) -> bool:
    """Whether a text has the form of a finding's name."""
    return _NAME.fullmatch(text) is not None


def name_in(line: str) -> str:
    """The name of the finding that a line of a record, `str(finding)`, tells of."""
    return line.partition(" ")[0]


def gate_verdict(findings: Iterable[Finding]) -> GateVerdict:
    """What all findings make of a module."""
    verdicts = {finding.verdict for finding in findings}
    if "refuse" in verdicts:
        return "refuse"
    return "hold" if verdicts else "pass"
