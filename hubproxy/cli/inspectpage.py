"""What `hubproxy inspect` prints: a page for a person, or an object for a program."""

import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, repeat

import click
import msgspec

from hubproxy.cli.inspecting import Looked
from hubproxy.cli.options import printable
from hubproxy.core.finding import Finding
from hubproxy.core.record import Record
from hubproxy.inspection.facts import Facts, Graph, Signature, Tensor
from hubproxy.inspection.gate.optable import ALLOWED, CLASSES, classed

_COLOURS = {"pass": "green", "hold": "yellow", "refuse": "red"}
_SAID = {
    "pass": "nothing was found in it that can do more than compute",
    "hold": "a person should look at what was found before anybody loads it",
    "refuse": "never accepted, whoever asks for it",
}
_UNKNOWN = "unknown"
"""The class of an op that no TensorFlow has."""

_NARROWEST, _WIDEST = 72, 100
_LABEL = 12
_MOST_FILES, _MOST_SIGNATURES, _MOST_TENSORS, _MOST_TEXTS = 6, 8, 10, 6
_MOST_OPS, _MOST_FINDINGS, _MOST_NAMES = 40, 20, 4

_Paint = Callable[[str, str], str]


def as_object(found: Looked) -> str:
    """One line of JSON. What a refused archive has none of is null, or empty."""
    record, inspected = found.record, found.inspected
    facts = inspected.facts
    fields = {
        "name": found.name,
        "verdict": inspected.verdict,
        "findings": inspected.findings,
        "formats": inspected.formats,
        "facts": facts,
        "ops": dict(_by_class(facts)),
        "files": [
            {"path": entry.path, "size": entry.size, "sha256": entry.sha256}
            for entry in (record.files if record else ())
        ],
        "archive": record
        and {"digest": record.archive.digest, "size": record.archive.size, "tree": record.tree},
        "origin": record
        and {
            "digest": record.origin.digest,
            "size": record.origin.size,
            "media_type": record.origin.media_type,
        },
        "gate": {"version": inspected.gate, "ops": inspected.table},
    }
    return msgspec.json.encode(fields).decode()


def print_page(found: Looked, *, first: bool) -> None:
    """Print a page, in colour for a person at a terminal who has not said NO_COLOR.

    Args:
        first: whether nothing stands above it.
    """
    width = min(max(shutil.get_terminal_size((_WIDEST, 24)).columns, _NARROWEST), _WIDEST)
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    lines = page(found, width, _painted if coloured else _plain)
    print("\n".join(lines if first else ("", *lines)))


def page(found: Looked, width: int, paint: _Paint) -> Iterator[str]:
    """The lines of a page. What is in them may be anybody's, and is made printable here."""
    inspected = found.inspected
    verdict = paint(f"{inspected.verdict.upper():<6}", _COLOURS[inspected.verdict])
    yield f"{verdict}  {printable(found.name)}"
    yield f"        {_SAID[inspected.verdict]}"
    if found.record is not None:
        yield ""
        yield from _of_record(found.record, found.alone, inspected.formats)
    if inspected.facts is not None:
        yield from _of_facts(inspected.facts, width)
    findings = ("\n".join(finding_lines(one, width, paint)) for one in inspected.findings)
    yield from _few(findings, len(inspected.findings), _MOST_FINDINGS, "more: --json has all")
    yield ""
    versions = f"(gate {inspected.gate}, ops {inspected.table})"
    yield f"{verdict}  {printable(found.name)}: {_names(inspected.findings)}  {versions}"


def _of_record(record: Record, alone: str, formats: Sequence[str]) -> Iterator[str]:
    total = sum(entry.size for entry in record.files)
    yield _row("format", ", ".join(formats) or "none that is known")
    if alone:
        yield _row("read as", f"{alone}, a module of one file")
    else:
        yield _row("read", f"{record.origin.size:,} bytes, {record.origin.media_type}")
    yield _row("archive", f"{record.archive.size:,} bytes, as the plain tar that is kept of it")
    yield f"    {record.archive.digest}"
    yield _row("files", f"{len(record.files):,}, {total:,} bytes; the digest of their tree is")
    yield f"    {record.tree}"
    largest = sorted(record.files, key=lambda entry: (-entry.size, entry.path))
    rows = (f"    {entry.size:>15,}  {printable(entry.path)}" for entry in largest)
    yield from _few(rows, len(largest), _MOST_FILES, "smaller ones", indent=21)


