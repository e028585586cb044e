"""`hubproxy trust show`: why a module is served or not."""

from collections.abc import Iterable

import click
import msgspec

from hubproxy.cli.options import HandleType, Output, configured, json_option, printable
from hubproxy.config import Config
from hubproxy.core.handle import Handle
from hubproxy.core.record import CardNote, Record
from hubproxy.core.signatures import Signatures
from hubproxy.service.explain import Approver, Explained, Explanation
from hubproxy.service.recall import Loads


@click.command("show")
@configured()
@click.argument("handle", type=HandleType())
@click.option("--url", is_flag=True, help="Also where the daemon serves it, its record and card.")
@json_option
def show(config: Config, handle: Handle, url: bool, as_json: bool) -> None:
    """Explain HANDLE: what was approved, by whom, when, and from where; and whether it is served.

    Of each module that the list names: its record, who signed the role that lists it and until
    when, evidence, findings, card, the verdict, and how often it was loaded here. Of one that it
    does not name: why not, who could approve it, and by which command.

    Exit status: 0 it is on the list, also where it is refused for now; 3 it is not.
    """
    from hubproxy import wiring
    from hubproxy.cli.report import print_record
    from hubproxy.errors import DeniedError

    found, out = wiring.explained(config, handle), Output(as_json)
    base = wiring.daemon_url(config) if url else ""
    for one in found.listed:
        loads = wiring.loads_of(config, one.handle)
        if as_json:
            print(msgspec.json.encode(_fields(one, found, loads, base)).decode())
            continue
        print_record(one.record, out)
        for label, text in _rows(one, loads, base):
            print(f"  {label:<8} {printable(text)}")
    if found.unlisted is not None:
        for who in found.approvers if not as_json else ():
            print(f"could be approved by {printable(_who(who))}")
        no = found.unlisted
        raise DeniedError(no.code, 403, no.text, remedy=no.remedy)


def _fields(
    one: Explained, found: Explanation, loads: Iterable[Loads], base: str
) -> dict[str, object]:
    """The record's own fields, and beside them what else there is to say."""
    fields = msgspec.to_builtins(one.record)
    assert isinstance(fields, dict)
    more = {
        "signed": one.signed,
        "refused": one.refused,
        "warnings": one.warnings,
        "trust": found.trust,
        "mode": found.mode,
        "loads": _counts(loads),
        "urls": dict(_urls(one.record, base)),
    }
    return fields | more


def _rows(one: Explained, loads: Iterable[Loads], base: str) -> Iterable[tuple[str, str]]:
    record = one.record
    yield "signed", _signed(one.signed)
    no = one.refused
    yield "verdict", f"refused, {no.code}: {no.text}" if no else "served"
    if no is not None and no.remedy:
        yield "", no.remedy
    for warning in one.warnings:
        yield "warning", f"{warning.code}: {warning.text}"
    counts = _counts(loads)
    when = f", {counts['first']} to {counts['last']}" if counts["callers"] else ""
    asked = f"{counts['loads']} times and asked about {counts['asked']} times"
    yield "loaded", f"{asked}, by {counts['callers']} callers{when}"
    yield from _urls(record, base)


def _signed(signed: Signatures) -> str:
    names = ", ".join(signed.signed) or "nobody"
    who = "the officers" if signed.role == "targets" else f"team {signed.role}"
    others = f"; not by {', '.join(signed.missing)}" if signed.missing else ""
    return (
        f"for {who} by {names} ({len(signed.signed)} of {signed.threshold} needed{others}), "
        f"version {signed.version}, until {signed.expires}"
    )


def _who(one: Approver) -> str:
    if not one.threshold:
        return "the officers together"
    return f"team {one.role}: {one.threshold} of {', '.join(one.names)}"


def _counts(loads: Iterable[Loads]) -> dict[str, object]:
    found = list(loads)
    return {
        "callers": len(found),
        "loads": sum(one.loads for one in found),
        "asked": sum(one.asked for one in found),
        "first": min((one.first for one in found), default=""),
        "last": max((one.last for one in found), default=""),
    }


def _urls(record: Record, base: str) -> Iterable[tuple[str, str]]:
    if not base:
        return
    digest = record.descriptor.digest.hex
    yield "module", f"{base}/{record.handle}"
    yield "why", f"{base}/-/why/{record.handle}"
    yield "record", f"{base}/-/trust/records/{digest[:2]}/{digest}.json"
    if isinstance(record.card, CardNote):
        yield "card", f"{base}/-/card/{record.handle}"
