"""A bundle, held against the list that it carries: nothing in it that the list does not bind."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tuf.ngclient.fetcher import FetcherInterface

from hubproxy.core.bundle import Bundle
from hubproxy.core.record import Record
from hubproxy.core.trust import judge
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.errors import DeniedError, TrustListError
from hubproxy.trust.bundled import BundleFetcher, bound_contents
from hubproxy.trust.client import TrustClient
from hubproxy.trust.contents import named_by, published_name
from hubproxy.trust.whole import metadata

_REMEDY = "It was damaged or altered: copy it again from where it was made."


class Carrier(Protocol):
    """A volume: it has been found to say of itself what it must."""

    @property
    def number(self) -> int: ...
    @property
    def bundle(self) -> Bundle: ...
    @property
    def folder(self) -> Path: ...
    def path(self, digest: str) -> Path: ...
    def read(self, digest: str, size: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class VerifiedBundle:
    """A bundle of which everything but the archives was verified.

    Args:
        volumes: those at hand.
        snapshot: of the list that it carries, with every role read.
        records: digest -> record, of every module in it.
        signed: whether the list's own timestamp was signed to go with just these contents.
    """

    bundle: Bundle
    volumes: tuple[Carrier, ...]
    snapshot: TrustSnapshot
    records: Mapping[str, Record]
    signed: bool

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Every file of the list, its records, evidence and cards: published name and bytes."""
        for one in self.bundle.files:
            yield one.name, self.volumes[0].read(one.digest, one.size)


def verify_bundle(
    volumes: Sequence[Carrier], client_of: Callable[[FetcherInterface], TrustClient]
) -> VerifiedBundle:
    """Verify what some volumes of a bundle carry, but for their archives, which are not read.

    Args:
        volumes: at least one, all of one bundle.
        client_of: makes the reader of the list that a bundle carries.

    Raises:
        TrustListError: the list does not verify, has expired, or is older than one already seen.
        DeniedError: something goes with it that is not approved on it.
        BundleError: a file is missing or damaged.
    """
    bundle, first = volumes[0].bundle, volumes[0]
    named = {one.name: one for one in bundle.files}

    def read(name: str) -> bytes | None:
        file = named.get(name)
        return None if file is None else first.read(file.digest, file.size)

    client = client_of(BundleFetcher(read))
    snapshot = client.refresh()
    while unread := [name for name in snapshot.delegated if name not in snapshot.roles]:
        for name in unread:
            snapshot = client.load_role(snapshot, name)
    bound = _check_metadata(client, snapshot, read, named)
    if bound and bound != bundle.contents:
        raise TrustListError(
            "HP-T09", "the list in the bundle was signed to go with other contents", remedy=_REMEDY
        )
    records = _records(bundle, snapshot, read)
    _check_files(bundle, snapshot, read)
    return VerifiedBundle(bundle, tuple(volumes), snapshot, records, bool(bound))


def _check_metadata(
    client: TrustClient,
    snapshot: TrustSnapshot,
    read: Callable[[str], bytes | None],
    named: Mapping[str, object],
) -> str:
    """See that each signed file in the bundle is the verified one; gives what it is bound to."""
    verified, timestamp = set(), b""
    # Among them are roots from before trust began here: nobody reads those here.
    for name, data in metadata(client, snapshot):
        if read(name) != data:
            raise _foreign(name)
        verified.add(name)
        timestamp = data
    for name in named:
        if name.startswith("metadata/") and name not in verified:
            raise _foreign(name)
    return bound_contents(timestamp)


def _records(
    bundle: Bundle, snapshot: TrustSnapshot, read: Callable[[str], bytes | None]
) -> dict[str, Record]:
    found: dict[str, Record] = {}
    for module in bundle.modules:
        listed = snapshot.find(module.exact, (module.format,))
        if listed is None or str(listed.record.digest) != module.record:
            raise DeniedError(
                "HP-T01",
                403,
                f"{module.handle} goes with the bundle, and is not on its trust list "
                f"({snapshot.versions})",
                remedy=_REMEDY,
            )
        record = _record(read(published_name("records", module.record)) or b"", module.handle)
        verdict = judge(record, listed)
        if verdict is not None:
            raise DeniedError(verdict.code, verdict.status, verdict.message, remedy=verdict.remedy)
        if (record.archive.digest, record.archive.size) != (module.archive, module.size):
            raise _foreign(f"the archive of {module.handle}")
        found[module.record] = record
    return found


def _check_files(
    bundle: Bundle,
    snapshot: TrustSnapshot,
    read: Callable[[str], bytes | None],
) -> None:
    """See that every other file is one that the list names, or that a record on it does."""
    listed = {
        str(record.digest) for role in snapshot.roles.values() for record in role.targets.values()
    }
    wanted: set[str] = set()
    for file in bundle.files:
        if file.name.startswith("records/"):
            if file.digest not in listed or file.name != published_name("records", file.digest):
                raise _foreign(file.name)
            wanted |= _named(read(file.name) or b"")
    for file in bundle.files:
        if file.name.startswith(("metadata/", "records/")):
            continue
        if file.name not in wanted or not file.name.split("/")[-1].startswith(file.digest[7:]):
            raise _foreign(file.name)
        read(file.name)


def _named(text: bytes) -> set[str]:
    """What a listed record names; nothing where it is the policy."""
    try:
        record = Record.decode(text)
    except ValueError:
        return set()
    return {published_name(kind, digest) for kind, digest in named_by(record)}


def _record(text: bytes, handle: str) -> Record:
    try:
        return Record.decode(text)
    except ValueError as error:
        raise TrustListError(
            "HP-T09",
            f"the record of {handle} cannot be read: {error}",
            remedy="Ask a trust officer to approve the module again.",
        ) from error


def _foreign(name: str) -> TrustListError:
    return TrustListError(
        "HP-T09", f"{name} in the bundle is not what the list has", remedy=_REMEDY
    )
