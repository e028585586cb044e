"""Bars for transfers: on standard error, and only for a person at a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hubproxy.core.handle import Handle

Moved = Callable[[Handle, int, int | None], None]


@contextmanager
def transfer_bars() -> Iterator[Moved]:
    """What a transfer is to tell of its progress: handle, bytes so far, bytes in all."""
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

        def moved(handle: Handle, taken: int, total: int | None) -> None:
            if handle not in bars:
                bars[handle] = progress.add_task(str(handle), total=total)
            progress.update(bars[handle], completed=taken, total=total)

        yield moved
