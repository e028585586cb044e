"""How a running daemon is told to read again what may have changed, and what came of it.

The daemon that owns a data folder writes there what it has in force: once it minds SIGHUP, and
after each time that it has read again. Whoever takes the folder over sweeps that away, so
the file is of the process that holds the lock, or there is none.
"""

import os
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import msgspec

from hubproxy.errors import HubproxyError
from hubproxy.files import write_whole
from hubproxy.store.folder import IN_FORCE, owner_of

_LOOK_EVERY = 50
"""Milliseconds between two looks; the end of the daemon is seen at once."""


class ReloadError(HubproxyError):
    """The daemon did not read again, or what it read cannot be used."""

    code = "RELOAD"
    status = 503


class InForce(msgspec.Struct, frozen=True, kw_only=True):
    """What a daemon has in force.

    Args:
        begun: when it began to read, in seconds of the host's monotonic clock: the same for every
            process until the next boot.
        versions: of the trust list.
        url: where it answers, as jobs are told it.
        errors: why not all that it read came into force: `HP-T09: ...`.
    """

    begun: float
    versions: str
    url: str = ""
    errors: tuple[str, ...] = ()

    def write(self, data: Path) -> None:
        """Let `reload` know.

        Raises:
            OSError: it cannot be written.
        """
        write_whole(_place(data), msgspec.json.encode(self), mode=0o600)


def reload(
    data: Path, *, seconds: float, clock: Callable[[], float] = monotonic
) -> tuple[InForce, InForce]:
    """Have the daemon that owns a data folder read again, and wait until it has.

    Args:
        data: the data folder.
        seconds: to wait for at most.

    Returns:
        What it had in force before, and what it has now.

    Raises:
        ReloadError: no daemon owns the folder, it ended meanwhile, or it did not get done.
    """
    with _daemon(data) as descriptor:
        before, asked = in_force(data), clock()
        if before is None:
            raise ReloadError(
                f"the process that owns {data} is no daemon, or has not begun to serve yet",
                remedy="Try again in a moment; `hubproxy serve` prints its address once it serves.",
            )
        signal.pidfd_send_signal(descriptor, signal.SIGHUP)
        ended = select.poll()
        ended.register(descriptor, select.POLLIN)
        while clock() < asked + seconds:
            if ended.poll(_LOOK_EVERY):
                raise ReloadError("the daemon has ended meanwhile", remedy="Look at its log.")
            now = in_force(data)
            # What it began before it was asked may have missed what changed since.
            if now is not None and now.begun >= asked:
                return before, now
    raise ReloadError(
        f"the daemon has not read the list again within {seconds:.0f} seconds",
        remedy="It goes on trying: look at its log, and at `trust.source`.",
    )


@contextmanager
def _daemon(data: Path) -> Iterator[int]:
    """A descriptor of the process that owns a data folder: it names no other one later."""
    pid = owner_of(data)
    try:
        descriptor = os.pidfd_open(pid) if pid is not None else -1
    except ProcessLookupError:
        descriptor = -1
    try:
        # Looked at again: it may have ended, and its number be another's, before it was opened.
        if descriptor < 0 or owner_of(data) != pid:
            raise ReloadError(
                f"no daemon runs with the data folder {data}",
                remedy="Start it with `hubproxy serve`, or name its folder with --data.",
            )
        yield descriptor
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def in_force(data: Path) -> InForce | None:
    """What the daemon that owned a data folder last said of itself; it may have ended since."""
    try:
        return msgspec.json.decode(_place(data).read_bytes(), type=InForce)
    except (OSError, msgspec.MsgspecError):
        return None


def _place(data: Path) -> Path:
    return data / IN_FORCE
