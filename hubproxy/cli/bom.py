"""`hubproxy bom`: what this site approved, for those who keep inventories."""

import sys
from pathlib import Path

import click

from hubproxy.cli.options import configured, json_option, note
from hubproxy.config import Config


@click.group("bom")
def command() -> None:
    """The site's bill of materials: every approved module, with its model card."""


@command.command("export")
@configured()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Write it here. [default: standard output]",
)
@json_option
def export(config: Config, output: Path | None, as_json: bool) -> None:  # noqa: ARG001  # JSON it is
    """Write one CycloneDX 1.6 BOM: each approved module is a component, and carries its card.

    It is JSON, with --json and without.
    """
    from hubproxy import wiring
    from hubproxy.cards.bom import bom
    from hubproxy.cards.document import encode
    from hubproxy.core.audit import timestamp
    from hubproxy.errors import UsageError
    from hubproxy.files import write_whole

    made = bom(wiring.listed_modules(config), at=timestamp(wiring.now()))
    content = encode(made)
    if output is None or str(output) == "-":
        sys.stdout.buffer.write(content)
        return
    try:
        write_whole(output.resolve(), content)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}") from error
    note(f"wrote {output}: {len(made['components'])} modules")
