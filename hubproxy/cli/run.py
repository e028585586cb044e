"""`hubproxy run`."""

import os
import signal
import sys

import click

from hubproxy.cli.options import note
from hubproxy.cli.pointing import Asked, asking, warn, way_option
from hubproxy.pointing.ways import Way


@click.command("run", context_settings={"allow_interspersed_args": False})
@way_option
@asking()
@click.argument(
    "command_line", metavar="-- CMD...", nargs=-1, required=True, type=click.UNPROCESSED
)
def command(asked: Asked, command_line: tuple[str, ...], way: Way) -> None:
    r"""Run CMD pointed at the daemon: with the variables that `hubproxy env` prints.

    \b
      hubproxy run -- python train.py

    CMD takes this process's place, so signals reach it, and the exit status is its own; 127 if
    there is no such command, 126 if it cannot be run.
    """
    from hubproxy.pointing.ask import ask
    from hubproxy.pointing.point import Wanted, point

    pointed = point(ask(asked.place), Wanted(way, credentials=asked.credentials), os.environ)
    for warning in pointed.warnings:
        warn(warning.what, warning.fix)
    sys.stderr.flush()
    _become(command_line, pointed.variables.over(os.environ))


def _become(command_line: tuple[str, ...], environ: dict[str, str]) -> None:
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and it is inherited
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(command_line[0], command_line, environ)  # noqa: S606  # no shell is wanted
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        why = "no such command" if missing and "/" not in command_line[0] else error.strerror
        note(f"hubproxy: cannot run {command_line[0]}: {why}")
        sys.exit(127 if missing else 126)
