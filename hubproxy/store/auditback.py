"""Reading the audit log from its end: what the verifier must know before it begins.

For whoever owns the log: nothing is written or cut meanwhile.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path

from hubproxy.core.audit import AuditEvent
from hubproxy.store.auditread import lines_of, segments_of


def backwards(folder: Path, kind: str) -> Iterator[AuditEvent]:
    """The events of one kind, newest first, without reading the others.

    Args:
        folder: of the audit log; it may be missing.
        kind: as `AuditEvent.event` has it.
    """
    mark = b'"event":"%b"' % kind.encode()
    for path in reversed(segments_of(folder)):
        if not path.stat().st_size:
            continue
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            end = len(text)
            while (at := text.rfind(mark, 0, end)) >= 0:
                begin = text.rfind(b"\n", 0, at) + 1
                event = _decoded(text[begin : text.find(b"\n", at)])
                if event is not None and event.event == kind:
                    yield event
                end = begin


def tail(folder: Path, *, size: int = 1024 * 1024) -> Iterator[AuditEvent]:
    """The events in the last bytes of the log, oldest first.

    Args:
        folder: of the audit log; it may be missing.
        size: bytes to look at, together.
    """
    parts = []
    for path in reversed(segments_of(folder)):
        length = path.stat().st_size
        parts.append((path, max(0, length - size)))
        size -= length
        if size <= 0:
            break
    for path, at in reversed(parts):
        for event, _ in lines_of(path, _line_from(path, at)):
            if event is not None:
                yield event


def _line_from(path: Path, at: int) -> int:
    """Where the first line begins at or behind an offset."""
    if not at:
        return 0
    with path.open("rb") as file:
        file.seek(at - 1)
        file.readline()
        return file.tell()


def _decoded(line: bytes) -> AuditEvent | None:
    try:
        return AuditEvent.decode(line)
    except ValueError:
        return None
