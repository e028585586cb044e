"""`hubproxy export static`."""

from pathlib import Path

import click

from hubproxy.cli.listed import list_option, read_wants_or_all, tell_choice, tell_export
from hubproxy.cli.options import Output, configured, json_option, note
from hubproxy.config import Config


@click.command("static")
@configured()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@list_option
@click.option(
    "--listen",
    default="8480",
    show_default=True,
    metavar="[HOST:]PORT",
    help="Where the web server is to listen, for its settings.",
)
@click.option(
    "--valid-days",
    "days",
    type=click.IntRange(0, 3650),
    default=0,
    help="How long the list is to be good; 0 for as it is published.",
)
@click.option("--update", is_flag=True, help="Bring an earlier export up to date.")
@click.option("--prune", is_flag=True, help="Remove what is not wanted or approved any more.")
@json_option
def static(
    config: Config,
    folder: Path,
    wanted: Path | None,
    listen: str,
    days: int,
    update: bool,
    prune: bool,
    as_json: bool,
) -> None:
    """Lay the store out in DIR so that a plain web server is a working origin.

    Archives lie at the paths that clients ask for, and the trust list beside them. Settings for
    nginx and Caddy are written to DIR/.hubproxy. Jobs with hubproxy's hook name the server in
    HUBPROXY_URL; another hubproxy can have it as its upstream and as `trust.source`, and verifies
    all of it.

    Exit status: 0 written, 1 without modules that the store has not, 2 something else lies in DIR.
    """
    from hubproxy import wiring
    from hubproxy.wiring.staticsites import export

    wants, lock = read_wants_or_all((), wanted)
    choice = wiring.chosen(config, wants, told=note, lock=lock)
    tell_choice(choice, lock)
    tell_export(config, choice, f"a static mirror, {folder}")
    done = export(
        config,
        folder,
        choice,
        listen=listen,
        days=days,
        update=update,
        prune=prune,
        told=note,
    )
    for one in done.absent:
        note(f"{one.record.handle}: left out, the store has it not: `hubproxy mirror sync` first")
    links, archives = done.pruned
    Output(as_json).result(
        {
            "modules": [one.record.handle for one in done.modules],
            "taken": done.taken,
            "pruned_names": links,
            "pruned_archives": archives,
            "absent": [one.record.handle for one in done.absent],
            "nginx": str(folder / ".hubproxy" / "nginx.conf"),
            "caddy": str(folder / ".hubproxy" / "Caddyfile"),
        },
        text=[
            f"{folder}: {len(done.modules)} modules, {done.taken} of them written now"
            + (f"; {archives} removed" if prune else ""),
            f"  nginx: include {folder}/.hubproxy/nginx.conf;",
            f"  Caddy: caddy run --config {folder}/.hubproxy/Caddyfile",
        ],
    )
    if done.absent:
        raise click.exceptions.Exit(1)
