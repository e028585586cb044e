"""Teams: who may list modules below some patterns, without the officers."""

from collections.abc import Sequence

import click

from hubproxy.cli.keys import Hand, key_options
from hubproxy.cli.options import Output, configured, json_option
from hubproxy.cli.trust.decide import decide, draft_option, note_option
from hubproxy.cli.trust.named import read_holders
from hubproxy.config import Config


@click.command("delegate")
@configured()
@click.argument("name")
@click.option(
    "--path",
    "paths",
    multiple=True,
    required=True,
    metavar="PATTERN",
    help="What it may list; `*` is any text within one segment. One for each depth.",
)
@click.option(
    "--member",
    "members",
    multiple=True,
    required=True,
    metavar="NAME=KEY",
    help="Who may sign for it: a private key signs at once, of a .pub file he signs later.",
)
@click.option(
    "--threshold",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many of them must sign.",
)
@key_options
@draft_option
@note_option
@json_option
def delegate(
    config: Config,
    name: str,
    paths: Sequence[str],
    members: Sequence[str],
    threshold: int,
    hand: Hand,
    only_draft: bool,
    remark: str,
    as_json: bool,
) -> None:
    """Let team NAME list the modules that the patterns match; of a team that exists, anew.

    The officers sign it, and the team: its own signature shows that its key is at hand. After
    that its members approve, revoke and renew below their patterns alone. What the officers list
    or revoke themselves goes before.

    \b
      hubproxy trust delegate nlp --path 'tfhub.dev/google/*/*/*' \\
          --path 'kaggle.com/google/*/*/*/*/*' --member mia=mia.pub

    A pattern covers what a module is and its format, tfhub.dev/PUBLISHER/MODULE/VERSION/FORMAT or
    kaggle.com/OWNER/MODEL/FRAMEWORK/VARIATION/VERSION/FORMAT.

    Exit status: 0 published, or drafted; 2 used wrongly, or a key that may not sign.
    """
    from hubproxy.trust.changes import Delegate, named_keys
    from hubproxy.trust.contents import Contents

    team = checked_team(name)
    signers = [] if only_draft else hand.signers(config)
    found = read_holders(members, config, hand.secrets, first=hand.taken(signers))
    change = Delegate(
        team=team,
        patterns=tuple(paths),
        keys=named_keys(found.keys),
        threshold=threshold,
    )
    decide(
        config,
        [change],
        Contents(),
        [] if only_draft else [*signers, *found.signers],
        Output(as_json),
        fields={"delegated": team},
        done=f"team {team} may list {', '.join(paths)}",
        remark=remark,
    )


@click.command("undelegate")
@configured()
@click.argument("name")
@key_options
@draft_option
@note_option
@json_option
def undelegate(
    config: Config, name: str, hand: Hand, only_draft: bool, remark: str, as_json: bool
) -> None:
    """Trust team NAME no longer, and nothing that it lists.

    \b
      hubproxy trust undelegate nlp --key ada.pem

    For one member whose key was stolen or who left: `hubproxy trust rotate team`.

    Exit status: 0 published, or drafted; 2 there is no such team, or a key that may not sign.
    """
    from hubproxy.trust.changes import Undelegate
    from hubproxy.trust.contents import Contents

    team = checked_team(name)
    decide(
        config,
        [Undelegate(team=team)],
        Contents(),
        [] if only_draft else hand.signers(config),
        Output(as_json),
        fields={"undelegated": team},
        done=f"team {team} is trusted no longer",
        remark=remark,
    )


def checked_team(text: str) -> str:
    """A team's name.

    Raises:
        UsageError: a path, one of the list's own roles, or no plain word.
    """
    from hubproxy.errors import UsageError
    from hubproxy.trust.changes import team_name

    try:
        return team_name(text)
    except ValueError as error:
        raise UsageError(str(error), remedy="Take a plain word, such as `nlp`.") from None
