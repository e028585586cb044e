"""`hubproxy audit`: who loaded what."""

from datetime import UTC, datetime
from typing import get_args

import click

from hubproxy.cli.options import HandleType, configured, json_option, printable
from hubproxy.config import Config
from hubproxy.core.audit import AuditEvent, Outcome, Selection
from hubproxy.core.handle import Handle


@click.group("audit")
def command() -> None:
    """Read the audit log: one event for each answered request, and each change of the list."""


@command.command("tail")
@configured()
@click.option("-n", "--lines", default=10, show_default=True, help="How many events from the end.")
@click.option("-f", "--follow", is_flag=True, help="Go on with each new event.")
@json_option
def tail(config: Config, lines: int, follow: bool, as_json: bool) -> None:
    """Print the last events."""
    from hubproxy import wiring
    from hubproxy.store.auditread import read

    for event in read(wiring.places(config).audit, last=lines, follow=follow):
        _print(event, as_json)


@command.command("list")
@configured()
@click.option("--handle", type=HandleType(), help="This module; without a version, all of its.")
@click.option("--since", type=click.DateTime(), help="This moment or later, UTC.")
@click.option("--outcome", type=click.Choice([name for name in get_args(Outcome) if name]))
@json_option
def list_events(
    config: Config,
    handle: Handle | None,
    since: datetime | None,
    outcome: Outcome | None,
    as_json: bool,
) -> None:
    """Print every event that is asked for, oldest first."""
    from hubproxy import wiring
    from hubproxy.store.auditread import read

    moment = since.replace(tzinfo=UTC) if since else None
    wanted = Selection(handle=handle, since=moment, outcome=outcome)
    for event in read(wiring.places(config).audit):
        if wanted.matches(event):
            _print(event, as_json)


@command.command("accept-clock")
@configured()
def accept_clock(config: Config) -> None:
    """Accept this machine's time, where the audit log's own had been wrong.

    A daemon whose clock is behind the last audited event serves nothing (HP-T14): an old trust
    list would look fresh to it. Mostly the clock is to be set. Where it is right, and an event
    was written with a time that has not come yet, this accepts it, and is an event itself.

    Stop the daemon first: a data folder has one owner.
    """
    import asyncio
    from getpass import getuser

    from hubproxy import wiring

    accepted = asyncio.run(wiring.accept_clock(config, caller=getuser()))
    if accepted:
        print(f"{wiring.now():%Y-%m-%d %H:%M} UTC is accepted, though the {accepted}")
    else:
        print("there is nothing to accept: the clock is not behind the last audited event")


def _print(event: AuditEvent, as_json: bool) -> None:
    if as_json:
        print(event.encode().decode(), end="", flush=True)
        return
    why = f"{event.code}: {event.reason}" if event.code else event.archive[:23] or event.reason
    line = f"{event.time}  {event.caller:<15}  {event.outcome or event.event:<8}  "
    if event.handle:
        line += (
            f"{event.status:<3}  {event.cache:<4}  {event.bytes:>13,}  {event.ms:>6} ms  "
            f"{event.handle}  "
        )
    print(printable(line + why), flush=True)
