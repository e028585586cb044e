"""`hubproxy config`: what is set, and whether it can be."""

import click

from hubproxy.cli.options import configured
from hubproxy.config import Config


@click.group("config")
def command() -> None:
    """Check and show the settings."""


@command.command("check")
@configured()
def check(config: Config) -> None:
    """Read the settings from file, environment and flags, and say what is wrong with them."""
    hubs = ", ".join(hub.host for hub in config.hubs)
    print(f"the settings are good: mode {config.trust.mode}, hubs {hubs}, data {config.data}")


@command.command("show")
@configured()
def show(config: Config) -> None:
    """Print the settings in force as JSON, whatever they come from."""
    import msgspec

    print(msgspec.json.format(msgspec.json.encode(config)).decode())
