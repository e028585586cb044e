"""Errors of the TUF library and of the disk, as ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from tuf.api.exceptions import (
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    RepositoryError,
    UnsignedMetadataError,
)

from hubproxy.errors import TrustListError

RENEW = "Ask a trust officer to run `hubproxy trust renew --all`, or mend `trust.source`."
FORGED = "Somebody may have altered the list: compare `trust.source` and `trust.root` with them."


@contextmanager
def told(source: str) -> Iterator[None]:
    """What goes wrong within, told of a source.

    Raises:
        TrustListError: HP-T09, TRUST_UNREACHABLE, or TRUST_STATE.
    """
    try:
        yield
    except DownloadLengthMismatchError as error:
        raise TrustListError(
            "HP-T09", f"a file of {source} is longer than was signed: {error}", remedy=FORGED
        ) from error
    except DownloadError as error:
        raise TrustListError(
            "TRUST_UNREACHABLE",
            f"the trust list at {source} cannot be read: {why(error)}",
            remedy="See that `trust.source` is right and can be reached, and is published whole.",
        ) from error
    except UnsignedMetadataError as error:
        raise TrustListError("HP-T09", f"trust list signature: {error}", remedy=FORGED) from error
    except RepositoryError as error:
        raise TrustListError(
            "HP-T09", f"the trust list at {source} does not verify: {why(error)}", remedy=FORGED
        ) from error
    except OSError as error:
        raise TrustListError(
            "TRUST_STATE",
            f"the trust list's state cannot be kept: {error}",
            remedy="See that the data folder is writable, has room, and takes symbolic and "
            "hard links.",
        ) from error


def why(error: Exception) -> str:
    """What happened; tuf keeps the reason of some errors beneath them."""
    if error.__cause__ is None or isinstance(error, DownloadHTTPError):
        return str(error) or type(error).__name__
    return f"{error}: {error.__cause__}"
