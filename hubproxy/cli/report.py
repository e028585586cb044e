"""What an officer reads before a module is signed, and what `trust show` prints."""

from collections.abc import Iterator

from msgspec import UNSET

from hubproxy.cli.options import Output, printable
from hubproxy.core.record import CardNote, FileEntry, Record
from hubproxy.service.approve import Proposal

_MOST_FILES = 20


def print_report(proposal: Proposal, out: Output) -> None:
    """Print a proposal: the record, and what differs from the one in force."""
    print_record(proposal.record, out)
    if out.as_json or proposal.before is None:
        return
    if proposal.before.status == "revoked":
        _, decided = _decided(proposal.before)
        print(printable(f"  AGAIN    it was revoked {decided}: {proposal.before.reason}"))
    before = {entry.path: entry.sha256 for entry in proposal.before.files}
    after = {entry.path: entry.sha256 for entry in proposal.record.files}
    rows = [f"new      {path}" for path in sorted(after.keys() - before.keys())]
    rows += [f"removed  {path}" for path in sorted(before.keys() - after.keys())]
    rows += [
        f"changed  {path}" for path in sorted(before.keys() & after.keys())
        if before[path] != after[path]
    ]  # fmt: skip
    print("  against the record in force:")
    for row in rows or ["the same files"]:
        print(f"    {printable(row)}")


def print_record(record: Record, out: Output) -> None:
    """Print a record on a page, or as itself."""
    if out.as_json:
        print(record.encode().decode())
        return
    total = sum(entry.size for entry in record.files)
    rows = [
        ("format", record.format),
        ("status", record.status + (f": {record.reason}" if record.reason else "")),
        ("archive", f"{record.archive.digest}  {record.archive.size:,} bytes"),
        ("tree", record.tree),
        (
            "origin",
            f"{record.origin.url}  {record.origin.media_type}  {record.origin.size:,} bytes",
        ),
        ("", record.origin.digest),
        ("licence", record.licence or "not stated"),
        _decided(record),
        *support_rows(record),
    ]
    rows += [("changed", change) for change in record.changes]
    gate = record.gate
    if gate is not UNSET:
        rows.append(("gate", f"{gate.verdict}, by gate {gate.version} with ops {gate.ops}"))
    rows += [("finding", finding) for finding in record.findings]
    print(printable(record.handle))
    for label, text in rows:
        print(f"  {label:<8} {printable(text)}")
    print(f"  files    {len(record.files)}, {total:,} bytes")
    for entry in _largest(record.files):
        print(f"    {entry.size:>15,}  {entry.sha256[:16]}…  {printable(entry.path)}")
    if len(record.files) > _MOST_FILES:
        print(f"    … and {len(record.files) - _MOST_FILES} smaller ones")


def support_rows(record: Record) -> Iterator[tuple[str, str]]:
    """The publisher's signatures, the card, the kinds of op, and the day of the next review."""
    for one in record.evidence or ():
        issuer = f" ({one.issuer})" if one.issuer else ""
        yield "evidence", f"{one.kind} of {one.identity}{issuer}, {one.verified_at}"
    if isinstance(record.card, CardNote):
        yield "card", f"{record.card.digest}  {', '.join(record.card.fields)}"
        for unknown in record.card.unknown:
            yield "", f"unknown, accepted: {unknown}"
    else:
        yield "card", "none"
    yield "ops", "not known: not looked at" if record.ops is UNSET else ", ".join(record.ops)
    if record.review_by:
        yield "review", f"again by {record.review_by}"


def _decided(record: Record) -> tuple[str, str]:
    if not record.reviewers:
        return "proposed", record.decided_at
    return "decided", f"{record.decided_at} by {', '.join(record.reviewers)}"


def _largest(files: tuple[FileEntry, ...]) -> list[FileEntry]:
    return sorted(files, key=lambda entry: (-entry.size, entry.path))[:_MOST_FILES]
