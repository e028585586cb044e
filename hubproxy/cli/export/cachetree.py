"""`hubproxy export tfhub-cache`."""

from collections.abc import Sequence
from pathlib import Path

import click

from hubproxy.cli.listed import list_option, read_wants_or_all, tell_choice, tell_export
from hubproxy.cli.options import Output, configured, json_option, note
from hubproxy.config import Config


@click.command("tfhub-cache")
@configured()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@list_option
@click.option(
    "--alias",
    "aliases",
    multiple=True,
    metavar="SPELLING",
    help="A further way in which jobs write a handle, hashed as it stands.",
)
@click.option("--update", is_flag=True, help="Bring an earlier export up to date.")
@click.option("--prune", is_flag=True, help="Remove what is not wanted or approved any more.")
@json_option
def cache_tree(
    config: Config,
    folder: Path,
    wanted: Path | None,
    aliases: Sequence[str],
    update: bool,
    prune: bool,
    as_json: bool,
) -> None:
    """Write a TFHUB_CACHE_DIR that the stock tensorflow_hub reads with no daemon and no network.

    One copy of each module, and a link for each way to write its handle; the name without a
    version leads to the latest approved one. Jobs may read DIR meanwhile, and tensorflow_hub from
    0.12 on from a read-only mount. `hubproxy verify-dir DIR` checks it.

    Exit status: 0 written, 1 without modules that the store has not, or names that a client's own
    copy has; 2 something else lies in DIR.
    """
    from hubproxy import wiring
    from hubproxy.wiring.cachetrees import export

    wants, lock = read_wants_or_all((), wanted)
    choice = wiring.chosen(config, wants, told=note, lock=lock)
    tell_choice(choice, lock)
    tell_export(config, choice, f"a cache folder, {folder}")
    done = export(folder, choice, aliases, update=update, prune=prune)
    for one in done.absent:
        note(f"{one.record.handle}: left out, the store has it not: `hubproxy mirror sync` first")
    for spelling in done.taken:
        note(f"{spelling}: a client's own copy has that name, and was left as it is")
    names, copies = done.pruned
    Output(as_json).result(
        {
            "modules": [one.record.handle for one in done.modules],
            "copied": done.copied,
            "names": done.names,
            "pruned_names": names,
            "pruned_copies": copies,
            "absent": [one.record.handle for one in done.absent],
            "taken": list(done.taken),
        },
        text=f"{folder}: {len(done.modules)} modules, {done.copied} of them laid out now, under "
        f"{done.names} names" + (f"; {copies} removed" if prune else ""),
    )
    if done.absent or done.taken:
        raise click.exceptions.Exit(1)
