"""`hubproxy verify-dir`: is a copy of a module still what the officers approved?"""

from pathlib import Path

import click

from hubproxy.cli.options import HandleType, Output, configured, json_option, note
from hubproxy.config import Config
from hubproxy.core.handle import Handle


@click.command("verify-dir")
@configured()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("handle", type=HandleType(), required=False)
@click.option("--repair", "repaired", is_flag=True, help="Heal a cache folder from the store.")
@json_option
def command(
    config: Config, folder: Path, handle: Handle | None, repaired: bool, as_json: bool
) -> None:
    """Compare copies of modules with the trust list: all that is in DIR, a TFHUB_CACHE_DIR that
    was exported or that a client has filled; or DIR alone, as a copy of HANDLE.

    It trusts the list alone, not the daemon that a copy came from. Every file that is missing,
    changed or extra is named; a link within a module is never followed, and never good. Where a
    module is approved in several formats, it is held against the one that comes nearest.

    With --repair, what differs is laid out anew from the store, and what dead downloads have left
    is removed; what is foreign is left, and named.

    Exit status: 0 all is good, or was healed; 1 something is not; 3 HANDLE is not approved.
    """
    from hubproxy.errors import UsageError

    out = Output(as_json)
    if handle is not None:
        if repaired:
            raise UsageError("--repair heals a whole cache folder", remedy="Leave HANDLE out.")
        _check_one(config, folder, handle, out)
    elif not _check_tree(config, folder, repaired, out):
        raise click.exceptions.Exit(1)


def _check_tree(config: Config, folder: Path, repaired: bool, out: Output) -> bool:
    """Whether all that lies in a cache folder is good, or was healed."""
    from hubproxy.wiring import treechecking

    left = good = healed = 0
    for one in treechecking.check_tree(config, folder):
        done = "" if one.good or not repaired else treechecking.repair(config, folder, one)
        good += one.good
        healed += done in ("healed", "removed")
        left += not one.good and done not in ("healed", "removed")
        said = "; ".join(filter(None, (one.text, done)))
        lines = [
            f"{one.kind:<12}  {one.place.name}  {one.handle}" + (f"  ({said})" if said else "")
        ]
        lines += [
            f"  {differing.kind:<10}  {differing.path}"
            + (f"  ({differing.text})" if differing.text else "")
            for differing in one.differing
        ]
        out.result(
            {
                "kind": one.kind,
                "place": str(one.place),
                "names": list(one.names),
                "handle": one.handle,
                "text": one.text,
                "done": done,
                "differing": [
                    {"kind": differing.kind, "path": differing.path, "text": differing.text}
                    for differing in one.differing
                ],
            },
            text=lines,
        )
    note(f"{folder}: {good} good, {healed} healed, {left} not as approved")
    return not left


def _check_one(config: Config, folder: Path, handle: Handle, out: Output) -> None:
    from hubproxy import wiring
    from hubproxy.core.trust import judge, unlisted
    from hubproxy.errors import DeniedError, UsageError
    from hubproxy.store.moduledir import differences

    lookup = wiring.lookup(config)
    exact = lookup.exact(handle)
    found = lookup.find(exact) if exact.version is not None else []
    verdicts = [judge(record, listed) for listed, record in found]
    if None not in verdicts:
        no = next((one for one in verdicts if one), unlisted(handle, lookup.snapshot.versions))
        raise DeniedError(no.code, no.status, no.message, remedy=no.remedy)
    approved = [record for (_, record), no in zip(found, verdicts, strict=True) if no is None]
    try:
        compared = [(differences(folder, record.files), record) for record in approved]
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be read: {error.strerror}",
            remedy="Name the folder that holds the module's files.",
        ) from error
    wrong, record = min(compared, key=lambda one: len(one[0]))
    for one in wrong:
        text = f"{one.kind:<10}  {one.path}" + (f"  ({one.text})" if one.text else "")
        out.result({"kind": one.kind, "path": one.path, "text": one.text}, text=text)
    if wrong:
        click.echo(f"{folder} is not {exact} as it was approved", err=True)
        raise click.exceptions.Exit(1)
    out.result(
        {"kind": "same", "handle": str(exact), "tree": record.tree, "files": len(record.files)},
        text=f"{folder} is {exact} as it was approved: {len(record.files)} files, {record.tree}",
    )
