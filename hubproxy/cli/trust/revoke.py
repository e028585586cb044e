"""Revocation."""

import click

from hubproxy.cli.keys import Hand, key_options
from hubproxy.cli.options import Output, configured, json_option, note
from hubproxy.cli.trust.decide import decide, draft_option, note_option
from hubproxy.config import Config
from hubproxy.core.digest import Digest
from hubproxy.core.handle import Handle


@click.command("revoke")
@configured()
@click.argument("wanted", metavar="HANDLE|DIGEST")
@click.option("--reason", required=True, help="Why: clients are told.")
@click.option(
    "--role",
    default="targets",
    show_default=True,
    help="Of this team what it lists; of `targets`, the officers' own, whatever anybody lists.",
)
@key_options
@draft_option
@note_option
@json_option
def revoke(
    config: Config,
    wanted: str,
    reason: str,
    role: str,
    hand: Hand,
    only_draft: bool,
    remark: str,
    as_json: bool,
) -> None:
    """Take back an approval: the module is refused from the daemon's next refresh on.

    Clients are answered 410 with the reason. A DIGEST takes back whatever has it, under whatever
    handle: that of an archive, a record, or a tree of files.

    \b
      hubproxy trust revoke tfhub.dev/google/spice/2 --reason 'found to leak addresses'
      hubproxy trust revoke sha256:9f86d0... --reason 'trained on data without consent'

    A daemon sees it within a minute, or at once by `hubproxy reload`.

    Exit status: 0 published, or drafted; 2 not on the list, no reason, or a key that may not sign.
    """
    from hubproxy import wiring
    from hubproxy.trust.contents import Contents
    from hubproxy.trust.proposing import revoke as revoking

    what = _wanted(wanted)
    repository = wiring.repository(config)
    signers = [] if only_draft else hand.signers(config)
    contents = Contents(repository.published)
    changes = revoking(
        repository,
        what,
        contents,
        reason=reason,
        by=wiring.signer_names(repository, signers),
        at=wiring.now(),
        role=role,
        told=note,
    )
    decide(
        config,
        changes,
        contents,
        signers,
        Output(as_json),
        fields={"revoked": str(what)},
        done=f"revoked {what}",
        remark=remark,
    )


def _wanted(text: str) -> Handle | Digest:
    from hubproxy.errors import UsageError

    try:
        return Digest.parse(text) if text.startswith("sha256:") else Handle.parse(text)
    except ValueError as error:
        raise UsageError(str(error), remedy="See `hubproxy trust list`.") from None
