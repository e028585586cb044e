"""Bundles, where the network is not: verified by the list alone, then taken in as one batch."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hubproxy.config import Config
from hubproxy.core.bundle import BundleModule
from hubproxy.core.record import Record
from hubproxy.core.staged import Ready
from hubproxy.errors import DataFolderError, StorageFullError, TrustListError, UsageError
from hubproxy.files import make_folder, write_whole
from hubproxy.service.listlog import refuse_older
from hubproxy.store.blobs import blob_path
from hubproxy.store.clone import check, take
from hubproxy.store.staging import Stage, Staging
from hubproxy.store.volumes import open_volumes
from hubproxy.trust.carriedlist import VerifiedBundle, verify_bundle
from hubproxy.trust.client import TrustClient
from hubproxy.trust.inforce import load
from hubproxy.wiring.adopting import list_folder, settle
from hubproxy.wiring.places import now, places
from hubproxy.wiring.trust import bundled_client, pinned_root

_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import.

    Args:
        modules: that are here now; empty while volumes are to come.
        missing: numbers of the volumes that are still to come.
        absent: modules that the bundle left out because this site had them, and it has not.
        done_before: whether it was imported already.
    """

    bundle: VerifiedBundle
    modules: tuple[BundleModule, ...] = ()
    missing: tuple[int, ...] = ()
    absent: tuple[BundleModule, ...] = ()
    done_before: bool = False


def verify(folders: Sequence[Path], root: bytes) -> VerifiedBundle:
    """Verify all that is there of a bundle, with the list's public keys alone.

    Raises:
        HubproxyError: something in it is not as the list has it.
    """
    found = verify_bundle(
        open_volumes(folders),
        lambda source: TrustClient(Path("/nonexistent"), source, root, clock=now),
    )
    for volume in found.volumes[1:]:
        for file in found.bundle.files:
            volume.read(file.digest, file.size)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        checks = [
            threads.submit(check, volume.path(digest), found.records[module.record])
            for volume in found.volumes
            for digest, module in found.bundle.archives(volume.number).items()
        ]
        for one in checks:
            one.result()
    return found


def given_root(config: Config, file: Path | None) -> bytes:
    """The root that a bundle is verified from: as given, or as pinned on this host.

    Raises:
        UsageError: the file cannot be read.
        TrustListError: none is given, and none is pinned.
    """
    if file is None:
        return pinned_root(config)
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"the root {file} cannot be read: {error.strerror}",
            remedy="Name the root.json that a trust officer has given you.",
        ) from error


async def import_bundle(
    config: Config, folders: Sequence[Path], root: Path | None, *, told: Callable[[str], None]
) -> Imported:
    """Take a bundle in, or what is there of it; the rest may come later, in any order.

    Its folders are only read. Nothing of it can be seen before all of it can.

    Args:
        root: the list's root, to be pinned where none is; None for the one that is.
        told: is told what is waited for.

    Raises:
        HubproxyError: something in it is not as the list has it, or is older than what this site
            has seen; or there is no room. What was verified stays staged.
    """
    pinned = given_root(config, root)
    if root is not None:
        _check_root(config, pinned)
    found = verify_bundle(
        open_volumes(folders), lambda source: bundled_client(config, source, pinned)
    )
    _check_not_older(config, found)
    staging = Staging(places(config).data)
    with staging.writing(told):
        stage = staging.stage(f"import-{found.bundle.digest.hex}")
        if stage.is_ready:
            await settle(config)
            return Imported(found, found.bundle.modules, done_before=True)
        if _is_done(config, found):
            return Imported(found, found.bundle.modules, done_before=True)
        if root is not None:
            _pin(config, pinned)
        stage.begin()
        _stage_archives(config, found, stage)
        here, missing, absent = _sort(config, found, stage)
        if missing:
            return Imported(found, missing=missing, absent=absent)
        _stage_rest(config, found, stage, here)
        await settle(config)
        _note_done(config, found)
    return Imported(found, here, absent=absent)


def _check_not_older(config: Config, found: VerifiedBundle) -> None:
    """See that the list is not older than the one that was brought here last.

    Raises:
        TrustListError: HP-T08: it is.
    """
    folder = list_folder(config)
    if folder is None:
        return
    try:
        held = load(folder / "metadata").versions
    except (UsageError, TrustListError):
        return  # there is none yet, or it is damaged: what the audit log tells of holds as well
    refuse_older(found.snapshot, held)


