"""Contents that the list names: fetched, and checked against what names them."""

from tuf.api.exceptions import RepositoryError
from tuf.ngclient.fetcher import FetcherInterface

from hubproxy.core.digest import Descriptor, Digest
from hubproxy.core.policy import POLICY_PATH, Policy
from hubproxy.core.record import LARGEST_RECORD
from hubproxy.trust.loading import is_whole

LARGEST_BESIDE = 16 * 1024 * 1024
"""Bytes of a signature's file or a card, of which a record names the digest alone."""

LARGEST_POLICY = 1024 * 1024
"""Bytes of the officers' policy."""


def fetch_record(
    fetcher: FetcherInterface, wanted: Descriptor, most: int = LARGEST_RECORD
) -> bytes:
    """A record, or the policy's text.

    Raises:
        DownloadError: no answer, or no such record.
        RepositoryError: other bytes.
    """
    digest = wanted.digest.hex
    name = f"records/{digest[:2]}/{digest}.json"
    data = fetcher.download_bytes(name, min(wanted.size, most))
    if not is_whole(data, wanted):
        raise RepositoryError(f"{name} is not the record that it names")
    return data


def fetch_beside(fetcher: FetcherInterface, name: str, digest: Digest) -> bytes:
    """A signature's file or a card.

    Raises:
        DownloadError: no answer, or no such file.
        RepositoryError: other bytes.
    """
    data = fetcher.download_bytes(name, LARGEST_BESIDE)
    if not is_whole(data, Descriptor(digest, len(data))):
        raise RepositoryError(f"{name} is not the file that it names")
    return data


def check_name(name: str, digest: Digest) -> None:
    """See that a signature's file or a card of some digest may have a name.

    Raises:
        RepositoryError: it is another's, or none.
    """
    known = f"{digest.hex[:2]}/{digest.hex}"
    if name not in (f"evidence/{known}", f"boms/{known}.cdx.json"):
        raise RepositoryError(f"{name[:200]!r} is not where {digest} may lie")


def decode_policy(text: bytes) -> Policy:
    """The officers' policy.

    Raises:
        RepositoryError: it is not one.
    """
    try:
        return Policy.decode(text)
    except ValueError as error:
        raise RepositoryError(f"{POLICY_PATH}: {error}") from error
