"""`hubproxy env`."""

import os
from pathlib import Path
from typing import get_args

import click

from hubproxy.cli.options import note, printable
from hubproxy.cli.pointing import asking, credentials_of, find, settings_of, way_option
from hubproxy.pointing.shells import Shell
from hubproxy.pointing.variables import Way


@click.command("env")
@click.option(
    "--shell",
    type=click.Choice(get_args(Shell)),
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
@asking
def command(
    shell: Shell,
    way: Way,
    ca_file: Path | None,
    ca_path: str | None,
    url: str | None,
    config_file: Path | None,
    team: str | None,
    token_file: Path | None,
) -> None:
    r"""Print the variables that point a job at the daemon.

    \b
      eval "$(hubproxy env)"                            sh, bash, zsh
      hubproxy env --shell fish | source
      hubproxy env --shell docker > hubproxy.env        docker run --env-file hubproxy.env ...

    The system's CAs and hubproxy's go into one file, which the variables name. What is in the way
    is told on standard error.
    """
    from hubproxy.pointing.ask import ask
    from hubproxy.pointing.point import Wanted, point

    place = find(url, settings_of(config_file))
    credentials = credentials_of(place, team, token_file)
    wanted = Wanted(way, credentials=credentials, ca_file=ca_file, ca_path=ca_path)
    pointed = point(ask(place), wanted, os.environ, shell=shell)
    for warning in pointed.warnings:
        note(printable(f"hubproxy: warning: {warning.what}"))
        note(printable(f"  {warning.fix}"))
    click.echo(pointed.text, nl=False)
