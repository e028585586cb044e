"""The head of an HTTP/1 request, read strictly (RFC 9112), before any other parser sees it.

What two readers could understand differently is refused here, and the connection it came on is
closed. Nobody who asks for a module sends a body, so a request ends where its head does.
"""

import re
from dataclasses import dataclass

from hubproxy.errors import HubproxyError, UsageError

LONGEST_HEAD = 32 * 1024
LONGEST_LINE = 8190
MOST_FIELDS = 100

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([!-~]+) HTTP/([0-9])\.([0-9])")
# Possessive, so that blanks are tried in one way only: a field takes linear time.
_FIELD = re.compile(rb"(" + _TOKEN + rb"):[ \t]*+([\t -~\x80-\xff]*)")
# A line feed that ends no line, or a carriage return that begins no line feed.
_BARE = re.compile(rb"(?<!\r)\n|\r(?=[^\n])|\x00")
# An empty line in front is what some clients send behind a body (RFC 9112, 2.2).
_FIRST = re.compile(rb"(?:\r\Z|\r\n)?(?:[A-Za-z]|\Z)")

# Each of these says one thing; said twice, two readers may each take another one.
_SINGLE = frozenset(
    (
        *("host", "content-length", "expect", "range", "if-range"),
        *("authorization", "proxy-authorization", "upgrade", "user-agent"),
    )
)
# They are about this connection alone, and end here (RFC 9110, 7.6.1).
_HOP_BY_HOP = frozenset(
    (
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade"),
        *("transfer-encoding", "content-length", "proxy-authorization", "http2-settings"),
        *("expect",),
    )
)


class MethodNotAllowedError(HubproxyError):
    """Modules are read with GET and HEAD."""

    code = "METHOD_NOT_ALLOWED"
    status = 405


class ExpectationError(HubproxyError):
    """The client expects something of the server that it does not do."""

    code = "EXPECTATION_FAILED"
    status = 417


class HttpVersionError(HubproxyError):
    """The request is of a version of HTTP that is not spoken here."""

    code = "HTTP_VERSION"
    status = 505


class TargetTooLongError(HubproxyError):
    """The request line is longer than any module's name makes it."""

    code = "TARGET_TOO_LONG"
    status = 414


class HeadTooLargeError(HubproxyError):
    """The request has more or longer header fields than are read."""

    code = "HEAD_TOO_LARGE"
    status = 431


@dataclass(frozen=True, slots=True)
class Head:
    """A request line and the header fields behind it.

    Args:
        method: as it was sent; upper case for those that exist.
        target: as it was sent, not decoded.
        version: (1, 0) or (1, 1).
        fields: names in lower case, and values without the space around them.
    """

    method: str
    target: str
    version: tuple[int, int]
    fields: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str | None:
        """The value of a field that stands once, or the first one's; None without it."""
        return next((value for key, value in self.fields if key == name), None)

    def tokens(self, name: str) -> list[str]:
        """The members of a list field such as `Via`, over all of its lines."""
        lines = ",".join(value for key, value in self.fields if key == name)
        return [token.strip() for token in lines.split(",") if token.strip()]

    @property
    def persistent(self) -> bool:
        """Whether another request may follow on the connection (RFC 9112, 9.3)."""
        options = [token.lower() for token in self.tokens("connection")]
        if "close" in options:
            return False
        return self.version > (1, 0) or "keep-alive" in options

    def rewritten(self, target: str) -> bytes:
        """The head for the parser behind, with another target and without hop-by-hop fields.

        `Connection` strips nothing else: what it names is not passed on to anybody.
        """
        lines = [f"{self.method} {target} HTTP/{self.version[0]}.{self.version[1]}"]
        lines += [f"{name}: {value}" for name, value in self.fields if name not in _HOP_BY_HOP]
        lines.append(f"connection: {'keep-alive' if self.persistent else 'close'}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def find_end(received: bytes | bytearray, seen: int) -> int | None:
    r"""Where a head ends, just behind its empty line; None when it has not come yet.

    Args:
        received: what has come of it, and perhaps of what follows.
        seen: bytes of it that an earlier call has looked at.

    Raises:
        HubproxyError: it can be no head any more, whatever may come.
    """
    if not _FIRST.match(received):
        raise UsageError("this is no HTTP request", remedy="This port speaks plain HTTP/1.1.")
    begin = 2 if received.startswith(b"\r\n") else 0
    start = max(seen - 3, 0)
    end = received.find(b"\r\n\r\n", start)
    upto = len(received) if end < 0 else end
    if _BARE.search(received, start, upto + 2 if end >= 0 else upto):
        raise UsageError("the request has a line that does not end in CR LF")
    line = received.find(b"\r\n", begin, begin + LONGEST_LINE + 2)
    if line < 0 and len(received) > begin + LONGEST_LINE:
        raise TargetTooLongError(f"the request line is longer than {LONGEST_LINE} bytes")
    if upto > LONGEST_HEAD:
        raise HeadTooLargeError(f"the request's head is larger than {LONGEST_HEAD} bytes")
    return None if end < 0 else end + 4


def read_head(head: bytes) -> Head:
    r"""Read a whole head, to the empty line that ends it.

    Raises:
        HubproxyError: it is malformed, has a body, or says one thing twice.
    """
    first, *lines = head.removeprefix(b"\r\n").removesuffix(b"\r\n\r\n").split(b"\r\n")
    match = _REQUEST_LINE.fullmatch(first)
    if match is None:
        raise UsageError("the request line does not parse")
    version = int(match[3]), int(match[4])
    if version not in ((1, 0), (1, 1)):
        raise HttpVersionError("this server speaks HTTP/1.1 and HTTP/1.0")
    if len(lines) > MOST_FIELDS:
        raise HeadTooLargeError(f"the request has more than {MOST_FIELDS} header fields")
    fields = tuple(_field(line) for line in lines)
    found = Head(match[1].decode(), match[2].decode(), version, fields)
    _check_single(found)
    _check_body(found)
    # A CONNECT names its host in the target, and some clients leave it at that.
    if found.version == (1, 1) and found.get("host") is None and found.method != "CONNECT":
        raise UsageError("the request must have a Host header")
    if (found.get("expect") or "100-continue").lower() != "100-continue":
        raise ExpectationError("nothing is to be expected of this server but its answer")
    return found


def _field(line: bytes) -> tuple[str, str]:
    if len(line) > LONGEST_LINE:
        raise HeadTooLargeError(f"a header field is longer than {LONGEST_LINE} bytes")
    match = _FIELD.fullmatch(line)
    if match is None:
        raise UsageError("a header field does not parse")
    return match[1].decode().lower(), match[2].decode("latin-1").rstrip(" \t")


def _check_single(head: Head) -> None:
    seen: set[str] = set()
    for name, _ in head.fields:
        if name in _SINGLE and name in seen:
            raise UsageError(f"the request has two header fields {name}")
        seen.add(name)


def _check_body(head: Head) -> None:
    if head.get("transfer-encoding") is not None or head.get("content-length") not in (None, "0"):
        if head.method not in ("GET", "HEAD", "CONNECT"):
            raise MethodNotAllowedError("modules are read with GET and HEAD")
        raise UsageError("a request for a module has no body")
