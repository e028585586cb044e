"""One entry of a draft on paper: what a record says, and what becomes of the one before it."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

from hubproxy.core.record import Record

if TYPE_CHECKING:
    from hubproxy.trust.review import Entry

MOST = 12
"""So many rows of a kind are printed."""


def entry_lines(entry: "Entry") -> Iterator[str]:
    """The page of one entry."""
    yield ""
    record = entry.after or entry.before
    assert record is not None
    yield f"{entry.kind:<8} {record.handle}  {record.format}, listed by {entry.role}"
    yield from _found(entry)
    if entry.after is None:
        return
    if record.status == "revoked":
        yield f"  reason     {record.reason}"
    size = f"{record.archive.size:,} bytes in {len(record.files)} files"
    before = entry.before
    if before is not None and before.archive.size != record.archive.size:
        size += f" (until now {before.archive.size:,} bytes in {len(before.files)})"
    yield f"  archive    {record.archive.digest}"
    yield f"  size       {size}"
    yield f"  origin     {record.origin.url or 'a file that was handed over'}"
    licence = _changed(record.licence, before.licence if before else None)
    yield f"  licence    {licence or 'not stated'}"
    yield f"  reviewed   {record.decided_at} by {', '.join(record.reviewers) or 'nobody yet'}"
    if record.review_by:
        yield f"  again by   {record.review_by}"
    yield from _support(record)
    yield from rows("unproven", entry.unproven)
    yield from rows("new file", entry.new, MOST)
    yield from rows("changed", entry.changed, MOST)
    yield from rows("removed", entry.removed, MOST)
    yield from rows("new op", entry.new_ops)
    yield from rows("op gone", entry.removed_ops)
    yield from rows("repacked", record.changes)
    yield from _gate(record, before)


def _gate(record: Record, before: Record | None) -> Iterator[str]:
    """What the content gate says of it, and what it did not say of the record before."""
    if record.gate is not msgspec.UNSET:
        gate = record.gate
        yield f"  gate       {gate.verdict}, by gate {gate.version} with ops {gate.ops}"
    known = before.findings if before is not None else record.findings
    yield from rows("finding", [line for line in record.findings if line in known])
    yield from rows("new find.", [line for line in record.findings if line not in known])
    yield from rows("find. gone", [line for line in known if line not in record.findings])


def _found(entry: "Entry") -> Iterator[str]:
    """What a look-up finds from now on, wherever that may surprise."""
    was = entry.revocation
    if was is not None:
        by = ", ".join(was.reviewers) or "nobody who is named"
        yield f"  was        revoked {was.decided_at} by {by}: {was.reason}"
    now = entry.status_then + (f", listed by {entry.then_role}" if entry.then_role else "")
    if entry.after is None:
        before = entry.status_before
        before += f", listed by {entry.before_role}" if entry.before_role else ""
        yield f"  look-up    {before} -> {now}"
    elif not entry.is_seen:
        yield f"  look-up    does not see it: {now}"
    elif was is not None:
        yield f"  look-up    {entry.status_before} -> {now}"


def _support(record: Record) -> Iterator[str]:
    """The publisher's signature, the card and the kinds of op."""
    evidence = () if record.evidence is msgspec.UNSET else record.evidence
    for one in evidence:
        issuer = f", vouched for by {one.issuer}" if one.issuer else ""
        yield f"  signer     {one.identity} ({one.kind}{issuer}), verified {one.verified_at}"
    if not evidence:
        yield "  signer     no publisher's signature"
    if record.card is msgspec.UNSET:
        yield "  card       none"
    else:
        yield f"  card       {', '.join(record.card.fields) or 'says nothing'}"
        yield from rows("unknown", record.card.unknown)
    if record.ops is msgspec.UNSET:
        yield "  ops        not known: not looked at"
    else:
        yield f"  ops        {len(record.ops)} kinds"


def _changed(now: str, before: str | None) -> str:
    return now if before is None or before == now else f"{before or 'not stated'} -> {now}"


def rows(label: str, texts: Iterable[str], most: int = 1000) -> Iterator[str]:
    """A label before each of some texts; of many the first."""
    found = list(texts)
    for text in found[:most]:
        yield f"  {label:<10} {text}"
    if len(found) > most:
        yield f"  {'':<10} … and {len(found) - most} more"
