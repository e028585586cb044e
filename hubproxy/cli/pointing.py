"""What the commands that point a job at a daemon take, and how they find it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hubproxy.config import Config, load
from hubproxy.errors import UsageError
from hubproxy.pointing.ask import Credentials, Place, place_of, place_of_listen

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
_OPTIONS: tuple[_Decorator, ...] = (
    click.option("--url", help="The daemon. [default: $HUBPROXY_URL, else this host's settings]"),
    click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Settings file, where the daemon is this host's. [default: $HUBPROXY_CONFIG, "
        "/etc/hubproxy/hubproxy.toml]",
    ),
    click.option("--team", envvar="HUBPROXY_TEAM", help="Whose token it is. [$HUBPROXY_TEAM]"),
    click.option(
        "--token-file",
        envvar="HUBPROXY_TOKEN_FILE",
        type=click.Path(path_type=Path, dir_okay=False),
        help="File with the team's token. [$HUBPROXY_TOKEN_FILE]",
    ),
)

way_option = click.option(
    "--way",
    type=click.Choice(["proxy", "hook"]),
    default="proxy",
    show_default=True,
    help="proxy: any client, no code change; hook: where hubproxy's hook is installed.",
)


def asking(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options by which a daemon is found and a team is named."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def find(url: str | None, settings: Callable[[], Config]) -> Place:
    """Where to ask: the flag, else `HUBPROXY_URL`, else the settings.

    Args:
        url: the flag.
        settings: gives this host's settings; called only when they are needed.

    Raises:
        UsageError: the address is none, or the settings leave the port to the system.
        ConfigError: the settings are needed, and cannot be read.
    """
    named = url or os.environ.get("HUBPROXY_URL", "").strip()
    if named:
        return place_of(named)
    listen = settings().server.listen
    if listen.endswith(":0"):
        raise UsageError(
            "the settings leave the daemon's port to the system", remedy="Name it with --url URL."
        )
    return place_of_listen(listen)


def settings_of(config_file: Path | None) -> Callable[[], Config]:
    """Reads this host's settings when it is asked."""
    return lambda: load(config_file, os.environ)


def credentials_of(place: Place, team: str | None, token_file: Path | None) -> Credentials | None:
    """A team and its token: from the flags, else from the address.

    Raises:
        UsageError: there is only one of the two, or the token cannot be read.
    """
    if team is None and token_file is None:
        return place.credentials
    if team is None or token_file is None:
        raise UsageError(
            "a team and its token go together",
            remedy="Give both --team NAME and --token-file FILE.",
        )
    try:
        token = token_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"the token cannot be read: {token_file}: {why}") from error
    if not token or len(token.split()) > 1:
        raise UsageError(f"{token_file} does not hold one token, and nothing else")
    return Credentials(team, token)
