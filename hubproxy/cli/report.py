"""What an officer reads before a module is signed, and what `trust show` prints."""

from hubproxy.cli.options import Output, printable
from hubproxy.core.record import FileEntry, Record
from hubproxy.service.approve import Proposal

_MOST_FILES = 20


def print_report(proposal: Proposal, out: Output) -> None:
    """Print a proposal: the record, and what differs from the one in force."""
    print_record(proposal.record, out)
    if out.as_json or proposal.before is None:
        return
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
        ("decided", f"{record.decided_at} by {', '.join(record.reviewers) or 'nobody'}"),
    ]
    rows += [("changed", change) for change in record.changes]
    rows += [("finding", finding) for finding in record.findings]
    print(record.handle)
    for label, text in rows:
        print(f"  {label:<8} {printable(text)}")
    print(f"  files    {len(record.files)}, {total:,} bytes")
    for entry in _largest(record.files):
        print(f"    {entry.size:>15,}  {entry.sha256[:16]}…  {printable(entry.path)}")
    if len(record.files) > _MOST_FILES:
        print(f"    … and {len(record.files) - _MOST_FILES} smaller ones")


def _largest(files: tuple[FileEntry, ...]) -> list[FileEntry]:
    return sorted(files, key=lambda entry: (-entry.size, entry.path))[:_MOST_FILES]
