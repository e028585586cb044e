"""The trust list as a site reads it: refreshed from a source, verified, remembered.

The officers' roles and their policy are read at each refresh; a team's role when somebody asks
for what it may list, and never twice: what a refresh finds unchanged is taken over. What is kept
is also the memory that refuses an older list. One thing is kept of a refresh that failed: roots.
Each was signed by the officers before, and who was voted out must stay out.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tuf.api.exceptions import RepositoryError
from tuf.ngclient.fetcher import FetcherInterface

from hubproxy.core.digest import Descriptor, Digest
from hubproxy.core.roles import Delegation, Role, RoleFile
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.errors import TrustListError
from hubproxy.trust.bound import check_name, fetch_beside, fetch_record
from hubproxy.trust.fetcher import LARGEST_FILE, fetcher_of, is_published
from hubproxy.trust.rolefiles import read_role
from hubproxy.trust.state import ListState
from hubproxy.trust.telling import told
from hubproxy.trust.toproles import TopRoles


class TrustClient:
    """Reads one trust list. Synchronous: run it in a thread.

    Args:
        state: a private folder, on a file system with symbolic and hard links. Losing it loses
            the memory of how new a list was seen.
        source: a published folder, or its http(s) URL; or who reads one.
        root: a root of the list, from someone trusted. Where all trust comes from.
        clock: now, timezone-aware UTC.
        check: raises for a list that must not be remembered, nor published from here.

    Raises:
        ConfigError: the source is a URL of another scheme.
    """

    def __init__(
        self,
        state: ListState | Path,
        source: str | Path | FetcherInterface,
        root: bytes,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        check: Callable[[TrustSnapshot], None] = lambda _: None,
    ) -> None:
        self._state = ListState(state) if isinstance(state, Path) else state
        if isinstance(source, FetcherInterface):
            self._source, self._fetcher = "the bundle", source
        else:
            self._source, self._fetcher = str(source), fetcher_of(str(source))
        self._clock = clock
        self._check = check
        self._top = TopRoles(self._state, self._source, self._fetcher, root)
        self._last: TrustSnapshot | None = None
        self._read: dict[str, tuple[RoleFile, Delegation, Role]] = {}

    @property
    def roots(self) -> range:
        """The versions of the roots from the one that trust began with to the list's own."""
        return self._top.roots

    def earlier_root(self, version: int) -> bytes | None:
        """A root from before the one that trust began with here, as the source has it, unverified.

        For a site whose trust began with an earlier one: it verifies each. None where the source
        has it not.
        """
        with suppress(TrustListError), told(self._source):
            return self._fetcher.download_bytes(f"metadata/{version}.root.json", LARGEST_FILE)
        return None

    def refresh(self) -> TrustSnapshot:
        """Ask the source for what is new, verify it, and remember it.

        Teams' roles that were read before and have not changed are read in what comes back. A
        list that cannot be remembered is logged, and comes back all the same: a full disk must
        not keep a revocation from coming into force. A newer list that has expired on its way is
        remembered too, for `cached`: the grace goes on with it.

        Raises:
            TrustListError: HP-T07 expired, HP-T08 older than what was seen, HP-T09 not signed,
                altered or malformed, HP-T15 the root is too old, TRUST_UNREACHABLE no answer
                or a file missing, TRUST_STATE the state folder failed. The last list stays.
        """
        with told(self._source), self._state.locked():
            try:
                found = self._top.take(self._check, at=self._clock())
            except TrustListError as error:
                if error.code == "HP-T07":
                    with suppress(TrustListError), told(self._source):
                        self._remember(self._top.take_late(self._check))
                raise
        return self._remember(found)

    def cached(self) -> TrustSnapshot:
        """The list as last refreshed, verified again from the state folder alone.

        It may have expired since: `expires` tells, and whoever asked judges.

        Raises:
            TrustListError: as `refresh`; TRUST_UNREACHABLE when there was no refresh yet.
        """
        with told(str(self._state)), self._state.reading():
            found = self._top.kept()
        return self._remember(found)

    def load_role(self, snapshot: TrustSnapshot, name: str) -> TrustSnapshot:
        """The same list with one more team's role, kept from before or from the source.

        A role that has expired is read too: what it lists tells until when.

        Raises:
            TrustListError: HP-T09 not signed, altered, malformed, or not of this list;
                TRUST_UNREACHABLE no answer or a file missing.
        """
        with told(self._source):
            bound, delegation = snapshot.files.get(name), snapshot.delegation(name)
            if bound is None or delegation is None:
                raise RepositoryError(
                    f"team `{name}` is not part of the list, as far as it is read"
                )
            role = self._known(bound, delegation)
            if role is None:
                role = self._load(bound, delegation)
                self._read[name] = (bound, delegation, role)
        return snapshot.with_role(role)

    def fetch_record(self, wanted: Descriptor) -> bytes:
        """The bytes of a record that the list names, checked against their digest and size.

        Raises:
            TrustListError: HP-T09 other bytes, TRUST_UNREACHABLE no answer or no such record.
        """
        with told(self._source):
            return fetch_record(self._fetcher, wanted)

    def fetch_file(self, name: str, digest: Digest) -> bytes:
        """A signature's file or a card that a record names, kept from before or from the source.

        Args:
            name: `evidence/<aa>/<sha256>` or `boms/<aa>/<sha256>.cdx.json`.
            digest: as the record says.

        Raises:
            TrustListError: HP-T09 other bytes or another's name, TRUST_UNREACHABLE no answer
                or no such file.
        """
        with told(self._source):
            check_name(name, digest)
            data = self._state.file(name, digest)
            if data is None:
                data = fetch_beside(self._fetcher, name, digest)
                with suppress(OSError):  # it is verified: a full disk does not keep it from use
                    self._state.keep_file(name, data)
        return data

    def published(self, name: str) -> bytes | None:
        """A verified file of the list by its published name, for those who read it from here.

        Blocks: a team's role is fetched where it was not yet, and so are the records that the
        roles read so far list. Signatures and cards are held once `fetch_file` asked for them.

        Args:
            name: `metadata/3.root.json`, `records/<aa>/<sha256>.json` and the like.

        Returns:
            Its bytes; None when the list in force has no such file, or it is not held here.

        Raises:
            TrustListError: as `load_role` and `fetch_record`.
        """
        if not is_published(name):
            return None
        folder, _, last = name.partition("/")
        with told(self._source):
            if folder == "metadata":
                return self._published(last) if self._state.has_list else None
            digest = Digest.of_hex(last[3:67])
            if folder == "records":
                return self._state.policy(digest) or self._listed(digest)
            return self._state.file(name, digest)

    def _remember(self, found: TrustSnapshot) -> TrustSnapshot:
        """The list, with every role in it that was read before and is the same in it."""
        self._last = found
        whole = self._taking_over(found)
        self._read = {name: read for name, read in self._read.copy().items() if name in whole.roles}
        return whole

    def _taking_over(self, found: TrustSnapshot) -> TrustSnapshot:
        roles = dict(found.roles)
        waiting = [*roles.values()]
        while waiting:
            for one in waiting.pop().delegations:
                role = self._known(found.files.get(one.role), one)
                if role is not None and one.role not in roles:
                    roles[one.role] = role
                    waiting.append(role)
        return replace(found, roles=roles)

    def _known(self, bound: RoleFile | None, delegation: Delegation) -> Role | None:
        """A role as it was read before, if it is of the same file, and signed for as well."""
        read = self._read.get(delegation.role)
        if read is None or read[0] != bound or not read[1].signed_alike(delegation):
            return None
        return read[2]

    def _load(self, bound: RoleFile, delegation: Delegation) -> Role:
        digest = bound.file.digest
        data = self._state.role(digest)
        if data is not None:
            return read_role(data, bound, delegation)
        name = f"metadata/{bound.version}.{delegation.role}.json"
        data = self._fetcher.download_bytes(name, min(bound.file.size, LARGEST_FILE))
        role = read_role(data, bound, delegation)
        with suppress(OSError):  # it is verified: a full disk does not keep it from use
            self._state.keep_role(digest, data)
        return role

    def _published(self, name: str) -> bytes | None:
        """A file in `metadata/` of the list in force; a team's role such as `3.nlp.json` too."""
        in_force = self._taking_over(self._last or self.cached())
        version, _, role = name.removesuffix(".json").partition(".")
        if role == "root" and not (version.isdecimal() and int(version) in self._top.roots):
            return None
        bound = in_force.files.get(role)
        data = self._state.published(name)
        if data is not None or bound is None or str(bound.version) != version:
            return data
        if in_force.delegation(role) is None:
            return None
        self.load_role(in_force, role)
        return self._state.role(bound.file.digest)

    def _listed(self, digest: Digest) -> bytes | None:
        """A record, if one of the roles that were read lists it."""
        if self._last is None:
            return None
        for role in self._taking_over(self._last).roles.values():
            for record in role.targets.values():
                if record.digest == digest:
                    return fetch_record(self._fetcher, record)
        return None
