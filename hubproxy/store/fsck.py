"""Reading the whole store through: what is damaged, missing, or nobody's."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from hubproxy.core.digest import Descriptor, Digest
from hubproxy.core.record import Record
from hubproxy.store.blobs import BlobStore
from hubproxy.store.refs import Ref, RefStore

Kind = Literal["checked", "damaged", "missing", "bad-ref", "unreferenced"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Args:
        kind: `checked` is good; `unreferenced` is harmless (a cut before its name was set, or
            a record that has been replaced); the others are faults.
        subject: a digest, or a handle with its format.
        text: what is wrong; empty when nothing is.
    """

    kind: Kind
    subject: str
    text: str = ""

    @property
    def fault(self) -> bool:
        return self.kind in ("damaged", "missing", "bad-ref")


def check_store(blobs: BlobStore, refs: RefStore, pins: RefStore) -> Iterator[Finding]:
    """Re-hash every blob and follow every name. Blocks; yields as it goes.

    Damaged blobs are moved to quarantine, and names that lead nowhere are dropped: the module
    is fetched anew when it is next asked for. A pin stays when its archive has gone, as it is
    what first use remembers.

    Args:
        blobs: the blobs.
        refs: the names, loaded.
        pins: what first use has pinned, loaded.
    """
    sizes = {digest: held.size for digest, held in blobs.scan().items()}
    for digest in sorted(sizes):
        try:
            fault = "" if blobs.rehash(digest) else "its bytes are not those of its name"
        except OSError as error:
            fault = f"it cannot be read ({error.strerror})"
        if not fault:
            yield Finding("checked", str(digest))
            continue
        del sizes[digest]
        away = blobs.quarantine(digest)
        yield Finding("damaged", str(digest), f"{fault}; moved to {away}")
    for path in refs.damaged:
        path.unlink(missing_ok=True)
        yield Finding("bad-ref", path.name, f"{path} could not be read, and was removed")
    for path in pins.damaged:
        yield Finding("bad-ref", path.name, f"{path} cannot be read: what first use pinned is lost")
    named: set[Digest] = set()
    for exact, form, ref in refs:
        fault = _fault(blobs, ref, sizes)
        if fault:
            refs.drop(exact, form)
            yield Finding("missing", f"{exact} ({form})", fault)
        named |= {ref.record_digest, ref.archive_digest}
    named |= {digest for _, _, ref in pins for digest in (ref.record_digest, ref.archive_digest)}
    for digest in sorted(sizes.keys() - named):
        yield Finding("unreferenced", str(digest), f"{sizes[digest]:,} bytes that no name leads to")


def _fault(blobs: BlobStore, ref: Ref, sizes: dict[Digest, int]) -> str:
    if ref.record_digest not in sizes:
        return f"its record {ref.record} is not in the store"
    try:
        record = Record.decode(blobs.read(Descriptor(ref.record_digest, ref.record_size)))
    except ValueError as error:
        return f"its record {ref.record} cannot be read: {error}"
    if record.archive.digest != ref.archive:
        return f"its record names another archive than {ref.archive}"
    if sizes.get(ref.archive_digest) != record.archive.size:
        return f"its archive {ref.archive} is not in the store"
    return ""
