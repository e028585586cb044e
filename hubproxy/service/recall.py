"""Who loaded a module: what the audit log says of one archive, record, tree or handle.

It holds one small object per caller, so a log of any length can be streamed through it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from hubproxy.core.audit import AuditEvent, Selection
from hubproxy.core.digest import Digest
from hubproxy.core.handle import Handle
from hubproxy.core.record import Record
from hubproxy.errors import TrustListError
from hubproxy.service.lookup import Lookup


@dataclass(frozen=True, slots=True)
class Subject:
    """What is recalled: a handle, or whatever was served with one of these digests.

    Args:
        handle: an exact one, or one without a version for all of its versions.
        digests: of records and archives, as events name them.
    """

    handle: Handle | None = None
    digests: frozenset[str] = frozenset()

    def matches(self, event: AuditEvent) -> bool:
        """Whether an event is of the subject."""
        if self.handle is not None:
            return Selection(handle=self.handle).matches(event)
        return not self.digests.isdisjoint(served(event))

    @property
    def texts(self) -> tuple[str, ...]:
        """What every event of the subject has in it, as it stands in the log: one of these."""
        return (str(self.handle),) if self.handle is not None else tuple(sorted(self.digests))


@dataclass(slots=True)
class Loads:
    """What one caller had of the subject.

    Args:
        first: when for the first time, UTC, RFC 3339; `last` likewise.
        loads: answers with bytes of the archive; `broken` of them broke off.
        asked: answers without bytes, to a HEAD or a condition: he had it already.
        bytes: that the answers announced.
    """

    caller: str
    first: str
    last: str
    loads: int = 0
    asked: int = 0
    broken: int = 0
    bytes: int = 0
    archives: set[str] = field(default_factory=set)
    handles: set[str] = field(default_factory=set)

    def add(self, event: AuditEvent) -> None:
        self.first = min(self.first, event.time)
        self.last = max(self.last, event.time)
        self.handles.add(event.handle)
        if event.archive:
            self.archives.add(event.archive)
        if event.outcome == "aborted":
            self.broken += 1
        elif event.bytes:
            self.loads += 1
            self.bytes += event.bytes
        else:
            self.asked += 1


@dataclass(frozen=True, slots=True)
class Recall:
    """What a recall report says.

    Args:
        listed: what the list names now under the subject, and under every handle it had.
        loads: who was given it.
    """

    listed: tuple[Record, ...]
    loads: tuple[Loads, ...]


@dataclass(frozen=True, slots=True)
class Recalls:
    """Makes the reports.

    Args:
        lookup: finds what is listed; None when the list cannot be read.
        events: gives the events whose line has one of some texts in it; all, when given none.
        stored: gives the text of a record that this site has, by its digest, or None.
        lost: is told why a part of the list is not looked at. What the log says is told anyway.
    """

    lookup: Lookup | None
    events: Callable[[Sequence[str]], Iterator[AuditEvent]]
    stored: Callable[[Digest], bytes | None]
    lost: Callable[[TrustListError], None]

    def report(self, wanted: Digest | Handle) -> Recall:
        """Who was given a handle, or an archive, a record or a tree of that digest."""
        if isinstance(wanted, Handle):
            loads = recall(self.events([str(wanted)]), Subject(handle=wanted))
            return Recall(tuple(self._listed({str(wanted)})), loads)
        records = self._bound_by(wanted)
        events = self.events([str(wanted)])
        under = {one.archive for one in events if one.record == str(wanted) and one.archive}
        subject = Subject(digests=subject_of(wanted, records).digests | under)
        loads = recall(self.events(subject.texts), subject)
        handles = {handle for one in loads for handle in one.handles}
        listed = self._listed(handles | {record.handle for record in records})
        return Recall(tuple(listed), loads)

    def _bound_by(self, digest: Digest) -> list[Record]:
        """The records that a digest is of: the list's, and those that something was served of."""
        found: list[Record] = []
        if self.lookup is not None:
            try:
                found += named_by(digest, self.lookup.records(self.lost))
            except TrustListError as error:
                self.lost(error)
        own = self.stored(digest)
        if own is not None:
            found += named_by(digest, [(digest, own)])
        # An archive or a record that was served stands in the log itself; a tree does not.
        if not any(str(digest) in served(one) for one in self.events([str(digest)])):
            texts = ((one, self.stored(one)) for one in served_records(self.events([])))
            found += named_by(digest, ((one, text) for one, text in texts if text is not None))
        return found

    def _listed(self, handles: Iterable[str]) -> Iterator[Record]:
        if self.lookup is None:
            return
        for text in sorted(handles):
            # An event keeps what was asked for, also where it is no handle.
            with suppress(ValueError):
                handle = Handle.parse(text)
                try:
                    yield from [record for _, record in self.lookup.find(handle)]
                except TrustListError as error:
                    self.lost(error)


def recall(events: Iterable[AuditEvent], subject: Subject) -> tuple[Loads, ...]:
    """Every caller that was given the subject, in the order of their first time."""
    found: dict[str, Loads] = {}
    for event in events:
        if event.outcome not in ("served", "not-modified", "aborted"):
            continue
        if not subject.matches(event):
            continue
        caller = found.get(event.caller)
        if caller is None:
            caller = found[event.caller] = Loads(event.caller, event.time, event.time)
        caller.add(event)
    return tuple(sorted(found.values(), key=lambda caller: (caller.first, caller.caller)))


def named_by(digest: Digest, records: Iterable[tuple[Digest, bytes]]) -> Iterator[Record]:
    """The records that are `digest`, or whose archive or tree it is.

    Args:
        records: each with its digest, as text. One that cannot be read is passed over.
    """
    name = str(digest).encode()
    for own, text in records:
        if own != digest and name not in text:
            continue
        try:
            record = Record.decode(text)
        except ValueError:
            continue
        if own == digest or str(digest) in (record.archive.digest, record.tree):
            yield record


def served(event: AuditEvent) -> tuple[str, str]:
    """The archive and the record of an event; each may be empty."""
    return event.archive, event.record


def served_records(events: Iterable[AuditEvent]) -> list[Digest]:
    """The records that something was served of, in the order of their first time."""
    names = dict.fromkeys(event.record for event in events if event.record)
    found = []
    for name in names:
        with suppress(ValueError):
            found.append(Digest.parse(name))
    return found


def subject_of(digest: Digest, records: Iterable[Record]) -> Subject:
    """Whatever was served with a digest, or with an archive of one of the records.

    Args:
        records: what `named_by` found for the digest.
    """
    digests = {str(digest)}
    for record in records:
        digests |= {str(record.descriptor.digest), record.archive.digest}
    return Subject(digests=frozenset(digests))
