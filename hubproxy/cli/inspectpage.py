"""What `hubproxy inspect` prints: a page for a person, or an object for a program."""

import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat

import click
import msgspec

from hubproxy.cli.inspecting import Looked
from hubproxy.cli.options import printable
from hubproxy.core.finding import Finding, is_finding_name
from hubproxy.core.record import Record
from hubproxy.inspection.facts import Facts, Graph, Signature, Tensor
from hubproxy.inspection.gate.optable import ALLOWED, CLASSES, classed
from hubproxy.inspection.inspected import Inspected

_COLOURS = {"pass": "green", "hold": "yellow", "refuse": "red"}
_SAID = {
    "pass": "nothing was found in it that can do more than compute",
    "hold": "a person should look at what was found before anybody loads it",
    "refuse": "never accepted, whoever asks for it",
}
_UNKNOWN, _EXCUSED = "unknown", "excused"
"""Ops that no TensorFlow has; and those that the gate let pass where they stand."""

_NOT_ALL = "gate:many"
_NARROWEST, _WIDEST = 72, 100
_LABEL = 12
_MOST_FILES, _MOST_SIGNATURES, _MOST_TENSORS, _MOST_TEXTS = 6, 8, 10, 6
_MOST_OPS, _MOST_FINDINGS, _MOST_NAMES = 40, 20, 4

_Paint = Callable[[str, str], str]


def as_object(found: Looked) -> str:
    """One line of JSON. What a refused archive has none of is null, or empty."""
    inspected = found.inspected
    fields = {
        "name": found.name,
        "verdict": inspected.verdict,
        "findings": inspected.findings,
        "formats": inspected.formats,
        "facts": inspected.facts,
        "ops": _by_class(inspected),
        **_described(found.record, found.made_of),
        "gate": {"version": inspected.gate, "ops": inspected.table},
    }
    return msgspec.json.encode(fields).decode()


def _described(record: Record | None, made_of: str) -> dict[str, object]:
    if record is None:
        return {"files": (), "archive": None, "origin": None}
    archive, origin = record.archive, record.origin
    came = {"digest": origin.digest, "size": origin.size, "media_type": origin.media_type}
    return {
        "files": [
            {"path": entry.path, "size": entry.size, "sha256": entry.sha256}
            for entry in record.files
        ],
        "archive": {"digest": archive.digest, "size": archive.size, "tree": record.tree},
        "origin": None if made_of else came,
    }


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
        yield from _of_record(found.record, found.made_of, inspected.formats)
    if inspected.facts is not None:
        yield from _of_facts(inspected.facts, width)
        yield from _of_ops(_by_class(inspected), width)
    findings = ("\n".join(finding_lines(one, width, paint)) for one in inspected.findings)
    yield from _few(findings, len(inspected.findings), _MOST_FINDINGS, "more: --json has all")
    yield ""
    end = f"{found.name}: {_names(inspected.findings)}  "
    end += f"(gate {inspected.gate}, ops {inspected.table})"
    yield verdict + "\n".join(_filled(" " * 8, end, width))[6:]


def _of_record(record: Record, made_of: str, formats: Sequence[str]) -> Iterator[str]:
    total = sum(entry.size for entry in record.files)
    yield _row("format", ", ".join(formats) or "none that is known")
    came = f"{record.origin.size:,} bytes, {record.origin.media_type}"
    yield _row("read as", made_of or came)
    yield _row("archive", f"{record.archive.size:,} bytes, as the plain tar that a daemon keeps")
    yield f"    {record.archive.digest}"
    yield _row("files", f"{len(record.files):,}, of {total:,} bytes; as a tree, however packed:")
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


def _of_ops(kinds: Mapping[str, Sequence[str]], width: int) -> Iterator[str]:
    if kinds:
        told = f"{sum(map(len, kinds.values())):,} kinds, by what they can do"
        excused = ", or excused for how they are used" if _EXCUSED in kinds else ""
        yield _row("ops", told + excused)
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
    verdict = paint(f"{finding.verdict.upper():<6}", _COLOURS[finding.verdict])
    yield f"  {verdict}  {printable(finding.name)}"
    for label, text in (("where", finding.where), ("why", finding.why), ("allow", finding.remedy)):
        if text:
            yield from _filled(f"    {label:<8}", text, width)


def _by_class(inspected: Inspected) -> dict[str, list[str]]:
    """The kinds of op of each class, what needs a look first.

    What passes though its class does not, was excused wherever it stands; where not all that was
    found is listed, that cannot be told.
    """
    facts, names = inspected.facts, {finding.name for finding in inspected.findings}
    found: dict[str, list[str]] = {}
    for op in (facts.ops if facts else None) or ():
        kind = classed(op)
        passes = kind is not None and kind.kind in ALLOWED
        held = f"op:{op}" in names or not is_finding_name(f"op:{op}") or _NOT_ALL in names
        label = kind.kind if kind else _UNKNOWN
        found.setdefault(label if passes or held else _EXCUSED, []).append(op)
    order = [_UNKNOWN, *(kind for kind in CLASSES if kind not in ALLOWED), _EXCUSED, *CLASSES]
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
