"""`hubproxy export`: what needs no daemon."""

import click

from hubproxy.cli.export.cachetree import cache_tree
from hubproxy.cli.export.static import static


@click.group("export")
def command() -> None:
    """Lay the store out for those who run no daemon."""


command.add_command(cache_tree)
command.add_command(static)
