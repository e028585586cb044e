"""`hubproxy trust policy`: what the officers demand of every module and every site."""

from pathlib import Path

import click

from hubproxy.cli.options import configured, note
from hubproxy.config import Config
from hubproxy.core.policy import Policy


@click.group("policy")
def command() -> None:
    """The officers' policy: what every module must meet, and no site may undercut."""


@command.command("show")
@configured()
def show(config: Config) -> None:
    """Print the policy in force as JSON, with every field that it leaves at its default."""
    from hubproxy import wiring

    snapshot = wiring.list_at_hand(config)
    if snapshot.policy == Policy():
        note("the officers have published no policy, or an empty one: this holds")
    print(_pretty(snapshot.policy))


@command.command("check")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def check(file: Path) -> None:
    """Read a policy from FILE, and print it as it would be signed; or say what is wrong with it.

    Exit status: 0 a policy, 1 none.
    """
    from hubproxy.errors import ConfigError, UsageError
    from hubproxy.trust.evidence import check_rule

    try:
        policy = Policy.decode(file.read_bytes())
        for rule in policy.evidence:
            check_rule(rule)
    except (ValueError, UsageError) as error:
        raise ConfigError(
            f"{file}: {error}", remedy="See `hubproxy trust policy show` for every field."
        ) from error
    print(_pretty(policy))


def _pretty(policy: Policy) -> str:
    import msgspec

    return msgspec.json.format(policy.encode()).decode()
