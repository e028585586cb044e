"""Making bundles, and the inventory that says what they may leave out."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hubproxy.cli.listed import list_option, read_wants_or_all, tell_choice, tell_export
from hubproxy.cli.options import HandleType, Output, SizeType, configured, json_option, note
from hubproxy.config import Config

if TYPE_CHECKING:
    from hubproxy.core.handle import Handle


@click.command("inventory")
@configured()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write.  [default: standard output]",
)
@click.option("--site", default="", help="Name of this site.  [default: the host's name]")
def inventory(config: Config, output: Path | None, site: str) -> None:
    """Say what this site has, signed by a key of its own, for `bundle create --since`.

    It names digests alone: no handle leaves the site.

    Exit status: 0 written, 1 the site's key cannot be used.
    """
    from hubproxy.files import write_whole
    from hubproxy.wiring.inventories import inventory as read

    found = read(config, site)
    if output is None:
        click.echo(found.encode(), nl=False)
    else:
        write_whole(output, found.encode())
    known = found.inventory
    note(
        f"{known.site} has {len(known.archives)} archives, of {len(known.records)} records; "
        f"its key is {found.key}"
    )


@click.command("create")
@configured()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("handles", nargs=-1, type=HandleType())
@list_option
@click.option(
    "--since",
    metavar="INVENTORY",
    type=click.Path(path_type=Path, dir_okay=False),
    help="What the site has, and need not be carried: from `bundle inventory` there.",
)
@click.option(
    "--split", metavar="SIZE", type=SizeType(), default=0, help="Volumes of at most SIZE: 4GiB."
)
@click.option(
    "--valid-days",
    "days",
    type=click.IntRange(1, 3650),
    default=90,
    show_default=True,
    help="How long the list is to be good on the way and inside.",
)
@click.option(
    "--trust",
    "source",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="The list to carry, as `trust export` wrote it.",
)
@json_option
def create(
    config: Config,
    folder: Path,
    handles: "tuple[Handle, ...]",
    wanted: Path | None,
    since: Path | None,
    split: int,
    days: int,
    source: Path | None,
    as_json: bool,
) -> None:
    """Write a bundle to DIR: HANDLES, or what a mirror list wants, or all that is approved.

    It carries the archives that the site lacks, their records, evidence and cards, every
    revocation, and the whole trust list, signed for the time of the gap where this host has the
    list's online key. Each volume is an OCI image layout; each can be the first to be imported.
    The same contents give the same bytes.

    Exit status: 0 written, 1 written without modules that the store has not, 2 used wrongly.
    """
    from hubproxy import wiring
    from hubproxy.wiring import bundling

    out = Output(as_json)
    had = None if since is None else bundling.read_inventory(config, since, told=note)
    wants, lock = read_wants_or_all(handles, wanted)
    choice = wiring.chosen(config, wants, told=note, source=source, lock=lock)
    tell_choice(choice, lock)
    tell_export(config, choice, f"a bundle, {folder}" + (f", for {had.site}" if had else ""))
    made = bundling.create(config, folder, choice, since=had, split=split, days=days, told=note)
    for one in made.absent:
        note(f"{one.record.handle}: left out, the store has it not: `hubproxy mirror sync` first")
    bundle = made.bundle
    carried = {one.archive for one in bundle.modules if one.volume}
    out.result(
        {
            "bundle": str(bundle.digest),
            "modules": len(bundle.modules),
            "archives": len(carried),
            "bytes": made.size,
            "volumes": bundle.volumes,
            "valid_until": made.list.expires.isoformat(),
            "absent": [one.record.handle for one in made.absent],
        },
        text=f"{folder}: {len(bundle.modules)} modules, {len(carried)} archives of "
        f"{made.size:,} bytes, {bundle.volumes} volume{'s' if bundle.volumes > 1 else ''}; "
        f"the list is good until {made.list.expires:%Y-%m-%d}",
    )
    if made.absent:
        raise click.exceptions.Exit(1)
