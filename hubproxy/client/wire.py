"""How a module is asked for, and how its bytes are checked."""

import base64
import hashlib
import http.client
import os
import re
import sys
import urllib.error
import urllib.request
from typing import Any, Dict, Optional
from urllib.parse import quote, unquote_to_bytes, urlsplit

from . import refusal
from .refusal import HubproxyError
from .version import __version__

# Seconds without a byte. hubproxy may have to fetch and check all of a module before its first.
TIMEOUT = 900.0
# The same, when it is asked only why it broke off: it knows, or it does not.
_TIMEOUT_WHY = 10.0

_REPR_DIGEST = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):\s*(?:[;,]|$)")
_PIECE = 1 << 20
_PATH_SAFE = "/%:@!$&'()*+,;=~"
_PORT = re.compile(r":(?!//|[0-9]*(?:/|$)).*", re.DOTALL)
_USER = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)([^/?#]*)@")


def hubproxy_url() -> str:
    """What HUBPROXY_URL says now, without a slash at its end; empty where it is not set.

    A team's name and token may stand in it: it is never shown as it is.
    """
    return os.environ.get("HUBPROXY_URL", "").strip().rstrip("/")


def is_ours(handle: str, base: str) -> bool:
    """Whether a handle already names hubproxy's own address, with credentials or without."""
    return (bare_url(handle).lower() + "/").startswith(bare_url(base).lower() + "/")


def url_of(handle: str, base: str) -> str:
    """Where hubproxy at `base` has the module that a user calls `handle`.

    The handle's query, fragment and trailing slash, and the credentials of both are left out.

    Raises:
        HubproxyError: `base` or `handle` is not an address.
    """
    bare = bare_url(base)
    # An @ further on may be the end of a token whose / or # was written as it is.
    if not _is_http(bare) or not _has_port(bare) or "@" in bare:
        raise HubproxyError(
            "HUBPROXY_URL is {!r}, which is not the address of a hubproxy".format(_shown(base)),
            "Set it to one such as http://hubproxy.example:8440 (with a token, percent-encoded: "
            "http://NAME:TOKEN@hubproxy.example:8440), or unset it.",
        )
    if not _is_http(handle):
        raise HubproxyError("{!r} is not the address of a module".format(bare_url(handle)))
    parts = urlsplit(handle)
    host = parts.netloc.rpartition("@")[2].lower()
    path = quote(parts.path.strip("/"), safe=_PATH_SAFE)
    return "{}/{}/{}?tf-hub-format=compressed".format(bare, quote(host, safe=":[]"), path)


def bare_url(url: str) -> str:
    """An address without the credentials in it."""
    return _USER.sub(r"\1", url)


def credentials_of(base: str) -> Dict[str, str]:
    """The header for the user and password in an address (RFC 7617); none where it has none."""
    found = _USER.match(base)
    if found is None or not found.group(2):
        return {}
    user, _, password = found.group(2).partition(":")
    pair = b":".join(
        unquote_to_bytes(text.encode("utf-8", "surrogateescape")) for text in (user, password)
    )
    return {"Authorization": "Basic " + base64.b64encode(pair).decode("ascii")}


def _shown(base: str) -> str:
    """A HUBPROXY_URL that is none, without what may be meant as a token in it."""
    _, at, after = base.rpartition("@")
    return "***@" + after if at else _PORT.sub(":***", base)


def _has_port(url: str) -> bool:
    """Whether the port of an address is one, or left out."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def _is_http(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


class CheckedBody:
    """The body of an answer, hashed as it is read; `finish` tells whether all of it was right."""

    def __init__(self, response: Any, asked: str, credentials: Dict[str, str]) -> None:
        """Read what the answer's headers promise.

        Raises:
            HubproxyError: they promise no digest.
        """
        self._response = response
        self._asked = asked
        self._credentials = credentials
        self._sha256 = hashlib.sha256()
        self._count = 0
        self._length = _content_length(response)
        self._digest = repr_digest(response)
        if self._digest is None:
            raise HubproxyError(
                "the answer cannot be checked: it has no Repr-Digest header with sha-256",
                "Check that HUBPROXY_URL is a hubproxy's address, and what stands in between.",
                asked,
            )

    @property
    def digest(self) -> str:
        """The sha-256 that was promised, in hex."""
        return self._digest.hex() if self._digest else ""

    def close(self) -> None:
        """Let the connection go."""
        self._response.close()

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; none at the end of the body.

        Raises:
            HubproxyError: the connection broke.
        """
        try:
            piece: bytes = self._response.read(None if size < 0 else size)
        except http.client.IncompleteRead as error:
            self._count += len(error.partial)
            raise self._broken_off("the body ended early") from None
        except (OSError, http.client.HTTPException) as error:
            raise self._broken_off(str(error)) from None
        self._sha256.update(piece)
        self._count += len(piece)
        return piece

    def finish(self) -> None:
        """Read what a tar reader leaves after the end marker, and check the whole.

        Raises:
            HubproxyError: the body is too short, or has another digest than was promised.
        """
        while self.read(_PIECE):
            pass
        if self._length is not None and self._count != self._length:
            raise self._broken_off("the body ended early")
        if self._sha256.digest() != self._digest:
            raise HubproxyError(
                "the {} bytes that arrived have another sha-256 than hubproxy promised".format(
                    self._count
                ),
                "Something between here and hubproxy changes what passes: take it out, try again.",
                self._asked,
            )

    def _broken_off(self, why: str) -> HubproxyError:
        """The error to raise: hubproxy's reason, if it gives one, and else what was seen here."""
        self.close()
        of = "" if self._length is None else " of {}".format(self._length)
        told = _why(
            self._asked,
            self._credentials,
            "The transfer broke off after {}{} verified bytes; none is kept.".format(
                self._count, of
            ),
        )
        if told is not None:
            return told
        return HubproxyError(
            "the transfer broke off after {}{} bytes: {}".format(self._count, of, why),
            "Load it again. If that does not help, hubproxy's log says why it stopped.",
            self._asked,
        )


def ask(handle: str, base: str) -> CheckedBody:
    """Ask hubproxy at `base` for the archive of `handle`: a plain tar.

    Proxies that the environment names are not used: hubproxy is the proxy. Credentials in `base`
    go to that address alone, never to one that it redirects to.

    Raises:
        HubproxyError: it refused, could not be reached, or its answer cannot be checked.
    """
    asked, credentials = url_of(handle, base), credentials_of(base)
    try:
        response = open_url(asked, {}, credentials, TIMEOUT)
    except urllib.error.HTTPError as answer:
        with answer:
            raise refusal.from_answer(answer, asked) from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise HubproxyError(
            "hubproxy at {} cannot be reached: {}".format(bare_url(base), reason),
            "Start it, or unset HUBPROXY_URL to load modules without it.",
            asked,
        ) from None
    try:
        return CheckedBody(response, asked, credentials)
    except HubproxyError:
        response.close()
        raise


def open_url(
    url: str,
    headers: Dict[str, str],
    credentials: Dict[str, str],
    timeout: float,
    method: str = "GET",
) -> Any:
    """The answer of hubproxy, which is the proxy: those that the environment names are not used.

    Raises:
        OSError, http.client.HTTPException: as urllib does.
    """
    agent = "hubproxy-client/{} Python-urllib/{}.{}".format(__version__, *sys.version_info[:2])
    request = urllib.request.Request(
        url, headers=dict(headers, **{"User-Agent": agent}), method=method
    )
    for name, value in credentials.items():
        request.add_unredirected_header(name, value)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(request, timeout=timeout)


def _why(asked: str, credentials: Dict[str, str], before: str) -> Optional[HubproxyError]:
    """What hubproxy says now of a module whose transfer broke off; None where that is no refusal.

    An answer that has begun cannot say why it ends. hubproxy remembers what failed, so asking
    for the first byte is answered at once, and moves nothing.
    """
    try:
        open_url(asked, {"Range": "bytes=0-0"}, credentials, _TIMEOUT_WHY).close()
    except urllib.error.HTTPError as answer:
        with answer:
            told = refusal.from_answer(answer, asked, before)
        return told if told.code else None
    except (OSError, http.client.HTTPException):
        pass
    return None


def _content_length(response: Any) -> Optional[int]:
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isdigit() else None


def repr_digest(response: Any) -> Optional[bytes]:
    """The sha-256 in the `Repr-Digest` header (RFC 9530), or None."""
    found = _REPR_DIGEST.search(", ".join(response.headers.get_all("Repr-Digest", [])))
    if found is None:
        return None
    try:
        return base64.b64decode(found.group(1), validate=True)
    except ValueError:
        return None
