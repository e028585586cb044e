"""The top roles of a list with the policy: from the source, kept, and read again as they were kept.

A list is kept with the roots it was signed under. Of a refresh that failed the roots are kept
beside it: who was voted out must stay out, and yet a source that breaks off behind a new root
leaves a list to go on with.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

from tuf.api.exceptions import BadVersionNumberError, ExpiredMetadataError, RepositoryError
from tuf.ngclient.fetcher import FetcherInterface

from hubproxy.core.floors import went_back
from hubproxy.core.policy import POLICY_PATH
from hubproxy.core.roles import TOP
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.errors import TrustListError
from hubproxy.logs import event
from hubproxy.trust.bound import LARGEST_POLICY, decode_policy, fetch_record
from hubproxy.trust.fetcher import StateFetcher
from hubproxy.trust.state import ListState
from hubproxy.trust.telling import FORGED, RENEW, why
from hubproxy.trust.verified import VerifiedUpdater

Check = Callable[[TrustSnapshot], None]
_ANY_TIME = datetime.min.replace(tzinfo=UTC)


class TopRoles:
    """Reads the top roles. Whoever asks has the state, and tells errors of the TUF library."""

    def __init__(
        self, state: ListState, source: str, fetcher: FetcherInterface, root: bytes
    ) -> None:
        self._state, self._source, self._fetcher, self._root = state, source, fetcher, root
        self.roots = range(0)
        """Versions of the roots that lead from the trusted one to that of the list in force."""

    def take(self, check: Check, *, at: datetime) -> TrustSnapshot:
        """The list as the source has it, kept when it is verified and passes the check."""
        updater = self._updater(self._fetcher, at, self._state.newer_roots())
        try:
            found = self._verified(updater, self._fetcher)
            check(found)
        except BaseException:
            with suppress(OSError):
                self._state.keep_roots(updater.fresh)
            raise
        self.roots = updater.roots
        try:
            self._state.keep(updater.fresh, updater.roots)
            self._state.drop_roles(but=(one.file.digest for one in found.files.values()))
        except OSError as error:
            event("trust.not_kept", level=logging.ERROR, code="TRUST_STATE", reason=error)
        return found

    def take_late(self, check: Check) -> TrustSnapshot:
        """The list as the source has it, though it has expired, if it is newer than the one kept.

        Raises:
            TrustListError: it is not; or there is none yet, and a site does not begin with one.
        """
        before = self.kept()

        def is_newer(found: TrustSnapshot) -> None:
            check(found)
            older = went_back(found.versions, before.versions, online_since=found.online_since)
            if older is not None or found.versions == before.versions:
                raise TrustListError("HP-T07", "the list that has expired is no newer one")

        return self.take(is_newer, at=_ANY_TIME)

    def kept(self) -> TrustSnapshot:
        """The list as it was kept, under the roots it was kept with.

        Raises:
            TrustListError: there is none.
        """
        if not self._state.has_list:
            raise TrustListError(
                "TRUST_UNREACHABLE",
                "no trust list was read yet",
                remedy=f"See that {self._source} can be read (`trust.source`).",
            )
        kept = StateFetcher(self._state.current)
        # It was valid when it was kept. So nothing in it counts as expired here.
        updater = self._updater(kept, _ANY_TIME)
        found = self._verified(updater, kept)
        updater.check_under(self._state.newer_roots())
        self.roots = updater.roots
        return found

    def _updater(
        self,
        fetcher: FetcherInterface,
        at: datetime,
        newer: Mapping[int, bytes] = MappingProxyType({}),
    ) -> VerifiedUpdater:
        try:
            return VerifiedUpdater(self._state.current, fetcher, self._root, at=at, newer=newer)
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
