"""Renewal: the same list, for longer."""

from collections.abc import Sequence

import click

from hubproxy.cli.keys import Hand, key_options
from hubproxy.cli.options import Output, configured, json_option, note
from hubproxy.cli.trust.decide import decide, draft_option
from hubproxy.config import Config

_WARN_DAYS = 30


@click.command("renew")
@configured()
@click.option("--all", "every", is_flag=True, help="What the officers sign too, targets and root.")
@click.option("--role", "roles", multiple=True, help="root, targets, or a team: this role too.")
@key_options
@draft_option
@json_option
def renew(
    config: Config,
    every: bool,
    roles: Sequence[str],
    hand: Hand,
    only_draft: bool,
    as_json: bool,
) -> None:
    """Sign the list anew, so that it does not expire.

    The online key renews snapshot and timestamp, for a timer. Approvals renew the role that they
    are in; where none is made for long, officers renew targets and root with --all, and a
    team its own role with --role.

    \b
      hubproxy trust renew
      hubproxy trust renew --all --key ada.pem
      hubproxy trust renew --role nlp --key mia.pem

    Exit status: 0 renewed, or drafted; 2 a key that may not sign.
    """
    from hubproxy import wiring
    from hubproxy.trust.changes import Renew
    from hubproxy.trust.contents import Contents
    from hubproxy.trust.proposing import due

    repository, out = wiring.repository(config), Output(as_json)
    wanted = list(dict.fromkeys(roles))
    if every:
        ours = [
            change.role
            for change in due(repository.in_force(), wiring.now())
            if change.role in ("root", "targets")
        ]
        wanted = list(dict.fromkeys([*wanted, "targets", *ours]))
    if wanted:
        signers = [] if only_draft else hand.signers(config)
        changes = [Renew(role=role) for role in wanted]
        decide(
            config, changes, Contents(), signers, out, fields={"renewing": wanted}, done="renewed"
        )
    else:
        versions = repository.renew(online=wiring.online_signers(config))
        out.result({"renewed": str(versions)}, text=f"renewed ({versions})")
    for role in repository.status():
        left = (role.expires - wiring.now()).days
        if role.name not in ("snapshot", "timestamp") and left < _WARN_DAYS:
            team = "--all" if role.name in ("root", "targets") else f"--role {role.name}"
            note(f"{role.name} expires in {left} days: `hubproxy trust renew {team}` renews it")
