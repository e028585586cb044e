"""Reading modules for officers: fetched, handed over, or held here already."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from hubproxy.cli.keys import Hand
from hubproxy.cli.options import Output, note
from hubproxy.cli.progress import Moved, transfer_bars
from hubproxy.config import Config
from hubproxy.core.allowance import Allowance
from hubproxy.core.handle import Handle
from hubproxy.core.quarantine import HeldModule

if TYPE_CHECKING:
    from securesystemslib.signer import Signer  # type: ignore[attr-defined]  # no __all__

    from hubproxy.service.approve import Proposal
    from hubproxy.trust.changes import Change
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
class Given:
    """What an officer says of the modules that are read."""

    file: Path | None
    evidence: tuple[Path, ...]
    card: Path | None
    licence: str
    review_by: str
    role: str


def describing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of `Given`, as `given`."""

    @wraps(function)
    def wrapped(*args: Any, **more: Any) -> Any:
        fields = {name: more.pop(name) for name in Given.__slots__}
        return function(*args, given=Given(**fields), **more)

    decorated: Callable[..., Any] = wrapped
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


@dataclass(frozen=True, slots=True)
class Source:
    """Where a module is read from: a file, the hub, or what is held of it."""

    handle: Handle
    file: Path | None = None
    held: HeldModule | None = None
    allow: tuple[Allowance, ...] = ()
    """What its draft adds to the policy."""


@dataclass(frozen=True, slots=True)
class Read:
    """Modules that were read, as changes of the list."""

    changes: "Sequence[Change]"
    contents: "Contents"
    signers: "list[Signer]"
    reviewers: tuple[str, ...]
    fields: dict[str, object]
    held: tuple[HeldModule, ...]

    def waits_as(self, config: Config, draft: str) -> None:
        """Note, with what is held here of these modules, which draft would release it."""
        from hubproxy import wiring

        here = wiring.held_modules(config)
        for one in self.held:
            there = here.find(one.exact)
            if there is not None and there.record == one.record:
                here.drafted(there.number, draft)


def read_changes(
    config: Config, handles: Sequence[Handle], given: Given, hand: Hand | None, out: Output
) -> Read:
    """Read modules, and print them as they will be signed."""
    from hubproxy.service.approve import exact_only

    for handle in handles:
        exact_only(handle)
    return read_sources(
        config, [_source(config, handle, given) for handle in handles], given, hand, out
    )


def read_sources(
    config: Config, sources: Sequence[Source], given: Given, hand: Hand | None, out: Output
) -> Read:
    """Read modules from where they lie, and print them as they will be signed."""
    from hubproxy import wiring
    from hubproxy.trust.allowing import with_allowances
    from hubproxy.trust.contents import Contents
    from hubproxy.trust.proposing import put, set_policy

    repository = wiring.repository(config)
    signers = hand.signers(config) if hand else []
    reviewers = tuple(wiring.signer_names(repository, signers))
    found = asyncio.run(_read(config, sources, given, reviewers, out))
    contents = Contents(repository.published)
    for proposal in found:
        for data in proposal.evidence:
            contents.add("evidence", data)
        if proposal.card is not None:
            contents.add("boms", proposal.card)
    records = [one.record for one in found]
    changes: list[Change] = [*put(repository.in_force(), records, contents, role=given.role)]
    allow = [one for source in sources for one in source.allow]
    if allow:
        changes.append(set_policy(with_allowances(repository.policy(), allow), contents))
    fields: dict[str, object] = {"proposed": [record.handle for record in records]}
    held = tuple(source.held for source in sources if source.held is not None)
    return Read(changes, contents, signers, reviewers, fields, held)


def _source(config: Config, handle: Handle, given: Given) -> Source:
    """From the file that is named; else from what is held, where no signature is of upstream's."""
    from hubproxy import wiring

    here = wiring.held_modules(config)
    held = None if given.file or given.evidence else here.find(handle)
    if held is None:
        return Source(handle, given.file)
    return Source(handle, here.archive(held.number), held)


async def _read(
    config: Config,
    sources: Sequence[Source],
    given: Given,
    reviewers: tuple[str, ...],
    out: Output,
) -> "list[Proposal]":
    """Describe each module, and print it as it will be signed."""
    from hubproxy.cli.report import print_report

    found = []
    with transfer_bars() as moved:
        for source in sources:
            if source.held is None:
                note(f"reading {source.handle} …")
            else:
                note(f"reading {source.handle}, held as {source.held.number}; nothing is fetched …")
            read = await _examine(config, source, given, moved)
            record = msgspec.structs.replace(read.record, reviewers=reviewers)
            found.append(replace(read, record=record))
            print_report(found[-1], out)
    return found


async def _examine(config: Config, source: Source, given: Given, moved: Moved) -> "Proposal":
    from hubproxy import wiring

    async with wiring.open_transfers(config, file=source.file, moved=moved) as transfers:
        read = await wiring.approvals(config, transfers).examine(
            source.handle,
            licence=given.licence,
            evidence=[path.read_bytes() for path in given.evidence],
            card=given.card.read_bytes() if given.card else None,
            review_by=given.review_by,
            allow=source.allow,
        )
    return read if source.held is None else replace(read, record=_as_held(read, source.held))


def _as_held(read: "Proposal", held: HeldModule) -> Any:
    """The record of what was read, with where it once came from.

    Raises:
        UsageError: the archive is not the one that was held.
    """
    from hubproxy.errors import UsageError

    if read.record.archive != held.record.archive:
        raise UsageError(
            f"the archive of {held.number} is {read.record.archive.digest}, and not "
            f"{held.record.archive.digest}, which was held",
            remedy=f"Drop it, and have it fetched again: `hubproxy quarantine drop {held.number}`.",
        )
    return msgspec.structs.replace(
        read.record, origin=held.record.origin, root=held.record.root, changes=held.record.changes
    )
