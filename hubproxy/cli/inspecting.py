"""How `hubproxy inspect` looks into one module: no network, no settings, no data folder.

What is fetched is fetched into a file first, by `wiring`, which takes a second to load; a file
that lies here already needs none of it.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from hubproxy.core.audit import timestamp
from hubproxy.core.finding import Finding
from hubproxy.core.handle import Handle
from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.record import Record
from hubproxy.errors import NotAModelError, StorageFullError, UnsafeArchiveError
from hubproxy.inspection.gate import VERSION
from hubproxy.inspection.gate.optable import TABLE
from hubproxy.inspection.inspected import Inspected
from hubproxy.inspection.reader import inspect
from hubproxy.store.drafts import Drafts
from hubproxy.store.packing import Packed, pack
from hubproxy.store.threads import in_thread

_NAMELESS = Handle("localhost", "inspected", 0)
"""A record is of a handle; one that is made here is shown to nobody."""

_READ = 1024 * 1024
_LIMITS = ArchiveLimits()


@dataclass(frozen=True, slots=True)
class Looked:
    """One module that was looked into.

    Args:
        name: as it was asked for.
        made_of: as in `Packed`.
        record: None where the archive was refused, so that nothing in it could be looked at.
    """

    name: str
    made_of: str
    record: Record | None
    inspected: Inspected


async def look(path: Path, name: str, called: str, folder: Path) -> Looked:
    """Look into a file or a folder.

    Args:
        name: what it was asked for by.
        called: what the file is called, whose ending counts.
        folder: a temporary one, for what is unpacked.

    Raises:
        NotAModelError: it cannot be read, or is no model.
        StorageFullError: the temporary folder has no room.
    """
    made_of = ""
    try:
        packed = pack(path, called, _LIMITS)
        made_of = packed.made_of
        record, inspected = await _unpacked(packed, called, folder)
    except UnsafeArchiveError as error:
        return Looked(name, made_of, None, _refused(error))
    except StorageFullError as error:
        raise StorageFullError(
            f"{folder.parent} has no room for what is in {name}",
            remedy="Free some, or let TMPDIR name a folder on a larger disk.",
        ) from error
    if not inspected.formats and not inspected.findings:
        raise NotAModelError(
            f"nothing in {name} is a model that hubproxy knows",
            remedy="It knows SavedModels, modules of TensorFlow 1, Keras, TFLite and TF.js.",
        )
    return Looked(name, made_of, record, inspected)


def spool(descriptor: int, folder: Path) -> Path:
    """Read a pipe to its end, into a file of a temporary folder. Blocks."""
    path = folder / "input"
    with path.open("wb") as file:
        for piece in _pieces(descriptor):
            file.write(piece)
            if file.tell() > _LIMITS.unpacked_bytes:
                raise NotAModelError(f"it has more than {_LIMITS.unpacked_bytes:,} bytes")
    return path


def _pieces(descriptor: int) -> Iterator[bytes]:
    while piece := os.read(descriptor, _READ):
        yield piece


async def _unpacked(packed: Packed, called: str, folder: Path) -> tuple[Record, Inspected]:
    async with Drafts(folder / "unpacked", _LIMITS).discover() as discovery:
        async with discovery.attempt() as feed:
            for piece in packed.pieces:
                await feed.write(piece)
            found = await feed.finish()
        at = timestamp(datetime.now(UTC))
        record = await discovery.describe(_NAMELESS, found, url=called, decided_at=at)
        looked = partial(inspect, discovery.part.descriptor, record)
        return record, await in_thread(looked)


def _refused(error: UnsafeArchiveError) -> Inspected:
    """What there is to say of an archive that the reader has refused."""
    finding = Finding(
        name="archive:unsafe",
        where="the archive",
        why=str(error).removeprefix("unsafe archive: "),
        remedy=error.remedy,
        verdict="refuse",
    )
    return Inspected(findings=(finding,), gate=VERSION, table=TABLE)
