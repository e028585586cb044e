"""Proposing a module: read, described, and put before those who sign."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click
import msgspec

from hubproxy.cli.keys import Hand, key_options
from hubproxy.cli.options import HandleType, Output, configured, json_option, note
from hubproxy.cli.progress import Moved, transfer_bars
from hubproxy.cli.trust.decide import note_option, settle
from hubproxy.config import Config
from hubproxy.core.handle import Handle
from hubproxy.core.record import Record

_FROM = click.option(
    "--from",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Read the module from this archive, not from its hub.",
)
_LICENCE = click.option("--licence", default="", help="Its licence, as an SPDX expression.")
_TEAM = click.option(
    "--team", help="Whose list it goes on; `targets` is the officers' own. [default: by the paths]"
)
_REVIEW_BY = click.option(
    "--review-by",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day by which it must be looked at again, 2027-03-01.",
)


@click.command("propose")
@configured()
@click.argument("handle", type=HandleType())
@_FROM
@_LICENCE
@_REVIEW_BY
@_TEAM
@key_options
@note_option
@json_option
def propose(
    config: Config,
    handle: Handle,
    file: Path | None,
    licence: str,
    review_by: datetime | None,
    team: str | None,
    hand: Hand,
    remark: str,
    as_json: bool,
) -> None:
    """Read HANDLE, print what is in it, and draft that it be listed.

    Nobody signs but the --key that you name. The record has the name of that key's holder as its
    reviewer. Then `hubproxy trust review`, `sign` and `publish` the draft.

    \b
      hubproxy trust propose tfhub.dev/google/nnlm-en-dim50/2 --licence Apache-2.0
      hubproxy trust propose tfhub.dev/google/nnlm-en-dim50/2 --from nnlm.tar.gz --key mia.pem

    Exit status: 0 drafted, or published; 1 it cannot be had, or may never be accepted; 2 used
    wrongly, or a key that may not sign.
    """
    only_named = hand if hand.keys else None
    _propose(
        config, [handle], only_named, Output(as_json), file=file, licence=licence,
        review_by=f"{review_by:%Y-%m-%d}" if review_by else "", team=team, remark=remark,
    )  # fmt: skip


@click.command("approve")
@configured()
@click.argument("handles", nargs=-1, required=True, type=HandleType())
@_FROM
@_LICENCE
@_REVIEW_BY
@_TEAM
@key_options
@note_option
@json_option
def approve(
    config: Config,
    handles: Sequence[Handle],
    file: Path | None,
    licence: str,
    review_by: datetime | None,
    team: str | None,
    hand: Hand,
    remark: str,
    as_json: bool,
) -> None:
    """Read HANDLES, print what is in them, sign, and publish: in one step.

    Where others must sign too, a draft is left for them.

    \b
      hubproxy trust approve tfhub.dev/google/nnlm-en-dim50/2

    Exit status: 0 published, or drafted; 1 one cannot be had, or may never be accepted, and none
    is listed; 2 used wrongly, or a key that may not sign.
    """
    from hubproxy.errors import UsageError

    if file is not None and len(handles) > 1:
        raise UsageError("--from takes one HANDLE: one archive is one module")
    _propose(
        config, handles, hand, Output(as_json), file=file, licence=licence,
        review_by=f"{review_by:%Y-%m-%d}" if review_by else "", team=team, remark=remark,
    )  # fmt: skip


def _propose(
    config: Config,
    handles: Sequence[Handle],
    hand: Hand | None,
    out: Output,
    *,
    file: Path | None,
    licence: str,
    review_by: str,
    team: str | None,
    remark: str,
) -> None:
    from hubproxy import wiring
    from hubproxy.service.approve import exact_only
    from hubproxy.trust.contents import Contents
    from hubproxy.trust.proposing import put

    for handle in handles:
        exact_only(handle)
    repository = wiring.repository(config)
    signers = hand.signers(config) if hand else []
    found = asyncio.run(_read(config, handles, out, file=file, licence=licence))
    reviewers = tuple(wiring.signer_names(repository, signers))
    contents = Contents()
    records = [
        msgspec.structs.replace(record, reviewers=reviewers, review_by=review_by)
        for record in found
    ]
    changes = put(repository.in_force(), records, contents, role=team or "")
    fields: dict[str, object] = {"proposed": [record.handle for record in records]}
    versions = settle(config, changes, contents, signers, out, fields=fields, remark=remark)
    if versions is not None:
        note(f"signed by {' and '.join(reviewers)}, and published: {versions}")


async def _read(
    config: Config, handles: Sequence[Handle], out: Output, *, file: Path | None, licence: str
) -> list[Record]:
    """Describe each module, and print it."""
    from hubproxy import wiring
    from hubproxy.cli.report import print_report
    from hubproxy.service.approve import Approvals

    async def read(moved: Moved) -> list[Record]:
        found = []
        async with wiring.open_transfers(config, file=file, moved=moved) as transfers:
            approvals = Approvals(
                transfers=transfers,
                drafts=wiring.drafts(config),
                repository=wiring.repository(config),
                clock=wiring.now,
            )
            for handle in handles:
                note(f"reading {handle} …")
                proposal = await approvals.examine(handle, licence=licence)
                print_report(proposal, out)
                found.append(proposal.record)
        return found

    with transfer_bars() as moved:
        return await read(moved)
