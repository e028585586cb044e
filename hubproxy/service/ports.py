"""What the use cases ask for. `wiring` decides what stands behind each port.

Values that cross a port live in the core; implementations do not import this module.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Protocol, TypeVar

from hubproxy.core.audit import AuditEvent
from hubproxy.core.digest import Descriptor, Digest
from hubproxy.core.fetching import Incoming, Resume
from hubproxy.core.finding import Finding
from hubproxy.core.handle import Handle
from hubproxy.core.original import Original, OriginalHash
from hubproxy.core.quarantine import Ask, HeldModule
from hubproxy.core.record import Record
from hubproxy.core.trust import Listed
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.core.wanted import Wanted
from hubproxy.inspection.inspected import Inspected

T_co = TypeVar("T_co", covariant=True)
F = TypeVar("F")


class Upstream(Protocol):
    """Where misses go."""

    def check(self, exact: Handle) -> None:
        """See that it may be asked at all, without asking.

        Raises:
            NotMirroredError: the network may not be used.
        """
        ...

    def open(
        self, exact: Handle, *, resume: Resume | None = None
    ) -> AbstractAsyncContextManager[Incoming]:
        """Ask for a module's archive.

        Args:
            exact: a handle with a version.
            resume: where a broken transfer stopped, and the validator it had.

        Raises:
            UpstreamError: it was not delivered; also while `Incoming.body` is read.
            NotMirroredError: the network may not be used.
        """
        ...


class Feed(Protocol[T_co]):
    """Takes upstream's bytes from the first to the last."""

    async def write(self, piece: bytes) -> None:
        """Hand over some bytes; raises what has been found wrong so far."""
        ...

    async def finish(self) -> T_co:
        """Say that these were all, and get what was learned from them."""
        ...


class Attempts(Protocol[T_co]):
    """A module on its way in: may be fed again from the start when a transfer breaks."""

    def attempt(self) -> AbstractAsyncContextManager[Feed[T_co]]: ...


class Receiving(Attempts[None], Protocol):
    """A known module on its way in. Its file is good as far as was reported."""

    @property
    def descriptor(self) -> int: ...

    async def from_draft(self) -> bool:
        """Take it from what an officer has read on this host; whether that was all of it."""
        ...


class Discovery(Attempts[F], Protocol[F]):
    """An unknown module on its way in."""

    @property
    def descriptor(self) -> int:
        """Its archive, once it was described."""
        ...

    def original(self, found: F) -> Original: ...

    async def describe(self, exact: Handle, found: F, *, url: str, decided_at: str) -> Record: ...


class Discoveries(Protocol):
    """Where unknown modules are kept."""

    def discover(
        self, originals: frozenset[OriginalHash] = frozenset()
    ) -> AbstractAsyncContextManager[Discovery[Any]]:
        """A place for one.

        Args:
            originals: what to compute of upstream's archive besides its sha256.
        """
        ...

    async def adopt(self, discovery: Any, record: Record) -> None: ...


Gate = Callable[[int, Record], Awaitable[Inspected]]
"""Looks into a module: a descriptor of its archive, and the record that describes it."""


class Quarantine(Protocol):
    """Where modules wait for officers."""

    async def find(self, exact: Handle) -> HeldModule | None:
        """The module that waits under a handle."""
        ...

    async def hold(
        self, discovery: Any, record: Record, findings: Sequence[Finding], ask: Ask
    ) -> HeldModule:
        """Keep a discovered module there.

        Raises:
            StorageFullError: too much waits already.
        """
        ...

    async def asked(self, held: HeldModule, ask: Ask) -> HeldModule:
        """Note who wants a held module."""
        ...

    async def released(self, exact: Handle) -> None:
        """Forget what waits, and what is asked for, under a handle: officers have listed it."""
        ...


class Requests(Protocol):
    """What people ask officers for."""

    async def find(self, handle: Handle) -> Wanted | None:
        """Who asks for a handle, and what officers answered."""
        ...

    async def ask(self, handle: Handle, ask: Ask) -> Wanted:
        """Note who wants a module, and why; on return, on disk.

        Raises:
            TooManyAsksError: too much is asked for already.
        """
        ...


class Modules(Discoveries, Protocol):
    """The store."""

    def open(self, record: Record) -> tuple[int, bool] | None:
        """A descriptor of the archive, and whether it was checked since the start."""
        ...

    def reading(self, record: Record) -> AbstractContextManager[None]: ...

    async def prove(
        self, record: Record, descriptor: int, verified: Callable[[int], None]
    ) -> None: ...

    def receive(
        self, record: Record, verified: Callable[[int], None]
    ) -> AbstractAsyncContextManager[Receiving]: ...

    def pin(self, exact: Handle) -> Listed | None:
        """The record that first use has pinned a handle to."""
        ...

    async def read_record(self, wanted: Descriptor) -> bytes | None: ...

    async def keep_record(self, text: bytes) -> None: ...


class TrustSource(Protocol):
    """Where the trust list comes from. All methods block."""

    def refresh(self) -> TrustSnapshot: ...

    def cached(self) -> TrustSnapshot:
        """What was verified last, also when it has expired since."""
        ...

    def load_role(self, snapshot: TrustSnapshot, name: str) -> TrustSnapshot:
        """The same list with a role that it delegates to read; one that has expired as well."""
        ...

    def fetch_record(self, wanted: Descriptor) -> bytes: ...


class ListSource(Protocol):
    """The trust list, role by role and file by file. Every method blocks."""

    def load_role(self, snapshot: TrustSnapshot, name: str) -> TrustSnapshot:
        """The same list with one more role read and verified.

        Raises:
            TrustListError: it cannot be had, or does not verify.
        """
        ...

    def fetch_record(self, wanted: Descriptor) -> bytes: ...

    def fetch_file(self, name: str, digest: Digest) -> bytes:
        """The bytes of a file beside the list, such as `boms/ab/<sha256>.cdx.json`, checked.

        Raises:
            TrustListError: it cannot be had, or is not what its digest says.
        """
        ...

    def published(self, name: str) -> bytes | None:
        """A file of the list as this site holds it, by its published name, such as
        `metadata/3.root.json`; None when it was not read, or there is none.
        """
        ...


class AuditLog(Protocol):
    """Where events are accepted: when `append` returns, the event survives a power cut."""

    async def append(self, event: AuditEvent) -> None: ...
