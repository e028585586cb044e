"""The trust list as a site reads it: refreshed from a source, verified, remembered.

What was verified last lies in the folder that the link `state/current` names. A refresh works on
a copy and moves the link only when everything verified, so a bad source, a full disk or a power
cut leaves the good list as it was; tuf alone would keep a new timestamp and lose the list it
has no snapshot for. What is kept is also the memory that refuses an older list. One thing is kept
of a refresh that failed: roots. Each was signed by the officers before, and who was voted
out must stay out.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory

from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    RepositoryError,
)
from tuf.ngclient.fetcher import FetcherInterface

from hubproxy.core.digest import Descriptor
from hubproxy.core.record import LARGEST_RECORD
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.errors import ConfigError, TrustListError
from hubproxy.files import fsync_folder, make_folder, write_whole
from hubproxy.trust.disk import fsync_tree, locked
from hubproxy.trust.fetcher import FolderFetcher, HttpFetcher, StateFetcher
from hubproxy.trust.verified import VerifiedUpdater

_RENEW = "Ask a trust officer to run `hubproxy trust renew --all`, or mend `trust.source`."
_FORGED = "Somebody may have altered the list: compare `trust.source` and `trust.root` with them."


class TrustClient:
    """Reads one trust list. Synchronous: run it in a thread.

    Args:
        state: a private folder, on a file system with symbolic links. Losing it loses the memory
            of how new a list was seen.
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
        self._state = state
        self._current = state / "current"
        self._source = str(source)
        self._root = root
        self._clock = clock
        self._fetcher = _fetcher(self._source)

    def refresh(self) -> TrustSnapshot:
        """Ask the source for what is new, verify it, and remember it.

        Raises:
            TrustListError: HP-T07 expired, HP-T08 older than what was seen, HP-T09 not signed,
                altered or malformed, HP-T15 the root is too old, TRUST_UNREACHABLE no answer
                or a file missing, TRUST_STATE the state folder failed. The last list stays.
        """
        with self._held(self._source):
            work = self._state / f"list-{token_hex(8)}"
            try:
                self._copy_to(work)
                found = self._verified(work, self._fetcher)
                self._keep(work)
            except BaseException:
                with suppress(OSError):
                    self._keep_roots(work)
                raise
            finally:
                self._sweep()
        return found

    def cached(self) -> TrustSnapshot:
        """The list as last refreshed, verified again from the state folder alone.

        Raises:
            TrustListError: as `refresh`; TRUST_UNREACHABLE when there was no refresh yet.
        """
        with self._held(str(self._state)):
            if not self._current.exists():
                raise TrustListError(
                    "TRUST_UNREACHABLE",
                    "no trust list was read yet",
                    remedy=f"See that {self._source} can be read (`trust.source`).",
                )
            with TemporaryDirectory() as work:
                return self._verified(Path(work), StateFetcher(self._current))

    def fetch_record(self, wanted: Descriptor) -> bytes:
        """The bytes of a record that the list names, checked against their digest and size.

        Raises:
            TrustListError: HP-T09 other bytes, TRUST_UNREACHABLE no answer or no such record.
        """
        digest = wanted.digest.hex
        name = f"records/{digest[:2]}/{digest}.json"
        with _told(self._source):
            data = self._fetcher.download_bytes(name, min(wanted.size, LARGEST_RECORD))
        if len(data) != wanted.size or hashlib.sha256(data).hexdigest() != digest:
            raise TrustListError(
                "HP-T09",
                f"{name} in {self._source} is not the record that the trust list names",
                remedy=_FORGED,
            )
        return data

    def _verified(self, work: Path, fetcher: FetcherInterface) -> TrustSnapshot:
        try:
            updater = VerifiedUpdater(work, fetcher, self._root, at=self._clock())
        except RepositoryError as error:
            raise TrustListError(
                "HP-T09",
                f"what was given as the list's root is not one: {_why(error)}",
                remedy="Set `trust.root` to the root file that a trust officer handed over.",
            ) from error
        try:
            updater.refresh()
            return updater.result()
        except ExpiredMetadataError as error:
            raise TrustListError("HP-T07", updater.expiry(), remedy=_RENEW) from error
        except BadVersionNumberError as error:
            if not updater.has_timestamp:
                raise  # a root under a wrong number: no list is older than another yet
            raise TrustListError(
                "HP-T08", f"trust list went backwards: {error}", remedy=_FORGED
            ) from error

    @contextmanager
    def _held(self, source: str) -> Iterator[None]:
        """The state folder for this caller alone; what goes wrong comes out as ours."""
        with _told(source):
            make_folder(self._state, mode=0o700)
            with locked(self._state / "lock"):
                yield

    def _copy_to(self, work: Path) -> None:
        if self._current.exists():
            shutil.copytree(self._current, work, symlinks=True)
        else:
            work.mkdir(mode=0o700)

    def _keep(self, work: Path) -> None:
        """Make the copy the list in force, unless it says nothing new."""
        if self._current.exists() and _contents(work) == _contents(self._current):
            return
        fsync_tree(work)
        link = self._state / f"{work.name}.link"
        link.symlink_to(work.name)
        link.replace(self._current)
        fsync_folder(self._state)

    def _keep_roots(self, work: Path) -> None:
        kept = self._current / "root_history"
        for path in sorted((work / "root_history").glob("*.root.json")):
            if kept.is_dir() and not (kept / path.name).exists():
                write_whole(kept / path.name, path.read_bytes())

    def _sweep(self) -> None:
        """Remove copies that no link names; also those that a crash left."""
        held = self._current.resolve().name
        for path in self._state.glob("list-*"):
            if path.is_symlink():
                path.unlink(missing_ok=True)
            elif path.name != held:
                shutil.rmtree(path, ignore_errors=True)


def _fetcher(source: str) -> FetcherInterface:
    if source.startswith(("http://", "https://")):
        return HttpFetcher(source)
    if "://" in source:
        raise ConfigError(
            f"a trust list cannot be read from {source}",
            remedy="Set `trust.source` to a folder, or to an http or https URL.",
        )
    return FolderFetcher(Path(source))


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@contextmanager
def _told(source: str) -> Iterator[None]:
    """Errors of tuf and of the disk, as ours."""
    try:
        yield
    except DownloadLengthMismatchError as error:
        raise TrustListError(
            "HP-T09", f"a file of {source} is longer than was signed: {error}", remedy=_FORGED
        ) from error
    except DownloadError as error:
        raise TrustListError(
            "TRUST_UNREACHABLE",
            f"the trust list at {source} cannot be read: {_why(error)}",
            remedy="See that `trust.source` is right and can be reached, and is published whole.",
        ) from error
    except RepositoryError as error:
        raise TrustListError(
            "HP-T09", f"the trust list at {source} does not verify: {_why(error)}", remedy=_FORGED
        ) from error
    except OSError as error:
        raise TrustListError(
            "TRUST_STATE",
            f"the trust list's state cannot be kept: {error}",
            remedy="See that the data folder is writable, has room, and takes symbolic links.",
        ) from error


def _why(error: Exception) -> str:
    """What happened; tuf keeps the reason of some errors beneath them."""
    if error.__cause__ is None or isinstance(error, DownloadHTTPError):
        return str(error) or type(error).__name__
    return f"{error}: {error.__cause__}"
