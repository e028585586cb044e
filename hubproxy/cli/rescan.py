"""`hubproxy rescan`: what the gate of today makes of what is here."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
import msgspec

from hubproxy.cli.options import HandleType, Output, configured, json_option, note
from hubproxy.config import Config

if TYPE_CHECKING:
    from hubproxy.core.handle import Handle
    from hubproxy.core.reread import Reread


@click.command("rescan")
@configured()
@click.argument("handles", nargs=-1, type=HandleType())
@click.option("--apply", "applied", is_flag=True, help="Do what this host decides alone.")
@json_option
def command(config: Config, handles: "tuple[Handle, ...]", applied: bool, as_json: bool) -> None:
    """Look again, with the gate of this version, into all that is listed, pinned or held here,
    or into HANDLES alone, and list what would change.

    It reads beside a running daemon, and changes nothing. With --apply, for which the daemon is
    stopped, what first use has pinned and the gate does not pass any more is held for officers,
    and of what is held the findings are noted anew. What officers have signed they alone change:
    the command for it stands below each.

    Exit status: 0 nothing would change, or all of it was done; 1 something would.
    """
    from hubproxy import wiring
    from hubproxy.wiring import rescanning

    out, here = Output(as_json), rescanning.everything(config)
    wanted = {str(handle) for handle in handles}
    chosen = [
        one
        for one in here.modules
        if not wanted or wanted & {one.record.handle, str(one.record.exact.unversioned)}
    ]
    _check_found(wanted, [one.record.exact for one in chosen])
    seen, away = [], 0
    for kept in chosen:
        found = rescanning.look_again(kept, here.allow)
        away += found is None
        if found is None:
            continue
        seen.append(found)
        if found.told.changed:
            fields = {**msgspec.to_builtins(found.told), "gate": found.inspected.gate}
            text = _lines(found.told, found.inspected.gate, found.inspected.table)
            out.result(fields, text=text)
    left = sum(one.told.changed for one in seen)
    ours = [one for one in seen if one.told.ours]
    if applied and ours:
        for done, what in rescanning.settle(config, ours):
            wiring.append_decision(config, f"rescan: {done.told.handle}: {what}")
            note(f"{done.told.handle}: {what}")
            left -= 1
    missing = f", {away} are not here" if away else ""
    note(f"looked into {len(seen)} modules{missing}: {left} would change")
    if left:
        raise click.exceptions.Exit(1)


def _check_found(wanted: set[str], found: "list[Handle]") -> None:
    """See that each handle that was named is one of a module here.

    Raises:
        UsageError: one is not.
    """
    from hubproxy.errors import UsageError

    names = {str(name) for exact in found for name in (exact, exact.unversioned)}
    for handle in sorted(wanted - names):
        raise UsageError(
            f"{handle} is neither listed nor pinned nor held here",
            remedy="`hubproxy trust list` and `hubproxy quarantine list` name what is.",
        )


def _lines(told: "Reread", gate: int, table: int) -> Iterator[str]:
    before = f"gate {told.before.version}.{told.before.ops}" if told.before else "no gate"
    number = f" as {told.number}" if told.number else ""
    yield (
        f"{told.handle}  {told.place}{number}  {told.was} -> {told.verdict}  "
        f"({before} -> gate {gate}.{table})"
    )
    for line in told.new:
        yield f"    + {line}"
    for line in told.gone:
        yield f"    - {line}"
    yield f"    next: {_next(told)}"


def _next(told: "Reread") -> str:
    if told.place == "held":
        return "hubproxy rescan --apply notes it"
    if told.place == "pinned" and told.withdrawn:
        what = "removes it" if told.verdict == "refuse" else "holds it for officers"
        return f"hubproxy rescan --apply {what}"
    if told.verdict == "refuse":
        return f'hubproxy trust revoke {told.handle} --reason "it is never accepted"'
    if told.refused:
        names = " ".join(dict.fromkeys(line.partition(" ")[0] for line in told.new))
        return f"hubproxy trust policy allow {told.handle} {names} --why REASON, or revoke it"
    return f"hubproxy trust approve {told.handle} brings its record up to date"
