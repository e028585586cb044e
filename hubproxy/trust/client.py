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

from tuf.api.exceptions import BadVersionNumberError, ExpiredMetadataError, RepositoryError
from tuf.ngclient.fetcher import FetcherInterface

from hubproxy.core.digest import Descriptor, Digest
from hubproxy.core.policy import POLICY_PATH
from hubproxy.core.roles import TOP, Delegation, Role, RoleFile
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.errors import ConfigError, TrustListError
from hubproxy.trust.bound import (
    LARGEST_POLICY,
    check_name,
    decode_policy,
    fetch_beside,
    fetch_record,
)
from hubproxy.trust.fetcher import (
    LARGEST_FILE,
    FolderFetcher,
    HttpFetcher,
    StateFetcher,
    is_published,
)
from hubproxy.trust.rolefiles import read_role
from hubproxy.trust.state import ListState
from hubproxy.trust.telling import FORGED, RENEW, told, why
from hubproxy.trust.verified import VerifiedUpdater

_ANY_TIME = datetime.min.replace(tzinfo=UTC)


class TrustClient:
    """Reads one trust list. Synchronous: run it in a thread.

    Args:
        state: a private folder, on a file system with symbolic and hard links. Losing it loses
            the memory of how new a list was seen.
        source: a published folder, or its http(s) URL.
        root: a root of the list, from someone trusted. Where all trust comes from.
        clock: now, timezone-aware UTC.

    Raises:
        ConfigError: the source is a URL of another scheme.
    """

    def __init__(
        self,
        state: Path,
        source: str | Path,
        root: bytes,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._state = ListState(state)
        self._source = str(source)
        self._root = root
        self._clock = clock
        self._fetcher = _fetcher(self._source)
        self._last: TrustSnapshot | None = None
        self._read: dict[str, tuple[RoleFile, Delegation, Role]] = {}

    def refresh(self) -> TrustSnapshot:
        """Ask the source for what is new, verify it, and remember it.

        Teams' roles that were read before and have not changed are read in what comes back.

        Raises:
            TrustListError: HP-T07 expired, HP-T08 older than what was seen, HP-T09 not signed,
                altered or malformed, HP-T15 the root is too old, TRUST_UNREACHABLE no answer
                or a file missing, TRUST_STATE the state folder failed. The last list stays.
        """
        with told(self._source), self._state.locked():
            updater = self._updater(self._fetcher, self._clock())
            try:
                found = self._verified(updater, self._fetcher)
            except BaseException:
                with suppress(OSError):
                    self._state.keep_roots(updater.fresh)
                raise
            self._state.keep(updater.fresh)
            self._state.drop_roles(but={one.file.digest.hex for one in found.files.values()})
        return self._taking_over(found)

    def cached(self) -> TrustSnapshot:
        """The list as last refreshed, verified again from the state folder alone.

        It may have expired since: `expires` tells, and whoever asked judges.

        Raises:
            TrustListError: as `refresh`; TRUST_UNREACHABLE when there was no refresh yet.
        """
        with told(str(self._state)), self._state.locked():
            if not self._state.current.exists():
                raise TrustListError(
                    "TRUST_UNREACHABLE",
                    "no trust list was read yet",
                    remedy=f"See that {self._source} can be read (`trust.source`).",
                )
            kept = StateFetcher(self._state.current)
            # It was valid when it was kept. So nothing in it counts as expired here.
            found = self._verified(self._updater(kept, _ANY_TIME), kept)
        return self._taking_over(found)

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
                raise RepositoryError(f"team `{name}` is delegated to, but not part of the list")
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
                return self._state.published(last) or self._team_file(last)
            digest = Digest.of_hex(last[3:67])
            if folder == "records":
                return self._state.policy(digest) or self._listed(digest)
            return self._state.file(name, digest)

    def _updater(self, fetcher: FetcherInterface, at: datetime) -> VerifiedUpdater:
        try:
            return VerifiedUpdater(self._state.current, fetcher, self._root, at=at)
        except RepositoryError as error:
            raise TrustListError(
                "HP-T09",
                f"what was given as the list's root is not one: {why(error)}",
                remedy="Set `trust.root` to the root file that a trust officer handed over.",
            ) from error

    def _verified(self, updater: VerifiedUpdater, fetcher: FetcherInterface) -> TrustSnapshot:
        try:
            updater.refresh()
            found = updater.result()
        except ExpiredMetadataError as error:
            raise TrustListError("HP-T07", updater.expiry(), remedy=RENEW) from error
        except BadVersionNumberError as error:
            if not updater.has_timestamp:
                raise  # a root under a wrong number: no list is older than another yet
            raise TrustListError(
                "HP-T08", f"trust list went backwards: {error}", remedy=FORGED
            ) from error
        wanted = found.roles[TOP].targets.get(POLICY_PATH)
        if wanted is None:
            return found
        text = self._state.policy(wanted.digest)
        if text is None:
            text = updater.fresh[POLICY_PATH] = fetch_record(fetcher, wanted, LARGEST_POLICY)
        return replace(found, policy=decode_policy(text))

    def _taking_over(self, found: TrustSnapshot) -> TrustSnapshot:
        """The list, with every role in it that was read before and is the same in it."""
        roles = dict(found.roles)
        waiting = [*roles.values()]
        while waiting:
            for one in waiting.pop().delegations:
                role = self._known(found.files.get(one.role), one)
                if role is not None and one.role not in roles:
                    roles[one.role] = role
                    waiting.append(role)
        self._read = {name: read for name, read in self._read.items() if name in roles}
        self._last = replace(found, roles=roles)
        return self._last

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

    def _team_file(self, name: str) -> bytes | None:
        """`3.nlp.json`, if that is the file of a role of the list in force."""
        version, _, role = name.removesuffix(".json").partition(".")
        if not self._state.current.exists():
            return None
        in_force = self._last or self.cached()
        bound = in_force.files.get(role)
        if bound is None or str(bound.version) != version or in_force.delegation(role) is None:
            return None
        self._last = self.load_role(in_force, role)
        return self._state.role(bound.file.digest)

    def _listed(self, digest: Digest) -> bytes | None:
        """A record, if one of the roles that were read lists it."""
        roles = self._last.roles.values() if self._last is not None else ()
        for role in roles:
            for record in role.targets.values():
                if record.digest == digest:
                    return fetch_record(self._fetcher, record)
        return None


def _fetcher(source: str) -> FetcherInterface:
    if source.startswith(("http://", "https://")):
        return HttpFetcher(source)
    if "://" in source:
        raise ConfigError(
            f"a trust list cannot be read from {source}",
            remedy="Set `trust.source` to a folder, or to an http or https URL.",
        )
    return FolderFetcher(Path(source))
