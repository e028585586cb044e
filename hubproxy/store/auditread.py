"""Reading the audit log beside its writer, without a lock and in little memory."""

import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from hubproxy import logs
from hubproxy.core.audit import LONGEST_LINE, AuditEvent

_SEGMENT = re.compile(r"[0-9]{8}\.jsonl")
_BLOCK = 1024 * 1024


def read(
    folder: Path,
    *,
    last: int | None = None,
    follow: bool = False,
    having: Sequence[str] = (),
    pause: Callable[[], object] = lambda: time.sleep(0.2),
) -> Iterator[AuditEvent]:
    """Every event, oldest first.

    A torn last line is not yet an event; a line that is none is passed over and logged.

    Args:
        folder: of the audit log; it may be missing.
        last: begin so many events before the end.
        follow: at the end, wait for more.
        having: give only events whose line has one of these texts in it, and pass over the others
            unread: a long log is searched several times as fast. Empty for every event.
        pause: called to wait; what it raises ends the iteration.
    """
    wanted = [text.encode() for text in having]
    number, skip = (0, 0) if last is None else _begin_of_last(folder, last)
    at = 0
    while True:
        # A later segment that is seen before reading: then this one has had its last line.
        paths = [path for path in segments_of(folder) if int(path.stem) >= number]
        for path in paths[:1]:
            if int(path.stem) != number:
                number, at = int(path.stem), 0
            # Shorter than before: a failed write was cut off, and new lines begin there.
            at = min(at, path.stat().st_size)
            for event, end in lines_of(path, at, wanted):
                at = end
                if skip:
                    skip -= 1
                elif event is not None:
                    yield event
        if len(paths) > 1:
            number, at = int(paths[1].stem), 0
        elif follow:
            pause()
        else:
            return


def segments_of(folder: Path) -> list[Path]:
    """The segments, oldest first; none when there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _SEGMENT.fullmatch(path.name))


def lines_of(
    path: Path, at: int, having: Sequence[bytes] = ()
) -> Iterator[tuple[AuditEvent | None, int]]:
    """Each whole line from offset `at` on, None when it is no event; and the offset behind it.

    A line that has none of the texts in `having`, if there are any, counts as no event.
    """
    with path.open("rb") as file:
        file.seek(at)
        while (line := _whole_line(file.readline)) is not None:
            end = file.tell()
            event = None
            try:
                if not having or any(text in line for text in having):
                    event = AuditEvent.decode(line)
            except ValueError:
                logs.event("audit.unreadable", logging.WARNING, segment=path.name, offset=at)
            yield event, end
            at = end


def _whole_line(readline: Callable[[int], bytes]) -> bytes | None:
    """The next line (only its beginning when no event is that long), None when it is torn."""
    line = part = readline(LONGEST_LINE)
    while part and not part.endswith(b"\n"):
        part = readline(LONGEST_LINE)
    return line if part else None


def _begin_of_last(folder: Path, last: int) -> tuple[int, int]:
    """The segment in which the last so many lines begin, and the lines in it before them."""
    number = 0
    for path in reversed(segments_of(folder)):
        number, lines = int(path.stem), _count_lines(path)
        if lines >= last:
            return number, lines - last
        last -= lines
    return number, 0


def _count_lines(path: Path) -> int:
    lines = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            lines += block.count(b"\n")
    return lines
