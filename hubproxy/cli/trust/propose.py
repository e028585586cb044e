"""Proposing a module: read, described, and put before those who sign."""

from collections.abc import Sequence

import click

from hubproxy.cli.keys import Hand, key_options
from hubproxy.cli.options import HandleType, Output, configured, json_option
from hubproxy.cli.trust.decide import drafted, note_option, settle, tell_waiting
from hubproxy.cli.trust.reading import Given, describing, read_changes
from hubproxy.config import Config
from hubproxy.core.handle import Handle


@click.command("propose")
@configured()
@click.argument("handle", type=HandleType())
@describing
@key_options
@note_option
@json_option
def propose(
    config: Config, handle: Handle, given: Given, hand: Hand, remark: str, as_json: bool
) -> None:
    """Read HANDLE, print what is in it, and draft that it be listed.

    Nobody signs but the --key that you name, whose holder the record names as its reviewer, and
    nothing is published: `hubproxy trust review`, `sign` and `publish` the draft. What the
    officers' policy demands, a publisher's signature or a model card, is brought along, and
    checked. What is held here already is read from there, and not fetched again.

    \b
      hubproxy trust propose tfhub.dev/google/nnlm-en-dim50/2 --licence Apache-2.0
      hubproxy trust propose tfhub.dev/google/nnlm-en-dim50/2 --from nnlm.tar.gz \\
          --evidence model.sig --card nnlm.cdx.json --review-by 2027-03-01

    Exit status: 0 drafted; 1 it cannot be had, or may never be accepted; 2 used
    wrongly, or a key that may not sign; 3 not what the officers' policy demands.
    """
    out = Output(as_json)
    read = read_changes(config, [handle], given, hand if hand.keys else None, out)
    draft, _ = drafted(config, read.changes, read.contents, read.signers, remark=remark)
    read.waits_as(config, draft.name)
    tell_waiting(draft, out, read.fields)


@click.command("approve")
@configured()
@click.argument("handles", nargs=-1, required=True, type=HandleType())
@describing
@key_options
@note_option
@json_option
def approve(
    config: Config,
    handles: Sequence[Handle],
    given: Given,
    hand: Hand,
    remark: str,
    as_json: bool,
) -> None:
    """Read HANDLES, print what is in them, sign, and publish: in one step.

    Where others must sign too, a draft is left for them.

    \b
      hubproxy trust approve tfhub.dev/google/nnlm-en-dim50/2

    Exit status: 0 published, or drafted; 1 one cannot be had, or may never be accepted, and none
    is listed; 2 used wrongly, or a key that may not sign; 3 not what the officers' policy demands.
    """
    from hubproxy.errors import UsageError

    if len(handles) > 1 and (given.file or given.evidence or given.card):
        raise UsageError("--from, --evidence and --card are of one module: name one HANDLE")
    out = Output(as_json)
    read = read_changes(config, handles, given, hand, out)
    fields = read.fields
    versions = settle(
        config, read.changes, read.contents, read.signers, out, fields=fields, remark=remark
    )
    if versions is not None:
        out.result(
            {**fields, "signed_by": list(read.reviewers), "versions": str(versions)},
            text=f"signed by {' and '.join(read.reviewers)}, and published: {versions}",
        )
