"""A whole cache folder, held against the trust list; and healed from the store."""

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from hubproxy.config import Config
from hubproxy.core.cachetree import key_of, spellings
from hubproxy.core.handle import Handle
from hubproxy.core.record import Record
from hubproxy.core.trust import Verdict, judge
from hubproxy.errors import UsageError
from hubproxy.service.lookup import Lookup
from hubproxy.store.blobs import blob_path
from hubproxy.store.exportfolder import OWN
from hubproxy.store.layout import lay_out
from hubproxy.store.moduledir import Difference, differences
from hubproxy.store.treecheck import Contents, Lock, look, remove
from hubproxy.wiring.cachetrees import LOADED
from hubproxy.wiring.places import places
from hubproxy.wiring.reports import lookup


@dataclass(frozen=True, slots=True)
class Checked:
    """What a cache folder has under one name, or several that lead to one module.

    Args:
        kind: `good`; `foreign`, where nothing that is listed is written so; `denied`, where it is
            revoked or not approved; `changed`; `half-deleted`, where files are missing and the
            others are right; `broken`, a link that leads nowhere; `lock`; or `leftover`.
        place: of the module's folder, of the lock, or of what was left behind.
        record: that it was held against: of several that are approved, the one that is nearest.
    """

    kind: str
    place: Path
    names: tuple[str, ...] = ()
    handle: str = ""
    text: str = ""
    differing: tuple[Difference, ...] = ()
    record: Record | None = None
    lock: Lock | None = None

    @property
    def good(self) -> bool:
        """Whether nobody need look at it."""
        return self.kind == "good" or (self.lock is not None and self.lock.state == "alive")


@dataclass(slots=True)
class _Known:
    """Handles by the keys under which a client may have them, and their records as needed."""

    lookup: Lookup
    keys: dict[str, Handle] = field(default_factory=dict)

    def records(self, handle: Handle) -> list[tuple[Record, Verdict | None]]:
        return [(record, judge(record, listed)) for listed, record in self.lookup.find(handle)]


def check_tree(config: Config, folder: Path) -> Iterator[Checked]:
    """Hold everything in a cache folder against the list, name by name.

    Every file is read, with as many threads as there are cores.

    Raises:
        UsageError: the folder cannot be read.
        TrustListError: the list cannot be read.
    """
    try:
        contents = look(folder)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be read: {error.strerror}", remedy="Name a cache folder."
        ) from error
    if not (contents.modules or contents.broken or contents.locks or contents.leftovers) and any(
        folder.iterdir()
    ):
        raise UsageError(
            f"{folder} is no cache folder of tensorflow_hub",
            remedy="Name one; or, for the folder of one module, its HANDLE as well.",
        )
    known = _known(lookup(config))
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        for place, keys in contents.modules.items():
            yield _checked(place, keys, contents, known, threads)
    for key in contents.broken:
        yield Checked("broken", folder / key, (key,), text="it leads nowhere")
    for lock in contents.locks:
        told = {
            "dead": "held by a process that has ended",
            "alive": "a download that is under way",
            "elsewhere": f"held by another host for {lock.seconds / 60:,.0f} minutes",
        }
        yield Checked("lock", lock.path, (lock.key,), text=told[lock.state], lock=lock)
    for path in contents.leftovers:
        yield Checked("leftover", path, text="a download that nobody goes on with")


def repair(config: Config, folder: Path, one: Checked) -> str:
    """Heal one thing, if it can be: says what was done, or why nothing was.

    What a link leads to outside of the folder is never touched.

    Raises:
        MismatchError: the store's own copy is damaged.
    """
    if one.kind == "leftover" or (one.lock is not None and one.lock.state == "dead"):
        remove(one.place)
        return "removed"
    if one.kind not in ("changed", "half-deleted") or one.record is None:
        return ""
    if not one.place.is_relative_to(folder.resolve()):
        return f"not healed: it lies outside of the folder, at {one.place}"
    archive = blob_path(places(config).data, one.record.archive_digest)
    if not archive.is_file():
        return f"not healed: the store has it not: `hubproxy mirror sync {one.record.handle}`"
    lay_out(one.record, archive, one.place, _beside(one.place))
    return "healed"


def _beside(place: Path) -> Path:
    """Where a new copy is built: where no client takes it for a module."""
    own = place.parent / OWN
    if place.parent.name == "modules" and place.parent.parent.name == OWN:
        own = place.parent.parent
    own.mkdir(exist_ok=True)
    return own


def _known(found: Lookup) -> _Known:
    known = _Known(found)
    for listed in found.listed():
        for handle in (listed.exact, listed.exact.unversioned):
            for text in spellings(handle):
                known.keys[key_of(text)] = handle
    return known


def _checked(
    place: Path, keys: list[str], contents: Contents, known: _Known, threads: Executor
) -> Checked:
    names = tuple(keys)
    # Of an exact name and one without a version that lead to one copy, the exact one tells more.
    handles = sorted((known.keys[key] for key in keys if key in known.keys), key=_is_exact)
    handle = handles[-1] if handles else None
    if handle is None:
        typed = next((contents.spelled[key] for key in keys if key in contents.spelled), "")
        handle = _parsed(typed)
        if handle is None:
            said = f"typed as {typed}" if typed else "nothing that is listed is written so"
            return Checked("foreign", place, names, text=said)
    found = known.records(handle)
    if not found:
        return Checked("foreign", place, names, str(handle), "not on the trust list")
    return _nearest(place, names, handle, found, threads)


def _nearest(
    place: Path,
    names: tuple[str, ...],
    handle: Handle,
    found: list[tuple[Record, Verdict | None]],
    threads: Executor,
) -> Checked:
    """What a folder is nearest to: the approved come first, and what is revoked counts as well."""
    best: tuple[list[Difference], Record, Verdict | None] | None = None
    for record, verdict in sorted(found, key=_by_likelihood):
        try:
            differing = differences(place, record.files, threads)
        except OSError as error:
            return Checked("changed", place, names, str(handle), error.strerror or "unreadable")
        if best is None or len(differing) < len(best[0]):
            best = differing, record, verdict
        if not differing:
            break
    assert best is not None
    differing, record, verdict = best
    if verdict is not None:
        return Checked("denied", place, names, record.handle, verdict.message, tuple(differing))
    kind = "good"
    if differing:
        missing = all(one.kind == "missing" for one in differing)
        kind = "half-deleted" if missing else "changed"
    return Checked(kind, place, names, record.handle, "", tuple(differing), record)


def _by_likelihood(found: tuple[Record, Verdict | None]) -> tuple[bool, bool]:
    record, verdict = found
    return verdict is not None, record.format not in LOADED


def _is_exact(handle: Handle) -> bool:
    return handle.version is not None


def _parsed(typed: str) -> Handle | None:
    try:
        return Handle.parse(typed) if typed else None
    except ValueError:
        return None
