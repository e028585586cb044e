"""`hubproxy env`."""

import os
from pathlib import Path

import click

from hubproxy.cli.pointing import Asked, asking, warn, way_option
from hubproxy.pointing.ways import SHELLS, Shell, Way


@click.command("env")
@click.option(
    "--shell",
    type=click.Choice(SHELLS),
    default="bash",
    show_default=True,
    help="How to write them; bash is also for sh and zsh.",
)
@way_option
@click.option(
    "--ca",
    "ca_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write the CA bundle. [default: in $XDG_CACHE_HOME/hubproxy]",
)
@click.option("--ca-path", help="Where the job finds the bundle, if that is elsewhere.")
@asking()
def command(
    asked: Asked, shell: Shell, way: Way, ca_file: Path | None, ca_path: str | None
) -> None:
    r"""Print the variables that point a job at the daemon.

    \b
      eval "$(hubproxy env)"                            sh, bash, zsh
      hubproxy env --shell fish | source
      hubproxy env --shell docker > hubproxy.env        docker run --env-file hubproxy.env ...

    The system's CAs and hubproxy's go into one file, which the variables name. What is in the
    way is told on standard error.
    """
    from hubproxy.pointing.ask import ask
    from hubproxy.pointing.point import Wanted, point

    wanted = Wanted(way, credentials=asked.credentials, ca_file=ca_file, ca_path=ca_path)
    pointed = point(ask(asked.place), wanted, os.environ, shell=shell)
    for warning in pointed.warnings:
        warn(warning.what, warning.fix)
    click.echo(pointed.text, nl=False)
