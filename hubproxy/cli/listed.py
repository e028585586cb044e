"""What several commands take to choose modules: handles, or a mirror list."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hubproxy.cli.options import note

if TYPE_CHECKING:
    from hubproxy.config import Config
    from hubproxy.core.handle import Handle
    from hubproxy.core.lock import Lock
    from hubproxy.core.mirrorlist import Want
    from hubproxy.wiring.choosing import Choice

DEFAULT_LIST = Path("/etc/hubproxy/mirror.toml")

list_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--list",
    "wanted",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"What is wanted: as in config/mirror.toml, or a lock.  [default: {DEFAULT_LIST}]",
)


def read_wants(
    handles: "Sequence[Handle]", file: Path | None
) -> "tuple[tuple[Want, ...], Lock | None]":
    """What was named on the command line, or else in a mirror list; or in a lock, with that.

    Raises:
        UsageError: nothing is named, or both.
    """
    from hubproxy.config.mirror import load_mirror
    from hubproxy.core.mirrorlist import Want
    from hubproxy.errors import UsageError

    if handles and file is not None:
        raise UsageError("both HANDLES and --list are given", remedy="Name one of the two.")
    if handles:
        return (Want(modules=tuple(map(str, handles))),), None
    if file is None and not DEFAULT_LIST.exists():
        raise UsageError(
            f"nothing is wanted: no HANDLE is named, and there is no {DEFAULT_LIST}",
            remedy="Name handles, or a list with --list; config/mirror.toml is an example.",
        )
    return load_mirror(file or DEFAULT_LIST)


def read_wants_or_all(
    handles: "Sequence[Handle]", file: Path | None
) -> "tuple[tuple[Want, ...], Lock | None]":
    """The same; all that is approved, where nothing is named.

    Raises:
        UsageError: both handles and a list are given.
    """
    from hubproxy.core.mirrorlist import EVERYTHING

    if not handles and file is None and not DEFAULT_LIST.exists():
        return (EVERYTHING,), None
    return read_wants(handles, file)


def tell_choice(choice: "Choice", lock: "Lock | None") -> None:
    """Say what of a wanted set is left out, and why.

    Raises:
        DeniedError: it is a lock, and not all of it can be had as it was locked.
    """
    from hubproxy.errors import DeniedError

    if lock is not None and (choice.denied or choice.unmatched):
        why = [*(f"{name} is not approved" for name in choice.unmatched)]
        why += [reason for _, reason in choice.denied]
        raise DeniedError(
            "LOCK_DIFFERS",
            403,
            f"not all of {lock.said} can be had: {'; '.join(why)}",
            remedy="Look at what has changed, and lock the set anew: `hubproxy lock`.",
        )
    for name in choice.unmatched:
        note(f"{name}: nothing of that name is approved on the trust list")
    for listed, reason in choice.denied:
        note(f"{listed.exact} ({listed.format}): {reason}")
    for one in choice.too_large:
        note(f"{one.record.handle}: left out, its archive has {one.record.archive.size:,} bytes")


def tell_export(config: "Config", choice: "Choice", where: str) -> None:
    """Put on record, before any of it is written, what is given out past the daemon.

    Raises:
        AuditUnavailableError: it cannot be recorded, so it must not be given out.
    """
    from hubproxy import wiring

    handles = sorted({one.record.handle for one in choice.modules})
    some = ", ".join(handles[:20]) + (f" and {len(handles) - 20} more" if handles[20:] else "")
    wiring.append_decision(config, f"to {where}: {some or 'no module'}", kind="export")
