"""`hubproxy verify-dir`: is a copy of a module still what the officers approved?"""

from pathlib import Path

import click

from hubproxy.cli.options import HandleType, Output, configured, json_option
from hubproxy.config import Config
from hubproxy.core.handle import Handle


@click.command("verify-dir")
@configured()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("handle", type=HandleType())
@json_option
def command(config: Config, folder: Path, handle: Handle, as_json: bool) -> None:
    """Compare DIR, such as a client's cached copy, with the record of HANDLE on the trust list:
    where it is approved in several formats, with the one that comes nearest.

    It trusts the list alone, not the daemon that the copy came from. Every file that is missing,
    changed or extra is named; a link is never followed, and never good.

    Exit status: 0 the very files, 1 they differ, 3 HANDLE is not approved.
    """
    from hubproxy import wiring
    from hubproxy.core.trust import judge, unlisted
    from hubproxy.errors import DeniedError, UsageError
    from hubproxy.store.moduledir import differences

    lookup, out = wiring.lookup(config), Output(as_json)
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
