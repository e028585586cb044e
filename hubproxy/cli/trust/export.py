"""The list as a folder that can be carried."""

from pathlib import Path

import click

from hubproxy.cli.options import Output, configured, json_option, note
from hubproxy.config import Config


@click.command("export")
@configured()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--valid-days",
    "days",
    type=click.IntRange(1, 3650),
    default=90,
    show_default=True,
    help="How long it is to be good.",
)
@json_option
def export(config: Config, folder: Path, days: int, as_json: bool) -> None:
    """Write the whole list to DIR, signed for as long as an air gap takes.

    On the host that has the list's online key. DIR is a published folder: `trust.source` may name
    it, `hubproxy bundle create --trust DIR` carries it, and any web server can serve it.

    Exit status: 0 written, 2 DIR is not empty, or the key is not here.
    """
    from hubproxy.wiring.carrying import export_list

    expires = export_list(config, folder, days=days, told=note)
    Output(as_json).result(
        {"folder": str(folder), "valid_until": expires.isoformat()},
        text=f"{folder}: the list, good until {expires:%Y-%m-%d}",
    )
