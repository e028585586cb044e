"""`hubproxy fsck`: is everything in the store what its name says?"""

import click

from hubproxy.cli.options import Output, configured, json_option, note
from hubproxy.config import Config


@click.command("fsck")
@configured()
@json_option
def command(config: Config, as_json: bool) -> None:
    """Re-hash every blob and follow every name; put aside what is damaged.

    Stop the daemon first: a data folder has one owner.

    Exit status: 0 no fault, 1 faults were found.
    """
    from hubproxy import wiring
    from hubproxy.store.fsck import check_store

    out, checked, faults, loose = Output(as_json), 0, 0, 0
    with wiring.open_stores(config) as stores:
        for found in check_store(stores.blobs, stores.refs, stores.pins):
            checked += found.kind == "checked"
            loose += found.kind == "unreferenced"
            faults += found.fault
            if found.fault:
                out.result(
                    {"kind": found.kind, "subject": found.subject, "text": found.text},
                    text=f"{found.kind}: {found.subject}: {found.text}",
                )
    note(f"{checked} blobs are good, {faults} faults, {loose} without a name")
    if faults:
        raise click.exceptions.Exit(1)
