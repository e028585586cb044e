"""Making bundles, where the network is."""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hubproxy.config import Config
from hubproxy.core.bundle import Bundle, BundleFile, BundleModule, module_key, split_volumes
from hubproxy.core.inventory import LARGEST_INVENTORY, Inventory, SignedInventory
from hubproxy.core.record import Record
from hubproxy.errors import UsageError
from hubproxy.store.volumes import BundleWriter
from hubproxy.trust.contents import published_name
from hubproxy.trust.sitekey import check_inventory
from hubproxy.trust.whole import beside
from hubproxy.wiring.carrying import CarriedList, carried_list
from hubproxy.wiring.choosing import Choice, Stocked
from hubproxy.wiring.places import places
from hubproxy.wiring.reports import stored_record

_COPIES = 2
"""Archives that are copied at the same time: one reads and writes while another is hashed."""


@dataclass(frozen=True, slots=True)
class Made:
    """A bundle that was written.

    Args:
        list: as it is carried.
        absent: modules that were left out, as the store has not their archive.
    """

    bundle: Bundle
    list: CarriedList
    absent: tuple[Stocked, ...]

    @property
    def size(self) -> int:
        """Bytes of the archives that it carries."""
        found = {one.archive: one.size for one in self.bundle.modules if one.volume}
        return sum(found.values())


def read_inventory(config: Config, file: Path, *, told: Callable[[str], None]) -> Inventory:
    """What a site says that it has.

    Raises:
        UsageError: the file is no inventory.
        SiteKeyError: it was altered, or is not signed by the key that the site is known by.
    """
    try:
        if file.stat().st_size > LARGEST_INVENTORY:
            raise ValueError(f"it has more than {LARGEST_INVENTORY:,} bytes")
        found = SignedInventory.decode(file.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{file} cannot be read as an inventory: {error}",
            remedy="Make it inside: `hubproxy bundle inventory -o FILE`.",
        ) from error
    known = places(config).data / "bundle" / "known_sites"
    if not check_inventory(found, known):
        told(
            f"{found.inventory.site} is new here; its key is {found.key}. Compare it with what "
            "`hubproxy bundle inventory` printed there; it is held to it from now on"
        )
    return found.inventory


def create(
    config: Config,
    folder: Path,
    choice: Choice,
    *,
    since: Inventory | None,
    split: int,
    days: int,
    told: Callable[[str], None],
) -> Made:
    """Write a bundle of what is chosen, and of the whole list.

    The same store, list and inventory give the same bytes.

    Args:
        folder: made; nothing lies there when this fails.
        since: what the site has, and is not carried; None for a site that has nothing.
        split: bytes that a volume may have; 0 for one volume.
        days: that the list is to live on the way and inside.
        told: is told what is not as one may think.

    Raises:
        UsageError: something lies at `folder`, or an archive is larger than a volume.
        MismatchError: an archive in the store is damaged.
    """
    writer = BundleWriter(folder)
    records, archives = _had(since)
    wanted = [
        one
        for one in choice.modules
        if one.record.descriptor.digest.hex not in records
        or one.record.archive_digest.hex not in archives
    ]
    here = [one for one in wanted if one.archive or one.record.archive_digest.hex in archives]
    contents = _contents(config, choice, here, records)
    listed = [_file(name, data) for name, data in contents.items()]
    to_copy = {
        one.record.archive.digest: one
        for one in here
        if one.record.archive_digest.hex not in archives
    }
    sizes = [
        (one.record.handle, digest, one.record.archive.size) for digest, one in to_copy.items()
    ]
    try:
        dealt = split_volumes(sizes, listed, split)
    except ValueError as error:
        raise UsageError(
            f"this does not fit into volumes of {split:,} bytes: {error}",
            remedy="Raise --split, or leave it out for one volume.",
        ) from error
    plain = _bundle(since, here, dealt, listed)
    carried = carried_list(
        config, choice.client, choice.snapshot, days=days, contents=plain.contents, told=told
    )
    contents |= dict(carried.files)
    bundle = _bundle(since, here, dealt, [_file(name, data) for name, data in contents.items()])
    try:
        _write(writer, bundle, to_copy, dealt, contents)
    except BaseException:
        writer.drop()
        raise
    absent = tuple(one for one in wanted if one not in here)
    return Made(bundle, carried, absent)


def _write(
    writer: BundleWriter,
    bundle: Bundle,
    archives: dict[str, Stocked],
    dealt: dict[str, int],
    contents: dict[str, bytes],
) -> None:
    volumes = {number: writer.volume(number, bundle) for number in range(1, bundle.volumes + 1)}
    for volume in volumes.values():
        for file in bundle.files:
            writer.put(volume, file.digest, contents[file.name])
    with ThreadPoolExecutor(_COPIES) as threads:
        copies = [
            threads.submit(writer.take, volumes[dealt[digest]], one.archive, one.record)
            for digest, one in archives.items()
            if one.archive is not None
        ]
        try:
            for copy in copies:
                copy.result()
        except BaseException:
            for copy in copies:
                copy.cancel()
            raise
    for number in volumes:
        writer.describe(number, bundle)
    writer.finish()


def _had(since: Inventory | None) -> tuple[frozenset[str], frozenset[str]]:
    if since is None:
        return frozenset(), frozenset()
    return frozenset(since.records), frozenset(since.archives)


def _contents(
    config: Config, choice: Choice, here: Sequence[Stocked], known: frozenset[str]
) -> dict[str, bytes]:
    """The records that go along, also those that take an approval back; and what they name."""
    records = {one.record.descriptor: one.record for one in here}
    snapshot = choice.snapshot
    for role in snapshot.roles.values():
        for path in role.revoked:
            wanted = role.targets[path]
            if wanted.digest.hex not in known:
                text = stored_record(config, wanted.digest) or choice.client.fetch_record(wanted)
                records[wanted] = Record.decode(text)
    found = {
        published_name("records", str(wanted.digest)): record.encode()
        for wanted, record in records.items()
    }
    for name, digest in beside(records.values()):
        found[name] = choice.client.fetch_file(name, digest)
    return found


def _bundle(
    since: Inventory | None,
    here: Sequence[Stocked],
    dealt: dict[str, int],
    files: Sequence[BundleFile],
) -> Bundle:
    return Bundle(
        since=since.digest if since else "",
        volumes=max(dealt.values(), default=1),
        modules=tuple(sorted(map(partial(_module, dealt), here), key=module_key)),
        files=tuple(sorted(files, key=lambda one: one.name)),
    )


def _module(dealt: dict[str, int], one: Stocked) -> BundleModule:
    record = one.record
    return BundleModule(
        handle=record.handle,
        format=record.format,
        record=str(record.descriptor.digest),
        archive=record.archive.digest,
        size=record.archive.size,
        volume=dealt.get(record.archive.digest, 0),
    )


def _file(name: str, data: bytes) -> BundleFile:
    return BundleFile(
        name=name, digest=f"sha256:{hashlib.sha256(data).hexdigest()}", size=len(data)
    )