def _of_facts(facts: Facts, width: int) -> Iterator[str]:
    for graph in facts.graphs:
        yield from _of_graph(graph, width)
    if facts.parameters is not None:
        of = "" if facts.trainable is None else f", of which {facts.trainable:,} trainable"
        yield _row("parameters", f"{facts.parameters:,}{of}")
    rows = (_row("vocabulary", f"{one.path}, {one.lines:,} lines") for one in facts.vocabularies)
    yield from _few(rows, len(facts.vocabularies), _MOST_TEXTS, "more")
    kinds = _by_class(facts)
    if kinds:
        yield _row("ops", f"{sum(map(len, kinds.values())):,} kinds, by what they can do")
    for kind, ops in kinds.items():
        more = f", … and {len(ops) - _MOST_OPS:,} more" if len(ops) > _MOST_OPS else ""
        text = ", ".join(ops[:_MOST_OPS]) + more
        yield from _filled(f"    {kind:<12}{len(ops):>4}  ", text, width)


def _of_graph(graph: Graph, width: int) -> Iterator[str]:
    written = f", written by TensorFlow {graph.tensorflow}" if graph.tensorflow else ""
    yield _row("graph", f"{', '.join(graph.tags) or 'without a tag'}{written}")
    found = (_signature(one, width) for one in graph.signatures)
    yield from _few(found, len(graph.signatures), _MOST_SIGNATURES, "more signatures")


def _signature(signature: Signature, width: int) -> str:
    lines = [f"    {printable(signature.name)}"]
    for label, tensors in (("in", signature.inputs), ("out", signature.outputs)):
        lines += _tensors(label, tensors, width)
    return "\n".join(lines)


def _tensors(label: str, tensors: Sequence[Tensor], width: int) -> Iterator[str]:
    heads = chain([f"      {label:<6}"], repeat(" " * 12))
    rows = (
        "\n".join(_filled(head, str(one), width)) for head, one in zip(heads, tensors, strict=False)
    )
    yield from _few(rows, len(tensors), _MOST_TENSORS, "more", indent=12)


def _names(findings: Sequence[Finding]) -> str:
    """What was found, in a few words."""
    if not findings:
        return "nothing found"
    names = ", ".join(finding.name for finding in findings[:_MOST_NAMES])
    more = len(findings) - _MOST_NAMES
    return f"{names} and {more:,} more" if more > 0 else names


def finding_lines(finding: Finding, width: int, paint: _Paint) -> Iterator[str]:
    """What was found, where, why it matters, and what would allow it."""
    yield ""
    yield f"  {paint(f'{finding.verdict.upper():<6}', _COLOURS[finding.verdict])}  {finding.name}"
    for label, text in (("where", finding.where), ("why", finding.why), ("allow", finding.remedy)):
        if text:
            yield from _filled(f"    {label:<8}", text, width)


def _by_class(facts: Facts | None) -> dict[str, list[str]]:
    """The kinds of op of each class, what needs a look first."""
    found: dict[str, list[str]] = {}
    for op in (facts.ops if facts else None) or ():
        kind = classed(op)
        found.setdefault(_UNKNOWN if kind is None else kind.kind, []).append(op)
    order = [_UNKNOWN, *(kind for kind in CLASSES if kind not in ALLOWED), *CLASSES]
    return {kind: found[kind] for kind in dict.fromkeys(order) if kind in found}


def _few(
    rows: Iterable[str], count: int, most: int, others: str, *, indent: int = 2 + _LABEL
) -> Iterator[str]:
    for _, row in zip(range(most), rows, strict=False):
        yield row
    if count > most:
        yield f"{' ' * indent}… and {count - most:,} {others}"


def _row(label: str, text: str) -> str:
    return f"  {label:<{_LABEL}}{printable(text)}"


def _filled(head: str, text: str, width: int) -> list[str]:
    """Text beside a heading, broken at spaces; what has none is broken where the line ends."""
    return textwrap.wrap(
        printable(text), width, initial_indent=head, subsequent_indent=" " * len(head)
    )


def _plain(text: str, _: str) -> str:
    return text


def _painted(text: str, colour: str) -> str:
    return click.style(text, fg=colour, bold=True)
