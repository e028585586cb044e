"""What the commands that point a job at a daemon take, and how they find it."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any

import click

from hubproxy.cli.options import note
from hubproxy.config import Config, load
from hubproxy.errors import ConfigError, UsageError
from hubproxy.pointing.place import (
    Credentials,
    Place,
    parse_fingerprint,
    place_of,
    place_of_listen,
)

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
_FILE = click.Path(path_type=Path, dir_okay=False)
_OPTIONS: tuple[_Decorator, ...] = (
    click.option("--url", help="The daemon. [default: $HUBPROXY_URL, else this host's settings]"),
    click.option(
        "--config",
        "config_file",
        type=_FILE,
        help="Settings file, where the daemon is this host's. [default: $HUBPROXY_CONFIG, "
        "/etc/hubproxy/hubproxy.toml]",
    ),
    click.option(
        "--ca-sha256",
        envvar="HUBPROXY_CA_SHA256",
        help="What `hubproxy ca show` prints: trust no other CA. [$HUBPROXY_CA_SHA256]",
    ),
    click.option("--team", envvar="HUBPROXY_TEAM", help="Whose token it is. [$HUBPROXY_TEAM]"),
    click.option(
        "--token-file",
        envvar="HUBPROXY_TOKEN_FILE",
        type=_FILE,
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


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked, and by whom.

    Args:
        place: where the daemon is.
        credentials: of a team, where there are some.
        config: this host's settings, or what is wrong with them; None where nobody needs them.
    """

    place: Place
    credentials: Credentials | None
    config: Config | ConfigError | None


def asking(*, all_settings: bool = False) -> _Decorator:
    """Give a command the options by which a daemon is found and a team is named.

    Its first argument is then what they come to, an `Asked`.

    Args:
        all_settings: whether this host's settings are read even if the daemon is named, and are
            no reason to stop if they cannot be.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def wrapped(
            url: str | None,
            config_file: Path | None,
            ca_sha256: str | None,
            team: str | None,
            token_file: Path | None,
            **given: Any,
        ) -> Any:
            named = url or os.environ.get("HUBPROXY_URL", "").strip()
            config = _settings(config_file, all_settings) if all_settings or not named else None
            place = _place(named, config if isinstance(config, Config) else Config())
            if ca_sha256:
                place = replace(place, ca_sha256=parse_fingerprint(ca_sha256))
            return function(Asked(place, _credentials(place, team, token_file), config), **given)

        decorated: Callable[..., Any] = wrapped
        for option in reversed(_OPTIONS):
            decorated = option(decorated)
        return decorated

    return decorate


def warn(what: str, fix: str) -> None:
    """Tell the person at the terminal of something that is in the way."""
    note(f"hubproxy: warning: {what}")
    note(f"  {fix}")


def _settings(config_file: Path | None, forgiving: bool) -> Config | ConfigError:
    try:
        return load(config_file, os.environ)
    except ConfigError as error:
        if not forgiving:
            raise
        return error


def _place(named: str, config: Config) -> Place:
    if named:
        return place_of(named)
    listen = config.server.listen
    if listen.endswith(":0"):
        raise UsageError(
            "the settings leave the daemon's port to the system", remedy="Name it with --url URL."
        )
    return place_of_listen(listen)


def _credentials(place: Place, team: str | None, token_file: Path | None) -> Credentials | None:
    """A team and its token: from the options, else from the address."""
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
