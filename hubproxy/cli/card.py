"""`hubproxy trust card`: what is known of a module, in the words of those who vouch for it."""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from hubproxy.cli.options import HandleType, Output, configured, json_option, note
from hubproxy.config import Config
from hubproxy.core.digest import Digest
from hubproxy.core.handle import Handle
from hubproxy.core.record import CARD_FIELDS, FORMATS, Record

_from_option = click.option(
    "--from",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The module is this archive: for one that is not on the list, or not as it is there.",
)
_format_option = click.option(
    "--format", "form", type=click.Choice(FORMATS), help="Of a module that has several."
)


@click.group("card")
def command() -> None:
    """Write and check model cards: what a module does, what data it was made from, whom it fails.

    A card is a CycloneDX 1.6 ML-BOM. It is signed with the module, and the officers' policy may
    demand fields of it.
    """


@command.command("edit")
@configured()
@click.argument("handle", type=HandleType())
@_from_option
@_format_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="The card's file; - for standard output. [default: a file here, named by HANDLE]",
)
def edit(
    config: Config, handle: Handle, file: Path | None, form: str | None, output: Path | None
) -> None:
    """Write the card of HANDLE to fill in, and open it in $EDITOR at a terminal.

    What the module says of itself stands there already. It is found on the trust list, in a
    draft on this host, or by --from; else it is fetched from its hub, as `trust approve` does. A
    card that is there already is opened, never overwritten.
    """
    from hubproxy.errors import UsageError
    from hubproxy.service.approve import exact_only

    exact_only(handle)
    path = output or Path(f"{str(handle).replace('/', '-')}.cdx.json")
    at_terminal = sys.stdin.isatty() and sys.stdout.isatty() and str(path) != "-"
    if str(path) != "-" and path.exists():
        if not at_terminal:
            raise UsageError(
                f"{path} is there already, and there is nobody to edit it",
                remedy="Name another file with -o, or remove this one.",
            )
    else:
        _write(path, _begun(config, _to_describe(config, handle, file, form)))
    if at_terminal:
        click.edit(filename=str(path), editor=os.environ.get("VISUAL") or os.environ.get("EDITOR"))
    if str(path) != "-":
        note(f"next: hubproxy trust card check {handle} {path}")


@command.command("check")
@configured()
@click.argument("handle", type=HandleType())
@click.argument("card", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_from_option
@json_option
def check_card(
    config: Config, handle: Handle, card: Path, file: Path | None, as_json: bool
) -> None:
    """Check that CARD is the card of HANDLE, filled in, and says what the policy demands.

    Needs `pip install 'hubproxy[bom]'`.

    Exit status: 0 good, 2 no card of this module, 3 not what the policy demands.
    """
    import msgspec

    from hubproxy import wiring
    from hubproxy.cards.check import check
    from hubproxy.service.approve import exact_only

    exact_only(handle)
    data = _read(card)
    record = _described_by(config, handle, file, data)
    found = check(data, record, wiring.wanted_fields(config))
    said = {*found.fields, *(text.partition(":")[0] for text in found.unknown)}
    rows = [("card", f"{found.digest}  {found.size:,} bytes")]
    rows += [("says", ", ".join(found.fields) or "nothing")]
    rows += [("unknown", text) for text in found.unknown]
    rows += [("silent", ", ".join(silent))] if (silent := _not_in(CARD_FIELDS, said)) else []
    lines = [f"{handle}: a good card", *(f"  {label:<8} {row}" for label, row in rows)]
    Output(as_json).result({"handle": str(handle), **msgspec.to_builtins(found)}, text=lines)


def _begun(config: Config, record: Record) -> bytes:
    """The card that is published, or else a new one with what the module says of itself."""
    from hubproxy import wiring
    from hubproxy.cards.document import encode
    from hubproxy.cards.template import template

    published = wiring.card_of(config, record)
    if published is not None:
        note(f"this is the card of {record.handle} in force")
        return published
    found = wiring.inspected(config, record)
    if found is None:
        note("the module is not on this host, so the card tells nothing from inside it: see --from")
        return encode(template(record))
    for finding in found.findings:
        note(f"found: {finding}")
    return encode(template(record, found.facts))


def _to_describe(config: Config, handle: Handle, file: Path | None, form: str | None) -> Record:
    from hubproxy import wiring
    from hubproxy.errors import UsageError

    if file is None:
        known = wiring.known_records(config, handle)
        found = [record for record in known if form in (None, record.format)]
        if len({record.format for record in found}) > 1:
            forms = ", ".join(record.format for record in found)
            raise UsageError(f"{handle} is there as {forms}", remedy="Say which: --format FORMAT.")
        if found:
            return found[0]
        note(f"reading {handle} …")
    return asyncio.run(wiring.describe(config, handle, file))


def _described_by(config: Config, handle: Handle, file: Path | None, card: bytes) -> Record:
    """The record that a card is to be compared with: the one whose archive it names, if any is."""
    from hubproxy import wiring
    from hubproxy.cards.check import archive_named
    from hubproxy.errors import UsageError

    if file is None:
        named, known = archive_named(card), wiring.known_records(config, handle)
        for record in known:
            if record.archive.digest == named:
                return record
        file = wiring.archive_file(config, Digest.parse(named)) if named else None
        if file is None and known:
            return known[0]
        if file is None:
            raise UsageError(
                f"{handle} is not on the trust list, and its archive is not on this host",
                remedy="Name the archive: --from FILE.",
            )
    return asyncio.run(wiring.describe(config, handle, file))


def _not_in(names: Sequence[str], said: set[str]) -> list[str]:
    return [name for name in names if name not in said]


def _read(path: Path) -> bytes:
    from hubproxy.cards.check import LARGEST_CARD
    from hubproxy.errors import UsageError

    try:
        with path.open("rb") as file:
            return file.read(LARGEST_CARD + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def _write(path: Path, content: bytes) -> None:
    from hubproxy.errors import UsageError
    from hubproxy.files import write_whole

    if str(path) == "-":
        sys.stdout.buffer.write(content)
        return
    try:
        write_whole(path.resolve(), content)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    note(f"wrote {path}")
