"""The trust list as a command reads it: whole, beside a running daemon, without its lock."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from hubproxy.core.digest import Descriptor, Digest
from hubproxy.core.handle import Handle
from hubproxy.core.record import FORMATS, Record
from hubproxy.core.trust import Listed
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.errors import TrustListError
from hubproxy.service.ports import ListSource


@dataclass(slots=True)
class Lookup:
    """Finds records. Synchronous: it reads the roles and records that it needs as it goes.

    Args:
        source: of the list.
        snapshot: a state of it; it grows by the roles that are read.
        stored: gives the text of a record that this site has, by its digest, or None.
    """

    source: ListSource
    snapshot: TrustSnapshot
    stored: Callable[[Digest], bytes | None]

    def exact(self, handle: Handle) -> Handle:
        """The handle with its version: for "latest", the highest that is approved.

        Raises:
            TrustListError: a role that may name it cannot be read.
        """
        self._read_roles_for(handle)
        return self.snapshot.exact(handle)

    def find(self, handle: Handle) -> list[tuple[Listed, Record]]:
        """Every format under which the list names a handle, with its record.

        Args:
            handle: exact, or without a version for all of its versions.

        Raises:
            TrustListError: a role that may name it, or a record, cannot be read.
        """
        self._read_roles_for(handle)
        named = {handle} if handle.version is not None else set(self._versions_of(handle))
        found = []
        for exact in sorted(named):
            self._read_roles_for(exact)
            for form in FORMATS:
                listed = self.snapshot.find(exact, (form,))
                if listed is not None:
                    found.append((listed, self.record(listed)))
        return found

    def record(self, listed: Listed) -> Record:
        """The record that the list names.

        Raises:
            TrustListError: it cannot be had, or is not what the list says.
        """
        try:
            return Record.decode(self._text(listed.record))
        except ValueError as error:
            raise TrustListError(
                "HP-T09",
                f"the record of {listed.exact} cannot be read: {error}",
                remedy="Ask a trust officer to approve the module again.",
            ) from error

    def everything(self) -> Iterator[tuple[Listed, Record]]:
        """Every module of the list with its record, sorted.

        Raises:
            TrustListError: a role or a record cannot be read.
        """
        for listed in self.listed():
            yield listed, self.record(listed)

    def records(self, lost: Callable[[TrustListError], None]) -> Iterator[tuple[Digest, bytes]]:
        """Every record of the list that can be had, as text with its digest; each once.

        Args:
            lost: is told why not all can be had: once, and then only what is stored is given.

        Raises:
            TrustListError: a role cannot be read.
        """
        seen, asking = set(), True
        for listed in self.listed():
            if listed.record.digest in seen:
                continue
            seen.add(listed.record.digest)
            text = self.stored(listed.record.digest)
            try:
                if text is None and asking:
                    text = self.source.fetch_record(listed.record)
            except TrustListError as error:
                asking = False
                lost(error)
            if text is not None:
                yield listed.record.digest, text

    def listed(self) -> Iterator[Listed]:
        """Every module that the list names, sorted; without its record.

        Raises:
            TrustListError: a role cannot be read.
        """
        while unread := [name for name in self.snapshot.delegated if not self._has(name)]:
            for name in unread:
                self._read(name)
        for exact, form in self.snapshot.listing():
            listed = self.snapshot.find(exact, (form,))
            if listed is not None:
                yield listed

    def _versions_of(self, handle: Handle) -> Iterator[Handle]:
        """Every version that a role which was read names; `find` tells whether it may."""
        for role in self.snapshot.roles.values():
            for path in role.targets:
                if path.startswith(f"{handle}/"):
                    with suppress(ValueError):
                        exact = Handle.parse(path.rpartition("/")[0])
                        if exact.version is not None and exact.unversioned == handle:
                            yield exact

    def _text(self, wanted: Descriptor) -> bytes:
        return self.stored(wanted.digest) or self.source.fetch_record(wanted)

    def _has(self, role: str) -> bool:
        return role in self.snapshot.roles

    def _read(self, role: str) -> None:
        if not self._has(role):
            self.snapshot = self.source.load_role(self.snapshot, role)

    def _read_roles_for(self, handle: Handle) -> None:
        while missing := self.snapshot.missing(handle):
            for name in missing:
                self._read(name)
