"""`hubproxy bundle`: carry approved modules over an air gap."""

import click

from hubproxy.cli.bundle.create import create, inventory
from hubproxy.cli.bundle.receive import import_, show, verify


@click.group("bundle")
def command() -> None:
    """Carry approved modules over an air gap, with all that proves them.

    \b
      inside   hubproxy bundle inventory -o site.inventory
      outside  hubproxy bundle create /media/stick --since site.inventory
      inside   hubproxy bundle import /media/stick
    """


for _one in (inventory, create, verify, show, import_):
    command.add_command(_one)
