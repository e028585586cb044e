"""What an upstream's status line and headers mean: bytes to take, or an error with its reason."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Protocol

from hubproxy.core.fetching import Resume
from hubproxy.errors import UpstreamError, UpstreamNotFoundError

_DAY = 86_400
_ETAG = re.compile(r'"[\x21\x23-\x7e]{1,250}"')
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")
_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)")
_NUMBER = re.compile(r"\d{1,19}", re.ASCII)
_PAGES = ("text/html", "application/xhtml+xml")


class Headers(Protocol):
    """The part of aiohttp's headers that is used here."""

    def getall(self, key: str, default: Sequence[str], /) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose body may be read. Fields as in `Incoming`."""

    offset: int
    length: int | None
    media_type: str
    validator: str


def accept(
    status: int, reason: str, headers: Headers, *, resume: Resume | None, shown: str, now: float
) -> Answer:
    """Decide whether a body is what was asked for.

    Args:
        reason: the status line's phrase, as it came.
        resume: what was asked to be continued; None when everything was asked for.
        shown: the URL to name in errors.
        now: seconds since 1970, for a Retry-After that is a date.

    Raises:
        UpstreamError: it is not; `transient` where asking again may help.
    """
    if status not in (200, 206):
        raise _refusal(status, reason, headers, resumed=resume is not None, shown=shown, now=now)
    length = _length(headers, shown)
    media_type = _one(headers, "Content-Type", shown).partition(";")[0].strip().lower()
    if media_type in _PAGES:
        raise UpstreamError(
            f"{shown}: upstream sent a web page, not a module",
            remedy="Open the address in a browser: it may want a login, or the module moved.",
            transient=False,
        )
    if not _MEDIA_TYPE.fullmatch(media_type):
        media_type = "application/octet-stream"
    validator = _validator(headers, shown)
    if status == 200:
        return Answer(0, length, media_type, validator)
    if resume is None:
        raise UpstreamError(f"{shown}: upstream sent a part (206) where the whole was asked for")
    length = _rest(headers, resume, length, validator, shown)
    return Answer(resume.offset, length, media_type, validator)


def _refusal(
    status: int, reason: str, headers: Headers, *, resumed: bool, shown: str, now: float
) -> UpstreamError:
    said = "".join(letter if " " <= letter <= "~" else "?" for letter in reason)[:100]
    message = f"{shown}: upstream answered {status} {said}".rstrip()
    if status in (404, 410):
        return UpstreamNotFoundError(message, transient=False)
    if status in (401, 403, 451):
        return UpstreamError(
            message,
            remedy="Check this upstream's credentials, or ask its owner for access.",
            transient=False,
        )
    if status == 429 or status >= 500:
        wait = retry_after(_one(headers, "Retry-After", shown), now)
        return UpstreamError(message, retry_after=wait)
    # A resumed transfer may be longer than what upstream has now: start over.
    return UpstreamError(message, transient=status == 416 and resumed)


def retry_after(text: str, now: float) -> float | None:
    """Seconds that a Retry-After header asks to wait, at most a day; None when it says nothing."""
    if _NUMBER.fullmatch(text):
        return float(min(int(text), _DAY))
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = date.replace(tzinfo=date.tzinfo or UTC).timestamp()
    return min(max(at - now, 0.0), float(_DAY))


def _length(headers: Headers, shown: str) -> int | None:
    """The Content-Length, if the body's end is told in exactly one plain way."""
    lengths = headers.getall("Content-Length", ())
    codings = headers.getall("Transfer-Encoding", ())
    encodings = [text.strip().lower() for text in headers.getall("Content-Encoding", ())]
    if set(encodings) - {"", "identity"}:
        raise UpstreamError(
            f"{shown}: upstream sent an encoding that was not asked for (Content-Encoding)",
            transient=False,
        )
    if [text.strip().lower() for text in codings] not in ([], ["chunked"]):
        raise UpstreamError(f"{shown}: upstream sent a strange Transfer-Encoding")
    if len(lengths) > 1 or (lengths and codings):
        raise UpstreamError(f"{shown}: upstream told the length in two ways")
    if lengths and not _NUMBER.fullmatch(lengths[0]):
        raise UpstreamError(f"{shown}: upstream sent a strange Content-Length")
    return int(lengths[0]) if lengths else None


def _rest(headers: Headers, resume: Resume, length: int | None, validator: str, shown: str) -> int:
    """How many bytes a 206 brings, if it continues exactly what was begun."""
    found = _CONTENT_RANGE.fullmatch(_one(headers, "Content-Range", shown))
    if not found or int(found[1]) != resume.offset:
        raise UpstreamError(f"{shown}: upstream sent another part than the one asked for")
    if not resume.validator or validator != resume.validator:
        raise UpstreamError(f"{shown}: the module changed between two parts of one transfer")
    rest = int(found[2]) + 1 - resume.offset
    if rest < 1 or (found[3] != "*" and int(found[2]) + 1 != int(found[3])):
        raise UpstreamError(f"{shown}: upstream sent only some of the part asked for")
    if length not in (None, rest):
        raise UpstreamError(f"{shown}: Content-Length and Content-Range differ")
    return rest


def _validator(headers: Headers, shown: str) -> str:
    """The strong ETag, else Last-Modified, else empty."""
    etag = _one(headers, "ETag", shown)
    if _ETAG.fullmatch(etag):
        return etag
    modified = _one(headers, "Last-Modified", shown)
    try:
        parsedate_to_datetime(modified)
    except ValueError:
        return ""
    return modified if modified.isascii() and modified.isprintable() else ""


def _one(headers: Headers, name: str, shown: str) -> str:
    """A header's value, empty when there is none."""
    values = headers.getall(name, ())
    if len(set(values)) > 1:
        raise UpstreamError(f"{shown}: upstream sent {name} twice, differently")
    return values[0] if values else ""
