"""What `tests.origin.Origin` answers, and the ways in which one answer can be wrong."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

Framing = Literal["length", "chunked", "close"]
Endless = Literal["body", "headers"]
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What one answer does differently from a good one. The defaults change nothing.

    Args:
        status: answer with this status instead of the resource; `body` is then what it says.
        reason: the status line's phrase.
        headers: sent besides the usual ones; replaces one of the same name, drops it if empty.
        raw: sent as the whole answer, to the byte; the connection is then closed.
        hold: but not before `until` is set (or the client goes).
        body: replaces the resource's bytes; ranges are of these.
        framing: how the body's end is told; "close" tells it by closing.
        lengths: the Content-Length headers to send instead of the right one.
        cut: stop after this many bytes of the body that was due, and close.
        reset: close by RST instead, after `cut` bytes.
        stall: pause after this many bytes until `until` is set (or for ever).
        flip: invert one bit of the byte at this offset of the representation.
        tick: seconds between pieces of `piece` bytes.
        etag: claim this entity tag (quoted, as sent; empty sends none).
        ignore_range: answer 200 with everything.
        ignore_if_range: answer 206 whatever the validator.
        shift: begin a 206 this many bytes later than asked, and say so.
        endless: a body or headers that never end.
        after: bytes sent when the answer is complete, unasked.
    """

    status: int | None = None
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes | None = None
    hold: bool = False
    body: bytes | None = None
    framing: Framing | None = None
    lengths: tuple[str, ...] | None = None
    cut: int | None = None
    reset: bool = False
    stall: int | None = None
    until: asyncio.Event | None = None
    flip: int | None = None
    tick: float = 0
    piece: int = 64 * 1024
    etag: str | None = None
    ignore_range: bool = False
    ignore_if_range: bool = False
    shift: int = 0
    endless: Endless | None = None
    after: bytes = b""


GOOD = Fault()


def truncated(at: int, framing: Framing = "length") -> Fault:
    """The body ends early: short of its length, without its last chunk, or unnoticeably."""
    return Fault(cut=at, framing=framing)


def reset(at: int) -> Fault:
    """The connection is reset after some bytes of the body."""
    return Fault(cut=at, reset=True)


def stalled(at: int, until: asyncio.Event | None = None) -> Fault:
    """The body pauses after some bytes, until the event is set or for ever."""
    return Fault(stall=at, until=until)


def flipped(at: int) -> Fault:
    """One bit of the representation is wrong."""
    return Fault(flip=at)


def slow(piece: int, tick: float) -> Fault:
    """The body comes in pieces of `piece` bytes, `tick` seconds apart."""
    return Fault(piece=piece, tick=tick)


def redirect(location: str, status: int = 302) -> Fault:
    """Sends the client elsewhere, in exactly these characters."""
    return Fault(status=status, reason="Elsewhere", headers=(("Location", location),))


def status(code: int, reason: str = "No", *, retry_after: str = "") -> Fault:
    """An answer that is not the resource."""
    headers = (("Retry-After", retry_after),) if retry_after else ()
    return Fault(status=code, reason=reason, headers=headers)


def web_page() -> Fault:
    """A login page, with 200."""
    return Fault(
        body=b"<!doctype html><title>Sign in</title>",
        headers=(("Content-Type", "text/html; charset=utf-8"),),
    )


def changed(body: bytes, etag: str) -> Fault:
    """The resource has become another one, honestly told."""
    return Fault(body=body, etag=etag)


@dataclass(frozen=True, kw_only=True)
class Resource:
    """What a path holds."""

    body: bytes = b""
    media_type: str = "application/gzip"
    etag: str = ""
    last_modified: str = ""
    framing: Framing = "length"


@dataclass(frozen=True)
class Answer:
    """What is to be sent: head (without its empty line), the body that is due, how it ends."""

    head: bytes
    due: bytes
    framing: Framing


def prepare(asked: dict[str, str], resource: Resource | None, fault: Fault) -> Answer:
    """The answer to a request with these headers (names in lower case)."""
    headers: dict[str, str] = {}
    if fault.status is not None or (resource is None and fault.body is None):
        code, reason, due = fault.status or 404, fault.reason or "Not Found", fault.body or b""
    else:
        resource = _faulty(resource or Resource(), fault)
        code, reason, due, content_range = _select(asked, resource, fault)
        headers = {
            "Content-Type": resource.media_type,
            "Content-Range": content_range,
            "ETag": resource.etag,
            "Last-Modified": resource.last_modified,
        }
    framing = fault.framing or (resource.framing if resource else "length")
    headers["Transfer-Encoding"] = "chunked" if framing == "chunked" else ""
    headers["Connection"] = "close" if framing == "close" else ""
    headers |= dict(fault.headers)
    lengths = fault.lengths
    if lengths is None:
        lengths = (str(len(due)),) if framing == "length" and not fault.endless else ()
    lines = [f"HTTP/1.1 {code} {reason}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if value]
    lines += [f"Content-Length: {value}" for value in lengths]
    return Answer("".join(line + "\r\n" for line in lines).encode("latin-1"), due, framing)


def pieces(due: bytes, fault: Fault) -> Iterator[memoryview | bytes]:
    """The body in pieces; an empty one stands for a stall."""
    while fault.endless == "body":
        yield bytes(fault.piece)
    view = memoryview(due)[: fault.cut]
    stall = len(view) if fault.stall is None else min(fault.stall, len(view))
    for at in range(0, stall, fault.piece):
        yield view[at : min(at + fault.piece, stall)]
    if fault.stall is not None:
        yield b""
    for at in range(stall, len(view), fault.piece):
        yield view[at : at + fault.piece]


def _faulty(resource: Resource, fault: Fault) -> Resource:
    body = resource.body if fault.body is None else fault.body
    if fault.flip is not None:
        body = body[: fault.flip] + bytes([body[fault.flip] ^ 1]) + body[fault.flip + 1 :]
    return replace(resource, body=body, etag=resource.etag if fault.etag is None else fault.etag)


def _select(asked: dict[str, str], resource: Resource, fault: Fault) -> tuple[int, str, bytes, str]:
    """Status, reason, bytes and Content-Range, by Range and If-Range."""
    body = resource.body
    wanted = _RANGE.fullmatch(asked.get("range", ""))
    unchanged = asked.get("if-range") in (None, resource.etag, resource.last_modified)
    if not wanted or fault.ignore_range or not (unchanged or fault.ignore_if_range):
        return 200, "OK", body, ""
    start = int(wanted[1]) + fault.shift
    end = min(int(wanted[2] or len(body)), len(body) - 1)
    if start > end:
        return 416, "Range Not Satisfiable", b"", f"bytes */{len(body)}"
    return 206, "Partial Content", body[start : end + 1], f"bytes {start}-{end}/{len(body)}"
