"""`hubproxy config`: what is set, and whether it can be."""

import click

from hubproxy.cli.options import configured, note
from hubproxy.config import Config


@click.group("config")
def command() -> None:
    """Check and show the settings."""


@command.command("check")
@configured()
def check(config: Config) -> None:
    """Read the settings from file, environment and flags, and say what is wrong with them.

    Where a trust list is at hand, also what of them is laxer than the officers' policy, and what
    holds instead.

    Exit status: 0 good, 1 something is wrong, or laxer.
    """
    from hubproxy import wiring
    from hubproxy.core.policy import laxer
    from hubproxy.errors import TrustListError

    try:
        policy = wiring.list_at_hand(config).policy
    except TrustListError as error:
        note(f"not compared with the officers' policy: {error.code}: {error}")
        found: list[str] = []
    else:
        size = config.limits.unpacked_bytes
        found = laxer(policy, mode=config.trust.mode, largest_module=size)
    for text in found:
        print(text)
    if found:
        raise click.exceptions.Exit(1)
    hubs = ", ".join(hub.host for hub in config.hubs)
    print(f"the settings are good: mode {config.trust.mode}, hubs {hubs}, data {config.data}")


@command.command("show")
@configured()
def show(config: Config) -> None:
    """Print the settings in force as JSON, whatever they come from."""
    import msgspec

    print(msgspec.json.format(msgspec.json.encode(config)).decode())
