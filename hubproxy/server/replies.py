"""What an answer looks like: status line, headers, and which bytes of which file."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from aiohttp import web

from hubproxy.core import gzipframe
from hubproxy.core.ranges import (
    UnsatisfiableRangeError,
    etag_matches,
    if_range_matches,
    parse_range,
)
from hubproxy.core.record import Record
from hubproxy.core.trust import Verdict
from hubproxy.errors import HubproxyError, UpstreamError
from hubproxy.server.pages import Page

Piece = bytes | tuple[int, int]
_LONGEST_REASON = 300
_PYTHON = ("Python-urllib/", "hubproxy-client/")
# Clients ask again each time, so that a revocation reaches them; a 304 costs nothing.
_CACHE_CONTROL = "no-cache"
_SERVER = {"Server": "hubproxy"}
# After these the client and this server may not agree on where its next request begins.
_LAST = (400, 405, 417, 505)
_MARKS = {"HP-T07": "expired", "HP-T16": "overdue"}


@dataclass(frozen=True, slots=True)
class Shape:
    """A planned answer.

    Args:
        status: 200, 206 or 304.
        headers: without Content-Length and Transfer-Encoding.
        size: bytes of the body.
        pieces: the body: literal bytes, or (offset, length) of the archive.
        start: the first byte of the archive that the body needs.

    """

    status: int
    headers: Mapping[str, str]
    size: int
    pieces: Iterator[Piece] = field(default_factory=lambda: iter(()))
    start: int = 0


def wants_gzip(asked: bool | None, user_agent: str) -> bool:
    """Whether to frame the tar as gzip.

    Python's urllib (that is, `tensorflow_hub`) reads a plain tar; the documented
    `curl -L URL | tar xz` does not.
    """
    return not user_agent.startswith(_PYTHON) if asked is None else asked


def shape(
    record: Record,
    request: Mapping[str, str],
    *,
    as_gzip: bool,
    cache: str,
    reviewed: bool,
    ranges: bool,
    warnings: Sequence[Verdict] = (),
) -> Shape:
    """Plan the answer to a GET or HEAD for a module that may be served.

    Args:
        record: of the module.
        request: the request's headers.
        as_gzip: frame the tar as gzip with stored blocks.
        cache: `hit` or `miss`.
        reviewed: whether an officer has signed the record.
        ranges: whether Range counts: it has no meaning for HEAD.
        warnings: to be said with it.

    Raises:
        UnsatisfiableRangeError: the Range begins behind the end.
    """
    archive = record.archive
    size = gzipframe.framed_size(archive.size) if as_gzip else archive.size
    etag = f'"{archive.digest}{"+gzip" if as_gzip else ""}"'
    headers = {
        **_SERVER,
        "ETag": etag,
        "Vary": "User-Agent",
        "Cache-Control": _CACHE_CONTROL,
        "Cache-Status": "hubproxy; hit" if cache == "hit" else "hubproxy; fwd=uri-miss; stored",
        "X-Hubproxy-Handle": record.handle,
        "X-Hubproxy-Archive": archive.digest,
    }
    marks = [] if reviewed else ["unreviewed"]
    marks += [_MARKS[warning.code] for warning in warnings]
    if marks:
        headers["X-Hubproxy-Trust"] = ", ".join(marks)
    if warnings:
        headers["Warning"] = ", ".join(_warning(warning) for warning in warnings)
    if etag_matches(request.get("If-None-Match"), etag):
        return Shape(304, headers, 0)
    name = record.handle.rpartition("/")[0].rpartition("/")[2]
    headers |= {
        "Content-Type": "application/gzip" if as_gzip else "application/x-tar",
        "Content-Disposition": f'attachment; filename="{name}.tar{".gz" if as_gzip else ""}"',
        "Accept-Ranges": "bytes",
    }
    if not as_gzip:
        whole = base64.b64encode(bytes.fromhex(record.archive_digest.hex)).decode()
        headers["Repr-Digest"] = f"sha-256=:{whole}:"
    part = None
    if ranges and if_range_matches(request.get("If-Range"), etag):
        part = parse_range(request.get("Range"), size)
    start, end = (part.start, part.end) if part else (0, size)
    if part:
        headers["Content-Range"] = part.content_range(size)
    pieces: Iterator[Piece]
    if as_gzip:
        pieces = gzipframe.pieces(archive.size, archive.crc32, start, end)
    else:
        pieces = iter([(start, end - start)])
    first = min(start, archive.size - 1) if not as_gzip else 0
    return Shape(206 if part else 200, headers, end - start, pieces, first)


def _warning(warning: Verdict) -> str:
    """A warning as RFC 7234 (5.5) writes one; 199 is any that has no number of its own."""
    text = f"{warning.code}: {warning.message}".replace('"', "'").replace("\\", "/")
    return f'199 hubproxy "{_plain(text)}"'


def _plain(text: str) -> str:
    """Text as a header can hold it."""
    return "".join(c if " " <= c <= "~" else "?" for c in text.replace("…", "..."))


def reason_phrase(error: HubproxyError) -> str:
    """An error as the status line shows it: the one text that `tensorflow_hub` prints."""
    text = f"hubproxy {error.code}: {error}"
    if error.remedy:
        text += f" - {error.remedy}"
    plain = _plain(text)
    return plain if len(plain) <= _LONGEST_REASON else plain[: _LONGEST_REASON - 3] + "..."


def problem(error: HubproxyError) -> tuple[bytes, dict[str, str]]:
    """An error as problem details (RFC 9457), with the headers that go with it."""
    body = {
        "type": f"urn:hubproxy:problem:{error.code}",
        "title": (type(error).__doc__ or error.code).splitlines()[0],
        "status": error.status,
        "detail": _encodable(str(error)),
        "code": error.code,
        "remedy": _encodable(error.remedy),
    }
    headers = {
        **_SERVER,
        "Content-Type": "application/problem+json",
        "Cache-Control": "no-store",
        "X-Hubproxy-Reason": reason_phrase(error),
    }
    if isinstance(error, UpstreamError) and error.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    return msgspec.json.encode(body) + b"\n", headers


def refusal(error: HubproxyError) -> web.Response:
    """An error as an answer."""
    body, headers = problem(error)
    if error.status == 405:
        headers["Allow"] = "GET, HEAD"
    if isinstance(error, UnsatisfiableRangeError):
        headers["Content-Range"] = f"bytes */{error.size}"
    response = web.Response(
        status=error.status, reason=reason_phrase(error), body=body, headers=headers
    )
    if error.status in _LAST:
        response.force_close()
    return response


def raw_refusal(error: HubproxyError, more: Mapping[str, str], *, bodiless: bool) -> bytes:
    """An error as the last answer of a connection, for those who answer without aiohttp.

    Args:
        more: headers besides those of every refusal.
        bodiless: the request is a HEAD, whose answer has the headers alone (RFC 9110, 9.3.2).
    """
    body, headers = problem(error)
    if error.status == 405:
        headers["Allow"] = "GET, HEAD"
    headers |= {**more, "Content-Length": str(len(body)), "Connection": "close"}
    lines = [f"HTTP/1.1 {error.status} {reason_phrase(error)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + (b"" if bodiless else body)


def page_reply(page: Page) -> web.Response:
    """A page as an answer."""
    return web.Response(
        status=page.status,
        body=page.body,
        headers={
            **_SERVER,
            "Content-Type": page.media_type,
            "Cache-Control": "no-cache",
            "X-Content-Type-Options": "nosniff",
            **page.headers,
        },
    )


def _encodable(text: str) -> str:
    """Text that UTF-8 can hold: what a request line holds besides is escaped."""
    return text.encode("utf-8", "backslashreplace").decode()
