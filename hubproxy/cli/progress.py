"""Bars for transfers: on standard error, and only for a person at a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hubproxy.core.handle import Handle

Moved = Callable[[Handle, int, int | None], None]


@contextmanager
def transfer_bars(total: int | None = None) -> Iterator[Moved]:
    """What a transfer is to tell of its progress: handle, bytes so far, bytes in all.

    Args:
        total: bytes of all transfers together, for a bar of them all; None for no such bar.
    """
    if not sys.stderr.isatty():
        yield lambda _handle, _taken, _total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bars: dict[Handle, TaskID] = {}
        seen: dict[Handle, int] = {}
        whole = None if total is None else progress.add_task("total", total=total)

        def moved(handle: Handle, taken: int, size: int | None) -> None:
            if handle not in bars:
                bars[handle] = progress.add_task(str(handle), total=size)
            progress.update(bars[handle], completed=taken, total=size)
            if whole is None:
                return
            progress.advance(whole, taken - seen.get(handle, 0))
            seen[handle] = taken
            if taken == size:  # of many transfers, those under way are shown
                progress.remove_task(bars.pop(handle))

        yield moved
