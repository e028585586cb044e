"""The officers' policy, as far as officers change it: `show` and `check` are there for all."""

from pathlib import Path

import click

from hubproxy.cli.keys import Hand, key_options
from hubproxy.cli.options import Output, configured, json_option, note
from hubproxy.cli.trust.decide import decide, draft_option, note_option
from hubproxy.config import Config


@click.command("set")
@configured()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@key_options
@draft_option
@note_option
@json_option
def set_policy(
    config: Config, file: Path, hand: Hand, only_draft: bool, remark: str, as_json: bool
) -> None:
    """Let FILE, JSON, be the policy. The officers sign it as they sign the list.

    \b
      echo '{"mode": "enforce", "review_days": 365, "card_fields": ["licence"]}' > policy.json
      hubproxy trust policy set policy.json

    `hubproxy trust policy show` prints every field; `check FILE` reads one without signing it.
    What is listed and would be refused by it is named.

    Exit status: 0 published, or drafted; 2 no policy, or a key that may not sign.
    """
    from hubproxy import wiring
    from hubproxy.cli.trust.page import told_refused
    from hubproxy.core.policy import Policy
    from hubproxy.errors import UsageError
    from hubproxy.trust.contents import Contents
    from hubproxy.trust.proposing import set_policy as setting

    try:
        wanted = Policy.decode(file.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(
            f"{file}: {error}", remedy="`hubproxy trust policy set --help` names what it may say."
        ) from error
    contents = Contents()
    change = setting(wanted, contents)
    refused = wiring.refused_by_policy(config, wanted)
    for line in told_refused(refused):
        note(line)
    decide(
        config,
        [change],
        contents,
        [] if only_draft else hand.signers(config),
        Output(as_json),
        fields={
            "policy": change.digest,
            "refused": None if refused is None else [path for path, _ in refused.modules],
        },
        done="the policy is set",
        remark=remark,
    )
