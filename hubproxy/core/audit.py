"""The audit event: who asked for which module, and what the answer was."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Self

import msgspec

from hubproxy.core.handle import Handle

Outcome = Literal["served", "refused", "failed", "not-modified", "aborted", ""]
LONGEST_FIELD = 1024
"""Bytes of UTF-8 that one text field may have; a longer one is cut and ends in `…`."""
LONGEST_LINE = 128 * 1024
"""Bytes that no encoded event reaches, whatever its fields hold."""

_Line = bytes  # the event has a field of that name
_VERSION = re.compile(r"/(?:0|[1-9][0-9]{0,9})")


class AuditEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One answered request, or one change that an auditor asks about.

    Args:
        id: unique among all events.
        time: UTC, as `timestamp` writes it. It never goes back by more than some minutes, but at
            the acceptance of a clock: an event written while the clock is behind the log has the
            log's time.
        event: "answer", "aborted" (an answer that was cut), "recovered" (the log's own end was
            cut after a crash), "trust" (what became of the list in force), "clock" (a person
            accepted the time, and what stands before it was wrong), "request" (the caller asks
            officers for a module, and `reason` says why), "tunnel" (the forward port
            was asked for the host that `handle` names, and refused it or connected),
            "tunnel-closed" (`bytes` have passed it), "mirror" and "import" (a batch of modules was
            brought in by a mirror, or in a bundle; and each module of it, or why not).
        caller: who asked: an address, or a name when it is known.
        handle: canonical, or as it was asked for when it is no handle.
        format: of the module served.
        record: its record's digest; for "trust", that of the root file the list is known by.
        archive: its archive's digest.
        outcome: what came of it; empty for what is no request.
        code: the reason's code; of what was served, that of a warning which went with it.
        reason: the same in words.
        status: HTTP status, 0 for none.
        cache: whether upstream had to be asked.
        bytes: of the body that the answer announced.
        ms: from the request to the answer's first byte.
        trust: versions of the list that decided.
    """

    v: Literal[1] = 1
    id: str
    time: str
    event: str
    caller: str = ""
    handle: str = ""
    format: str = ""
    record: str = ""
    archive: str = ""
    outcome: Outcome = ""
    code: str = ""
    reason: str = ""
    status: int = 0
    cache: Literal["hit", "miss", ""] = ""
    bytes: int = 0
    ms: int = 0
    trust: str = ""

    def encode(self) -> _Line:
        r"""One line of JSON with its `\n`.

        Nothing in it but printable characters, so that neither a forged line nor a terminal's
        control sequence can come from a field.
        """
        try:
            line = msgspec.json.encode(self)
        except UnicodeEncodeError:  # a lone surrogate: bytes of a header that were no UTF-8
            line = msgspec.json.encode(self._cut())
        if len(line) > LONGEST_FIELD:
            line = msgspec.json.encode(self._cut())
        if not line.isascii() or b"\x7f" in line:
            line = _escaped(line.decode()).encode()
        return line + b"\n"

    @classmethod
    def decode(cls, line: _Line) -> Self:
        r"""Read one line, with or without its `\n`. Fields of later versions are passed over.

        Raises:
            ValueError: not one whole event.
        """
        try:
            return msgspec.json.decode(line, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ValueError(f"not an audit event: {error}") from error

    def _cut(self) -> Self:
        texts = {
            name: _short(value)
            for name in self.__struct_fields__
            if isinstance(value := getattr(self, name), str)
        }
        return msgspec.structs.replace(self, **texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which events are asked for; what is None does not matter.

    Args:
        handle: an exact handle, or one without a version for all of its versions.
        since: timezone-aware; this moment or later.
        outcome: what came of the request.
    """

    handle: Handle | None = None
    since: datetime | None = None
    outcome: Outcome | None = None

    def matches(self, event: AuditEvent) -> bool:
        """Whether an event is one of those asked for."""
        return (
            (self.outcome is None or event.outcome == self.outcome)
            and (self.since is None or event.time >= timestamp(self.since))
            and (self.handle is None or _names(event.handle, self.handle))
        )


def timestamp(at: datetime) -> str:
    """A timezone-aware moment as UTC, RFC 3339 with milliseconds: sorts as text.

    Raises:
        ValueError: `at` has no time zone.
    """
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _names(text: str, handle: Handle) -> bool:
    name = str(handle)
    if text == name:
        return True
    rest = text.removeprefix(name)
    return handle.version is None and rest != text and _VERSION.fullmatch(rest) is not None


def _short(text: str) -> str:
    whole = text.encode("utf-8", "backslashreplace")
    if len(whole) <= LONGEST_FIELD:
        return whole.decode()
    return whole[: LONGEST_FIELD - 3].decode("utf-8", "ignore") + "…"


def _escaped(line: str) -> str:
    """JSON text in which every character outside ASCII that does not print is escaped."""
    return "".join(char if char.isprintable() else _escape(char) for char in line)


def _escape(char: str) -> str:
    units = char.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
