"""`hubproxy reload`."""

import click

from hubproxy.cli.options import Output, configured, json_option, note
from hubproxy.config import Config


@click.command("reload")
@configured()
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=150.0,
    show_default=True,
    help="Seconds to wait for it.",
)
@json_option
def command(config: Config, timeout: float, as_json: bool) -> None:
    """Have the daemon of this host read the trust list and the CA again, and wait until it has.

    So a revocation is in force when this ends with 0. It is run as the daemon's own user, or root.

    Exit status: 0 what was read is in force, 1 something of it is not: the old one stays.
    """
    from hubproxy import wiring
    from hubproxy.store.reloading import reload

    before, now = reload(wiring.places(config).data, seconds=timeout)
    same = " as before" if now.versions == before.versions else f", before it was {before.versions}"
    Output(as_json).result(
        {"before": before.versions, "now": now.versions, "errors": list(now.errors)},
        text=f"in force: {now.versions}{same}",
    )
    for error in now.errors:
        note(f"hubproxy: {error}")
    if now.errors:
        raise click.exceptions.Exit(1)
