"""`hubproxy team`: who may call."""

import click

from hubproxy.cli.options import Output, configured, json_option, note
from hubproxy.config import Config


@click.group("team")
def command() -> None:
    """Keep the teams that the audit log knows callers by, and their tokens."""


@command.command("add")
@configured()
@click.argument("name")
@json_option
def add(config: Config, name: str, as_json: bool) -> None:
    """Let team NAME call, and print its token: this once, as only its hash is kept."""
    from hubproxy import wiring
    from hubproxy.core.access import Team
    from hubproxy.errors import UsageError
    from hubproxy.store.teamfile import new_token

    token = new_token()
    try:
        team = Team.of_token(name, token, wiring.now())
    except ValueError as error:
        raise UsageError(str(error), remedy="Run `hubproxy team add NAME` with another.") from None
    file = wiring.team_file(config)
    file.add(team)
    Output(as_json).result(
        {"team": team.name, "token": token, "created": team.created.isoformat()}, text=token
    )
    scheme, _, address = (config.forward.url or "http://HOST:8441").rstrip("/").partition("://")
    note(f"The token of team {team.name} stands above. It is not kept here, so keep it now.")
    note(f"  HTTPS_PROXY={scheme}://{team.name}:TOKEN@{address}")
    note(f"  HUBPROXY_URL=http://{team.name}:TOKEN@HOST:8440")


@command.command("list")
@configured()
@json_option
def list_teams(config: Config, as_json: bool) -> None:
    """List the teams, when each was added, and how the hash of its token begins."""
    from hubproxy import wiring

    file, out = wiring.team_file(config), Output(as_json)
    teams = file.read().teams
    for team in teams:
        created, begins = team.created.isoformat(), team.token_sha256[:8]
        out.result(
            {"team": team.name, "created": created, "hash": begins},
            text=f"{team.name}  {created}  {begins}",
        )
    if not teams:
        note(f"there is no team in {file.path}: `hubproxy team add NAME` adds one")


@command.command("revoke")
@configured()
@click.argument("name")
@json_option
def revoke(config: Config, name: str, as_json: bool) -> None:
    """Refuse the token of team NAME from now on."""
    from hubproxy import wiring

    wiring.team_file(config).revoke(name)
    Output(as_json).result({"revoked": name}, text=f"revoked {name}")
