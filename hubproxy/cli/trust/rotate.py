"""Rotation: another key for the same person, another person, another number of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import click

from hubproxy.cli.keys import Hand, key_options
from hubproxy.cli.options import Output, configured, json_option
from hubproxy.cli.trust.decide import decide, draft_option, note_option
from hubproxy.cli.trust.groups import InOrder
from hubproxy.cli.trust.named import Holders, add_holder, checked_name, read_holders
from hubproxy.cli.trust.teams import checked_team
from hubproxy.config import Config
from hubproxy.errors import UsageError

if TYPE_CHECKING:
    from securesystemslib.signer import Signer  # type: ignore[attr-defined]  # no __all__

    from hubproxy.trust.changes import Change, PublicKey


@click.group("rotate", cls=InOrder)
def rotate() -> None:
    """Change who signs: an officer, a team's members, or the online key.

    A key that is lost, stolen, or whose holder leaves is rotated by the others, so a list should
    have more officers than it takes to sign.
    """


@rotate.command("officer")
@configured()
@click.argument("name")
@click.option("--new", metavar="KEY", help="The key that NAME will have; a private one signs too.")
@click.option("--leave", is_flag=True, help="NAME is an officer no longer.")
@key_options
@draft_option
@note_option
@json_option
def officer(
    config: Config,
    name: str,
    new: str | None,
    leave: bool,
    hand: Hand,
    only_draft: bool,
    remark: str,
    as_json: bool,
) -> None:
    """Give officer NAME another key; a new NAME is one officer more.

    As many of the officers until now must sign it as the list demands, and as many of those from
    now on. What the old key alone had signed counts no longer.

    \b
      hubproxy trust rotate officer cy --new cy2.pub --key ada.pem
      hubproxy trust rotate officer dan --new dan.pub      one more
      hubproxy trust rotate officer cy --leave             one less

    Exit status: 0 published, or drafted; 2 used wrongly, or a key that may not sign.
    """
    from hubproxy.trust.changes import Officer

    name = checked_name(name)
    if leave == (new is not None):
        raise UsageError("either a new key, or leave", remedy=f"Say --new {name}.pub, or --leave.")
    signers, found = [] if only_draft else hand.signers(config), Holders()
    if new is not None:
        add_holder(found, name, new, config, hand.secrets, hand.taken(signers))
    change = Officer(name=name, key=_public(found, name))
    done = f"{name} is an officer no longer" if leave else f"officer {name} has a new key"
    signers += [] if only_draft else found.signers
    _decide(config, [change], signers, Output(as_json), done=done, remark=remark)


@rotate.command("team")
@configured()
@click.argument("name")
@click.option(
    "--new",
    "members",
    multiple=True,
    metavar="MEMBER=KEY",
    help="The key that this member will have; a new MEMBER is one more.",
)
@click.option("--leave", "leaving", multiple=True, metavar="MEMBER", help="Is one no longer.")
@key_options
@draft_option
@note_option
@json_option
def team(
    config: Config,
    name: str,
    members: Sequence[str],
    leaving: Sequence[str],
    hand: Hand,
    only_draft: bool,
    remark: str,
    as_json: bool,
) -> None:
    """Give members of team NAME other keys. The officers sign it, and the team with its new keys.

    \b
      hubproxy trust rotate team nlp --new mia=mia2.pub --leave nik

    Exit status: 0 published, or drafted; 2 used wrongly, or a key that may not sign.
    """
    from hubproxy.trust.changes import Member

    checked_team(name)
    if not members and not leaving:
        raise UsageError("nothing is to be rotated", remedy="Say --new MEMBER=KEY, or --leave.")
    signers = [] if only_draft else hand.signers(config)
    found = read_holders(members, config, hand.secrets, first=hand.taken(signers))
    changes = [Member(team=name, name=one, key=_public(found, one)) for one in found.keys]
    changes += [Member(team=name, name=checked_name(one)) for one in leaving]
    done = f"team {name} has new keys"
    signers += [] if only_draft else found.signers
    _decide(config, changes, signers, Output(as_json), done=done, remark=remark)


@rotate.command("online")
@configured()
@click.option(
    "--role",
    type=click.Choice(["snapshot", "timestamp"]),
    help="Only this role's key. [default: a new key for each]",
)
@key_options
@draft_option
@note_option
@json_option
def online(
    config: Config,
    role: Literal["snapshot", "timestamp"] | None,
    hand: Hand,
    only_draft: bool,
    remark: str,
    as_json: bool,
) -> None:
    """Make new online keys on this host: they sign snapshot and timestamp, unattended.

    The officers sign them. The old ones are removed when it is published.

    Exit status: 0 published, or drafted; 2 a key that may not sign.
    """
    from hubproxy import wiring
    from hubproxy.trust.changes import Online, PublicKey

    signers = [] if only_draft else hand.signers(config)
    both: tuple[Literal["snapshot", "timestamp"], ...] = ("snapshot", "timestamp")
    changes = [
        Online(role=one, key=PublicKey.of(wiring.new_online_key(config).public_key))
        for one in ([role] if role else both)
    ]
    done = f"new online keys sign {' and '.join(one.role for one in changes)}"
    _decide(config, changes, signers, Output(as_json), done=done, remark=remark)


@click.command("threshold")
@configured()
@click.argument("number", type=click.IntRange(min=1))
@click.option("--role", help="Of this team. [default: of the officers, for root and targets]")
@key_options
@draft_option
@note_option
@json_option
def threshold(
    config: Config,
    number: int,
    role: str | None,
    hand: Hand,
    only_draft: bool,
    remark: str,
    as_json: bool,
) -> None:
    """Set how many must sign.

    \b
      hubproxy trust threshold 2
      hubproxy trust threshold 2 --role nlp

    Exit status: 0 published, or drafted; 2 more than there are, or a key that may not sign.
    """
    from hubproxy.trust.changes import Threshold

    roles = [checked_team(role)] if role else ["root", "targets"]
    changes = [Threshold(role=role, number=number) for role in roles]
    done = f"{' and '.join(roles)} must be signed by {number}"
    signers = [] if only_draft else hand.signers(config)
    _decide(config, changes, signers, Output(as_json), done=done, remark=remark)


def _public(found: Holders, name: str) -> "PublicKey | None":
    from hubproxy.trust.changes import PublicKey

    return PublicKey.of(found.keys[name], name) if name in found.keys else None


def _decide(
    config: Config,
    changes: "Sequence[Change]",
    signers: "Sequence[Signer]",
    out: Output,
    *,
    done: str,
    remark: str,
) -> None:
    from hubproxy.trust.contents import Contents

    decide(
        config,
        changes,
        Contents(),
        signers,
        out,
        fields={"rotated": done},
        done=done,
        remark=remark,
    )
