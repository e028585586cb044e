"""Taking an entry off the list, without a word to anybody."""

import click

from hubproxy.cli.keys import Hand, key_options
from hubproxy.cli.options import Output, configured, json_option
from hubproxy.cli.trust.decide import decide, draft_option, note_option
from hubproxy.config import Config


@click.command("remove")
@configured()
@click.argument("path", metavar="HANDLE/FORMAT.json")
@click.option(
    "--role", default="targets", show_default=True, help="Whose entry: a team's, or the officers'."
)
@key_options
@draft_option
@note_option
@json_option
def remove(
    config: Config,
    path: str,
    role: str,
    hand: Hand,
    only_draft: bool,
    remark: str,
    as_json: bool,
) -> None:
    """List an entry no longer: for one that was a mistake, or that nobody sees.

    Clients are told no reason, and what another role lists under the same path shows again. For a
    module that is bad it is `hubproxy trust revoke`.

    \b
      hubproxy trust remove tfhub.dev/google/spice/2/saved_model.json --role nlp

    Exit status: 0 published, or drafted; 2 not on that list, or a key that may not sign.
    """
    from hubproxy.trust.changes import Remove
    from hubproxy.trust.contents import Contents

    decide(
        config,
        [Remove(role=role, path=path)],
        Contents(),
        [] if only_draft else hand.signers(config),
        Output(as_json),
        fields={"removed": path},
        done=f"removed {path}",
        remark=remark,
    )
