"""Proposing a module: read, described, and put before those who sign."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from hubproxy.cli.keys import Hand, key_options
from hubproxy.cli.options import HandleType, Output, configured, json_option, note
from hubproxy.cli.progress import Moved, transfer_bars
from hubproxy.cli.trust.decide import drafted, note_option, settle, tell_waiting
from hubproxy.config import Config
from hubproxy.core.handle import Handle

if TYPE_CHECKING:
    from securesystemslib.signer import Signer  # type: ignore[attr-defined]  # no __all__

    from hubproxy.service.approve import Proposal
    from hubproxy.trust.changes import Put
    from hubproxy.trust.contents import Contents

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_OPTIONS = (
    click.option("--from", "file", type=_FILE, help="Read it from this archive, not from its hub."),
    click.option(
        "--evidence",
        type=_FILE,
        multiple=True,
        help="The publisher's signature of it: an OMS bundle, a .minisig, or an SSH .sig.",
    ),
    click.option(
        "--card", type=_FILE, help="Its model card, as `hubproxy trust card edit` writes one."
    ),
    click.option("--licence", default="", help="Its licence, as an SPDX expression."),
    click.option(
        "--review-by",
        default="",
        metavar="DAY",
        help="By when it must be looked at again, 2027-03-01. [default: as the policy says]",
    ),
    click.option(
        "--role",
        default="",
        help="Whose list it goes on: a team's, or `targets`, the officers' own. "
        "[default: that of the team whose patterns match]",
    ),
)


@dataclass(frozen=True, slots=True)
class _Given:
    """What an officer says of the modules that are read."""

    file: Path | None
    evidence: tuple[Path, ...]
    card: Path | None
    licence: str
    review_by: str
    role: str


def _describing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of `_Given`, as `given`."""

    @wraps(function)
    def wrapped(*args: Any, **more: Any) -> Any:
        fields = {name: more.pop(name) for name in _Given.__slots__}
        return function(*args, given=_Given(**fields), **more)

    decorated: Callable[..., Any] = wrapped
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


@click.command("propose")
@configured()
@click.argument("handle", type=HandleType())
@_describing
@key_options
@note_option
@json_option
def propose(
    config: Config, handle: Handle, given: _Given, hand: Hand, remark: str, as_json: bool
) -> None:
    """Read HANDLE, print what is in it, and draft that it be listed.

    Nobody signs but the --key that you name, whose holder the record names as its reviewer, and
    nothing is published: `hubproxy trust review`, `sign` and `publish` the draft. What the
    officers' policy demands, a publisher's signature or a model card, is brought along, and
    checked.

    \b
      hubproxy trust propose tfhub.dev/google/nnlm-en-dim50/2 --licence Apache-2.0
      hubproxy trust propose tfhub.dev/google/nnlm-en-dim50/2 --from nnlm.tar.gz \\
          --evidence model.sig --card nnlm.cdx.json --review-by 2027-03-01

    Exit status: 0 drafted; 1 it cannot be had, or may never be accepted; 2 used
    wrongly, or a key that may not sign; 3 not what the officers' policy demands.
    """
    out = Output(as_json)
    read = _changes(config, [handle], given, hand if hand.keys else None, out)
    draft, _ = drafted(config, read.changes, read.contents, read.signers, remark=remark)
    tell_waiting(draft, out, read.fields)


@click.command("approve")
@configured()
@click.argument("handles", nargs=-1, required=True, type=HandleType())
@_describing
@key_options
@note_option
@json_option
def approve(
    config: Config,
    handles: Sequence[Handle],
    given: _Given,
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
    read = _changes(config, handles, given, hand, out)
    fields = read.fields
    versions = settle(
        config, read.changes, read.contents, read.signers, out, fields=fields, remark=remark
    )
    if versions is not None:
        out.result(
            {**fields, "signed_by": list(read.reviewers), "versions": str(versions)},
            text=f"signed by {' and '.join(read.reviewers)}, and published: {versions}",
        )


@dataclass(frozen=True, slots=True)
class _Read:
    """Modules that were read, as changes of the list."""

    changes: "Sequence[Put]"
    contents: "Contents"
    signers: "list[Signer]"
    reviewers: tuple[str, ...]
    fields: dict[str, object]


def _changes(
    config: Config, handles: Sequence[Handle], given: _Given, hand: Hand | None, out: Output
) -> _Read:
    """Read modules, and print them as they will be signed."""
    from hubproxy import wiring
    from hubproxy.service.approve import exact_only
    from hubproxy.trust.contents import Contents
    from hubproxy.trust.proposing import put

    for handle in handles:
        exact_only(handle)
    repository = wiring.repository(config)
    signers = hand.signers(config) if hand else []
    reviewers = tuple(wiring.signer_names(repository, signers))
    found = asyncio.run(_read(config, handles, given, reviewers, out))
    contents = Contents(repository.published)
    for proposal in found:
        for data in proposal.evidence:
            contents.add("evidence", data)
        if proposal.card is not None:
            contents.add("boms", proposal.card)
    records = [one.record for one in found]
    changes = put(repository.in_force(), records, contents, role=given.role)
    fields: dict[str, object] = {"proposed": [record.handle for record in records]}
    return _Read(changes, contents, signers, reviewers, fields)


async def _read(
    config: Config,
    handles: Sequence[Handle],
    given: _Given,
    reviewers: tuple[str, ...],
    out: Output,
) -> "list[Proposal]":
    """Describe each module, and print it as it will be signed."""
    from hubproxy import wiring
    from hubproxy.cli.report import print_report

    evidence = [path.read_bytes() for path in given.evidence]
    card = given.card.read_bytes() if given.card else None

    async def read_all(moved: Moved) -> "list[Proposal]":
        found = []
        async with wiring.open_transfers(config, file=given.file, moved=moved) as transfers:
            approvals = wiring.approvals(config, transfers)
            for handle in handles:
                note(f"reading {handle} …")
                read = await approvals.examine(
                    handle,
                    licence=given.licence,
                    evidence=evidence,
                    card=card,
                    review_by=given.review_by,
                )
                record = msgspec.structs.replace(read.record, reviewers=reviewers)
                found.append(replace(read, record=record))
                print_report(found[-1], out)
        return found

    with transfer_bars() as moved:
        return await read_all(moved)
