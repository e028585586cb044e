"""Writing a draft's folder: the changes, what they build on, and the new roles, unsigned."""

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from secrets import token_hex

import msgspec

from hubproxy.core.policy import POLICY_PATH
from hubproxy.core.trustlist import TOP
from hubproxy.files import fsync_folder, make_folder, write_whole
from hubproxy.trust.build import Built, build
from hubproxy.trust.carried import MANIFEST, CarriedFolder
from hubproxy.trust.changes import Begin, Change, Put, Remove
from hubproxy.trust.contents import Contents, published_name
from hubproxy.trust.disk import locked
from hubproxy.trust.entries import asked, digest_of, earlier_targets
from hubproxy.trust.inforce import InForce
from hubproxy.trust.officer import Repository
from hubproxy.trust.signing import to_file

DRAFT_NAME = re.compile(r"D[1-9][0-9]{0,8}")
COUNTER = "last"
"""The file that holds the name of the draft that was made last."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`draft.json`: all that a draft is, besides the files that it names by digest."""

    v: int = 1
    name: str
    made_at: datetime
    note: str = ""
    changes: tuple[Change, ...]


def new_draft(
    drafts: Path,
    repository: Repository,
    changes: Sequence[Change],
    contents: Contents | None,
    *,
    note: str,
) -> str:
    """Build a draft beside the others; returns its name.

    Raises:
        UsageError: as `write_draft`.
        TrustListError: as `write_draft`.
    """
    contents = repository.contents() if contents is None else contents.beside(repository.published)
    make_folder(drafts, mode=0o700)
    with locked(drafts / ".lock"):
        name = next_name(drafts)
        manifest = Manifest(
            name=name, made_at=repository.clock(), note=note, changes=tuple(changes)
        )
        work = drafts / f".{name}.{token_hex(8)}"
        try:
            write_draft(work, repository, manifest, contents)
            work.rename(drafts / name)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        fsync_folder(drafts)
        write_whole(drafts / COUNTER, name.encode())
    return name


def write_draft(work: Path, repository: Repository, manifest: Manifest, contents: Contents) -> None:
    """Build a draft in a new folder.

    Raises:
        UsageError: a change that makes no sense, or of which a file is missing.
        TrustListError: HP-T09 the list in force does not verify.
    """
    base = None
    if any(isinstance(change, Begin) for change in manifest.changes):
        repository.check_not_begun()
    else:
        base = repository.in_force()
    built = build(base, manifest.changes, contents, manifest.made_at)
    make_folder(work, mode=0o700)
    folder = CarriedFolder(work)
    folder.write(MANIFEST, msgspec.json.encode(manifest))
    for name in built.names:
        folder.write(name, contents.read_named(name))
    if base is not None:
        for name, data in _base_files(repository, base, manifest.changes, built):
            folder.write(f"base/{name}", data)
    for part in built.parts():
        folder.write(f"metadata/{part.name}", to_file(part.file))


def _base_files(
    repository: Repository, base: InForce, changes: Sequence[Change], built: Built
) -> Iterator[tuple[str, bytes]]:
    """What whoever signs needs to verify the list in force, and to see what changes."""
    names = [f"{version}.root.json" for version in range(1, len(base.roots) + 1)]
    names += ["timestamp.json", base.role_path("snapshot").name, base.role_path(TOP).name]
    teams = {name: None for name in (*built.teams, *built.undelegated) if name in base.delegated}
    earlier = []
    if POLICY_PATH in base.targets.signed.targets:
        earlier.append(base.targets.signed.targets[POLICY_PATH])
    for change in changes:
        if isinstance(change, Put | Remove):
            teams |= {name: None for name in asked(built, change) if name != TOP}
            earlier += earlier_targets(built, change)
    names += [base.role_path(name).name for name in teams]
    for name in names:
        yield name, (base.folder / name).read_bytes()
    for target in earlier:
        name = published_name("records", digest_of(target))
        data = repository.published(name)
        if data is not None:  # an altered one is told where it is looked at
            yield name, data


def replace_draft(
    folder: Path, repository: Repository, manifest: Manifest, contents: Contents
) -> None:
    """Build a draft anew, in the place of what is there; which stays if that fails.

    Raises:
        UsageError: as `write_draft`.
        TrustListError: as `write_draft`.
    """
    work = folder.with_name(f".{folder.name}.{token_hex(8)}")
    old = work.with_name(f"{work.name}.old")
    try:
        write_draft(work, repository, manifest, contents)
        folder.rename(old)
        try:
            work.rename(folder)
        except BaseException:
            old.rename(folder)
            raise
        fsync_folder(folder.parent)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def drafts_in(folder: Path) -> tuple[str, ...]:
    """The names of the drafts on this host, in the order in which they were made."""
    if not folder.is_dir():
        return ()
    names = [path.name for path in folder.iterdir() if DRAFT_NAME.fullmatch(path.name)]
    return tuple(sorted(names, key=lambda name: int(name[1:])))


def next_name(drafts: Path) -> str:
    """A name that no draft of this host had before."""
    numbers = [int(name[1:]) for name in drafts_in(drafts)]
    with suppress(OSError, ValueError):
        numbers.append(int((drafts / COUNTER).read_text()[1:]))
    return f"D{max(numbers, default=0) + 1}"
