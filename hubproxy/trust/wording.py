"""Changes in words, for a log and for a list of drafts: one line each."""

from collections.abc import Iterable

from hubproxy.errors import UsageError
from hubproxy.trust.changes import Change, Put
from hubproxy.trust.contents import Contents


def worded(changes: Iterable[Change], contents: Contents) -> tuple[str, ...]:
    """What each change does; of a record, whether it approves or revokes, and why.

    Args:
        contents: where the records are; of one that is not there, its digest is told.
    """
    return tuple(_listing(one, contents) if isinstance(one, Put) else str(one) for one in changes)


def _listing(change: Put, contents: Contents) -> str:
    try:
        record = contents.record(change.digest)
    except UsageError:
        return str(change)
    if record.status == "revoked":
        return f"{change.role} revokes {record.handle} ({record.format}): {record.reason}"
    return f"{change.role} lists {record.handle} ({record.format}) {record.archive.digest}"
