"""The library's errors in the words of `UpstreamError`.

None of the library's own text is used or kept as a cause: it may show a signed URL.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

from hubproxy.errors import UpstreamError, UpstreamForbiddenError
from hubproxy.upstream.guard import ForbiddenAddressError


async def ask_once(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """A client middleware: an error of our own keeps the library from asking twice by itself."""
    with explained(str(request.url).partition("?")[0]):
        return await send(request)


@contextmanager
def explained(shown: str) -> Iterator[None]:
    """Say what an error means.

    Args:
        shown: the URL to name, without its query.

    Raises:
        UpstreamError: in place of each error of aiohttp and of the socket.
    """
    try:
        yield
    except aiohttp.ClientConnectorDNSError as error:
        raise UpstreamError(f"{shown}: the host's name was not found{_why(error)}") from None
    except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
        raise UpstreamError(
            f"{shown}: TLS failed{_tls_reason(error)}",
            remedy="If a company's proxy signs this traffic, add its CA to the system's store.",
            transient=False,
        ) from None
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, ForbiddenAddressError):
            raise UpstreamForbiddenError(
                f"{shown}: {error.os_error}",
                remedy="If this upstream is your own, declare it `private`.",
                transient=False,
            ) from None
        raise UpstreamError(f"{shown}: no connection{_why(error)}") from None
    except aiohttp.ConnectionTimeoutError:
        raise UpstreamError(f"{shown}: no connection in time") from None
    except aiohttp.ClientResponseError:
        raise UpstreamError(f"{shown}: upstream's answer is not proper HTTP") from None
    except (aiohttp.ClientError, OSError):
        raise UpstreamError(f"{shown}: the connection broke") from None


def _why(error: aiohttp.ClientConnectorError) -> str:
    number = error.os_error.errno or 0
    # Name look-ups have negative numbers, and texts of their own.
    said = os.strerror(number) if number > 0 else error.os_error.strerror
    return f" ({said})" if said else ""


def _tls_reason(error: BaseException) -> str:
    cause = error.__cause__
    said = getattr(cause, "verify_message", "") or getattr(cause, "reason", "")
    return f" ({said})" if said else ""
