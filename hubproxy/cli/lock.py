"""`hubproxy lock`: one set of modules, pinned."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hubproxy.cli.options import HandleType, Output, configured, json_option, note
from hubproxy.config import Config

if TYPE_CHECKING:
    from hubproxy.core.handle import Handle
    from hubproxy.core.lock import Lock


@click.command("lock")
@configured()
@click.argument("handles", nargs=-1, type=HandleType())
@click.option("--from-audit", is_flag=True, help="What the audit log says was served here.")
@click.option(
    "--check",
    "checked",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Compare a lock with what is approved now; write nothing.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File to write, such as models.lock.toml.  [default: standard output]",
)
@json_option
def command(
    config: Config,
    handles: "tuple[Handle, ...]",
    from_audit: bool,
    checked: Path | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Pin HANDLES, or all that was served here, to what is approved for them now: each to its
    record and its archive. A handle without a version is pinned to the latest.

    \b
      hubproxy lock -o models.lock.toml HANDLE...
      hubproxy serve --lock models.lock.toml         serves nothing else
      HUBPROXY_LOCK=models.lock.toml python train.py loads nothing else, by the hook
      hubproxy mirror sync --list models.lock.toml   brings just that

    Exit status: 0 written, or nothing differs; 1 --check found a difference; 2 used wrongly; 3 a
    handle is not approved, and nothing was written.
    """
    from hubproxy.config.mirror import load_lock
    from hubproxy.errors import UsageError
    from hubproxy.files import write_whole
    from hubproxy.wiring import locking

    if sum((bool(handles), from_audit, checked is not None)) != 1:
        raise UsageError(
            "name HANDLES, or --from-audit, or --check FILE: one of them",
            remedy="`hubproxy lock --help` shows each.",
        )
    if checked is not None:
        _check(load_lock(checked), config, Output(as_json))
        return
    wanted = locking.served(config) if from_audit else handles
    lock = locking.locked(config, wanted, str(output or "the lock"))
    text = lock.encode()
    if output is None:
        click.echo(text, nl=False)
    else:
        write_whole(output, text.encode())
        note(f"{output}: {len(lock.modules)} modules")


def _check(lock: "Lock", config: Config, out: Output) -> None:
    from hubproxy.wiring import locking

    differing: Sequence[tuple[str, str]] = locking.differing(config, lock)
    for handle, why in differing:
        out.result({"handle": handle, "reason": why}, text=f"{handle}  {why}")
    note(f"{lock.said}: {len(lock.modules)} modules, {len(differing)} not as approved now")
    if differing:
        raise click.exceptions.Exit(1)
