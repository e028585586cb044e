"""Reading bundles: verifying, showing, and taking them in."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hubproxy.cli.options import Output, configured, json_option, note
from hubproxy.config import Config

if TYPE_CHECKING:
    from hubproxy.trust.carriedlist import VerifiedBundle

_folders = click.argument(
    "folders",
    metavar="DIR...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
)
_root = click.option(
    "--root",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The list's root.json, from a trust officer.  [default: the one pinned here]",
)


@click.command("verify")
@configured()
@_folders
@_root
@json_option
def verify(config: Config, folders: Sequence[Path], root: Path | None, as_json: bool) -> None:
    """Verify every byte of the bundle in DIR, with the list's public keys and nothing else.

    It needs no store and no network, and changes nothing. DIR is a bundle's folder, or volumes
    of one.

    Exit status: 0 all of it is good, 1 something is not, 4 what is here is good, and volumes are
    missing.
    """
    from hubproxy.wiring import importing

    found = importing.verify(folders, importing.given_root(config, root))
    _tell(found, Output(as_json), "verified")
    missing = _missing(found)
    if missing:
        note(f"not looked at: {_volumes(missing, found)}")
        raise click.exceptions.Exit(4)


@click.command("show")
@configured()
@_folders
@_root
@json_option
def show(config: Config, folders: Sequence[Path], root: Path | None, as_json: bool) -> None:
    """Say what the bundle in DIR carries. Its list is verified; its archives are not read.

    Exit status: 0 shown, 1 it is no bundle, or its list does not verify.
    """
    from hubproxy.store.volumes import open_volumes
    from hubproxy.trust.carriedlist import verify_bundle
    from hubproxy.trust.client import TrustClient
    from hubproxy.wiring import importing, now

    pinned = importing.given_root(config, root)
    found = verify_bundle(
        open_volumes(folders),
        lambda source: TrustClient(Path("/nonexistent"), source, pinned, clock=now),
    )
    out = Output(as_json)
    for one in found.bundle.modules:
        where = f"volume {one.volume}" if one.volume else "not carried: the site has it"
        out.result(
            {
                "handle": one.handle,
                "format": one.format,
                "bytes": one.size,
                "record": one.record,
                "archive": one.archive,
                "volume": one.volume,
            },
            text=f"{one.handle}  {one.format}  {one.size:,} bytes  {where}",
        )
    _tell(found, out, "carries")


@click.command("import")
@configured()
@_folders
@_root
@json_option
def import_(config: Config, folders: Sequence[Path], root: Path | None, as_json: bool) -> None:
    """Take the bundle in DIR in: its modules into the store, its list into force.

    The list is verified before any archive is read, and each archive on its way in. Nothing can
    be seen of it before all can. DIR is only read; on the store's own disk its archives are
    linked, not copied. It runs beside a daemon or without one, goes on where it was cut short, and
    may begin with any volume. --root pins the list's root, where none is pinned yet.

    Exit status: 0 imported, or it was before; 1 failed; 3 something in it is not approved; 4 what
    is here was taken, and other volumes are still to come.
    """
    import asyncio

    from hubproxy.wiring import importing

    out = Output(as_json)
    done = asyncio.run(importing.import_bundle(config, folders, root, told=note))
    for one in done.absent:
        note(f"{one.handle}: not in the bundle, as this site once had it: make a new inventory")
    found = done.bundle
    if done.missing:
        out.result(
            {"bundle": str(found.bundle.digest), "missing_volumes": list(done.missing)},
            text=f"taken so far; {_volumes(done.missing, found)} still to come",
        )
        note("insert one and run the same command again: nothing is served of it until then")
        raise click.exceptions.Exit(4)
    how = "was imported before" if done.done_before else "imported"
    out.result(
        {
            "bundle": str(found.bundle.digest),
            "modules": [one.handle for one in done.modules],
            "trust": str(found.snapshot.versions),
            "valid_until": found.snapshot.expires.isoformat(),
            "done_before": done.done_before,
            "absent": [one.handle for one in done.absent],
        },
        text=f"{how}: {len(done.modules)} modules; trust list {found.snapshot.versions}, good "
        f"until {found.snapshot.expires:%Y-%m-%d}",
    )
    if done.absent:
        raise click.exceptions.Exit(1)


def _tell(found: "VerifiedBundle", out: Output, verb: str) -> None:
    bundle, expires = found.bundle, found.snapshot.expires
    archives = {one.archive: one.size for one in bundle.modules if one.volume}
    contents = "signed" if found.signed else "not signed as a whole"
    out.result(
        {
            "bundle": str(bundle.digest),
            "modules": len(bundle.modules),
            "archives": len(archives),
            "bytes": sum(archives.values()),
            "volumes": bundle.volumes,
            "volumes_here": [volume.number for volume in found.volumes],
            "trust": str(found.snapshot.versions),
            "valid_until": expires.isoformat(),
            "contents_signed": found.signed,
        },
        text=f"{verb}: {len(bundle.modules)} modules, {len(archives)} archives of "
        f"{sum(archives.values()):,} bytes, {len(found.volumes)} of {bundle.volumes} volumes; "
        f"trust list {found.snapshot.versions}, good until {expires:%Y-%m-%d}; "
        f"table of contents {contents}",
    )


def _missing(found: "VerifiedBundle") -> tuple[int, ...]:
    here = {volume.number for volume in found.volumes}
    return tuple(number for number in range(1, found.bundle.volumes + 1) if number not in here)


def _volumes(numbers: Sequence[int], found: "VerifiedBundle") -> str:
    many = "volume" if len(numbers) == 1 else "volumes"
    return f"{many} {', '.join(map(str, numbers))} of {found.bundle.volumes}"