def _stage_archives(config: Config, found: VerifiedBundle, stage: Stage) -> None:
    """Take in what the volumes have and the store lacks; each archive is checked on the way."""
    jobs: list[tuple[Path, Record]] = []
    for volume in found.volumes:
        for digest, module in found.bundle.archives(volume.number).items():
            record = found.records[module.record]
            if not stage.has(record) and not _in_store(config, record):
                jobs.append((volume.path(digest), record))
    _check_room(config, stage, jobs)

    def work(source: Path, record: Record) -> None:
        path = stage.new_path()
        take(source, path, record, link=True)
        stage.keep(record, path)

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        taken = [threads.submit(work, *job) for job in jobs]
        try:
            for one in taken:
                one.result()
        except BaseException:
            for one in taken:
                one.cancel()
            raise


def _sort(
    config: Config, found: VerifiedBundle, stage: Stage
) -> tuple[tuple[BundleModule, ...], tuple[int, ...], tuple[BundleModule, ...]]:
    """The modules whose archive is here, the volumes of the others, and those of no volume."""
    here, absent = [], []
    missing: set[int] = set()
    for module in found.bundle.modules:
        record = found.records[module.record]
        if stage.has(record) or _in_store(config, record):
            here.append(module)
        elif module.volume:
            missing.add(module.volume)
        else:
            absent.append(module)
    return tuple(here), tuple(sorted(missing)), tuple(absent)


def _stage_rest(
    config: Config, found: VerifiedBundle, stage: Stage, here: Sequence[BundleModule]
) -> None:
    if list_folder(config) is not None:
        for name, data in found.files():
            stage.put_list_file(name, data)
    records = tuple(stage.put_record(found.records[module.record]) for module in here)
    versions = found.snapshot.versions
    stage.ready(
        Ready(
            event="import",
            id=found.bundle.digest.hex[:32],
            caller="bundle import",
            reason=f"bundle {found.bundle.digest}, list {versions}, {len(here)} modules",
            records=records,
        )
    )


def _check_room(config: Config, stage: Stage, jobs: Sequence[tuple[Path, Record]]) -> None:
    """See that what must be copied leaves the disk its floor; what can be linked needs no room."""
    here = stage.folder.stat().st_dev
    size = sum(
        record.archive.size
        for source, record in jobs
        if source.exists() and source.stat().st_dev != here
    )
    status = os.statvfs(stage.folder)
    free = status.f_bavail * status.f_frsize
    if size and free - size < config.store.free_floor_bytes:
        raise StorageFullError(
            f"there is no room for {size:,} more bytes: the disk has {free:,} left, of which "
            f"{config.store.free_floor_bytes:,} stay free",
            remedy="Free space on the disk of the data folder, or copy the bundle onto that disk.",
        )


def _in_store(config: Config, record: Record) -> bool:
    try:
        found = blob_path(places(config).data, record.archive_digest).stat()
    except OSError:
        return False
    return found.st_size == record.archive.size


def _is_done(config: Config, found: VerifiedBundle) -> bool:
    """Whether this very bundle was imported, and all of it is still here."""
    if str(found.bundle.digest) not in _done(config):
        return False
    return all(_in_store(config, found.records[one.record]) for one in found.bundle.modules)


def _done(config: Config) -> list[str]:
    try:
        return msgspec.json.decode(_done_path(config).read_bytes(), type=list[str])
    except (OSError, msgspec.MsgspecError):
        return []


def _note_done(config: Config, found: VerifiedBundle) -> None:
    known = [one for one in _done(config) if one != str(found.bundle.digest)]
    text = msgspec.json.encode([*known, str(found.bundle.digest)][-100:])
    with suppress(OSError):  # without it, the next import of it looks at everything again
        make_folder(_done_path(config).parent, mode=0o700)
        write_whole(_done_path(config), text, mode=0o600)


def _done_path(config: Config) -> Path:
    return places(config).data / "bundle" / "imported.json"


def _check_root(config: Config, given: bytes) -> None:
    """See that another root than the one that is pinned here is not slipped in by a flag."""
    try:
        pinned = pinned_root(config)
    except TrustListError:
        return
    if pinned != given:
        raise UsageError(
            "another root is pinned on this host already",
            remedy="Leave --root out. If the list was begun anew, put its root.json into "
            f"{config.trust.root or places(config).root} by hand.",
        )


def _pin(config: Config, root: bytes) -> None:
    if config.trust.root:
        return
    try:
        make_folder(places(config).root.parent, mode=0o700)
        write_whole(places(config).root, root)
    except OSError as error:
        raise DataFolderError(
            f"the root cannot be kept: {error.strerror}", remedy="Mend the data folder."
        ) from error
