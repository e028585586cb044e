"""`hubproxy mirror`: keep a set of modules in step with upstream."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hubproxy.cli.listed import list_option, read_wants, tell_choice
from hubproxy.cli.options import HandleType, Output, configured, json_option, note
from hubproxy.config import Config

if TYPE_CHECKING:
    from hubproxy.core.handle import Handle
    from hubproxy.service.mirror import Outcome
    from hubproxy.wiring.mirroring import Plan

_SAID = {
    "gone": "upstream has it no longer; it stays here",
    "changed": "UPSTREAM HAS CHANGED ITS BYTES; what is here stays, and nothing of them came in",
}


@click.group("mirror")
def command() -> None:
    """Keep a set of modules in step with upstream."""


@command.command("sync")
@configured()
@click.argument("handles", nargs=-1, type=HandleType())
@list_option
@click.option("--dry-run", is_flag=True, help="Only say what would be fetched.")
@click.option("--prune", is_flag=True, help="Let what is no longer wanted be evicted in its turn.")
@json_option
def sync(
    config: Config,
    handles: "tuple[Handle, ...]",
    wanted: Path | None,
    dry_run: bool,
    prune: bool,
    as_json: bool,
) -> None:
    """Bring HANDLES, or what a mirror list wants of the trust list, into the store.

    It runs beside a daemon or without one. Several modules come at once, `network.fetches` of
    them, at `network.rate_limit` bytes per second; one that was cut short is gone on with at the
    byte. What upstream has dropped stays, and is named. Bytes that upstream has changed are an
    alarm, in the audit log and the metrics, and never come in. What a mirror brought is never
    evicted, until a run with --prune no longer wants it.

    Exit status: 0 all of it is here and in step, 1 something could not be fetched or compared,
    4 upstream has changed bytes that are approved.
    """
    import asyncio

    from hubproxy import wiring
    from hubproxy.cli.progress import transfer_bars
    from hubproxy.wiring import mirroring

    out = Output(as_json)
    wants, lock = read_wants(handles, wanted)
    choice = wiring.chosen(config, wants, told=note, lock=lock)
    tell_choice(choice, lock)
    planned = mirroring.plan(choice, prune=prune)
    if dry_run:
        _tell_plan(planned, out)
        return
    with transfer_bars(total=planned.bytes_to_fetch) as moved:
        outcomes = asyncio.run(
            mirroring.sync(
                config, planned, moved=moved, told=lambda one: _tell(one, out), waiting=note
            )
        )
    _tell_summary(outcomes, out)
    states = {one.state for one in outcomes}
    if "changed" in states:
        raise click.exceptions.Exit(4)
    if "failed" in states:
        raise click.exceptions.Exit(1)


def _tell_plan(planned: "Plan", out: Output) -> None:
    for one in planned.missing:
        out.result(
            {
                "handle": one.record.handle,
                "format": one.record.format,
                "bytes": one.record.origin.size,
                "archive_bytes": one.record.archive.size,
            },
            text=f"would fetch  {one.record.handle}  {one.record.origin.size:,} bytes",
        )
    here = len(planned.choice.modules) - len(planned.missing)
    archives = sum(one.record.archive.size for one in planned.missing)
    out.result(
        {
            "wanted": len(planned.choice.modules),
            "here": here,
            "missing": len(planned.missing),
            "bytes": planned.bytes_to_fetch,
            "archive_bytes": archives,
        },
        text=f"{len(planned.choice.modules)} wanted: {here} are here, {len(planned.missing)} to "
        f"fetch, {planned.bytes_to_fetch:,} bytes ({archives:,} in the store)",
    )


def _tell(one: "Outcome", out: Output) -> None:
    record = one.record
    if one.state == "in step" and not out.as_json:
        return
    text = [f"{one.state:<8}  {record.handle}  {record.format}  {record.archive.size:,} bytes"]
    said = "; ".join(filter(None, (_SAID.get(one.state, ""), one.reason)))
    if said:
        text.append(f"  {one.code}: {said}")
    if one.remedy and one.state == "failed":
        text.append(f"  {one.remedy}")
    out.result(
        {
            "handle": record.handle,
            "format": record.format,
            "state": one.state,
            "bytes": record.archive.size,
            "code": one.code,
            "reason": one.reason,
        },
        text=text,
    )


def _tell_summary(outcomes: "list[Outcome]", out: Output) -> None:
    from hubproxy.wiring import mirroring

    counts: dict[str, object] = {"wanted": len(outcomes)}
    counts |= Counter(one.state for one in outcomes)
    out.result(counts, text=mirroring.summary(outcomes))
