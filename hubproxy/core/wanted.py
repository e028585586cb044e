"""What people ask the trust officers for, and what officers answered."""

from collections.abc import Iterable
from typing import Literal, Self

import msgspec

from hubproxy.core.handle import Handle
from hubproxy.core.quarantine import Ask

LONGEST_WHY = 500
"""Characters that a reason may have."""

State = Literal["listed", "held", "waiting", "declined", "unasked"]


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An officer's no to those who asked until then. A yes is a record on the list.

    Args:
        time: UTC, RFC 3339.
        why: in his words.
    """

    v: Literal[1] = 1
    handle: str
    time: str
    why: str


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A module that people ask for.

    Args:
        handle: canonical; without a version where they named none.
        asks: of each caller, what he asked last; the first caller stands first.
        answer: what officers said last.
    """

    v: Literal[1] = 1
    handle: str
    asks: tuple[Ask, ...] = ()
    answer: Answer | None = None

    @classmethod
    def decode(cls, text: bytes) -> Self:
        """Read what `encode` wrote.

        Raises:
            ValueError: it is no such thing.
        """
        try:
            found = msgspec.json.decode(text, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ValueError(f"not a request: {error}") from error
        if str(Handle.parse(found.handle)) != found.handle:
            raise ValueError(f"not a request: {found.handle!r} is no canonical handle")
        return found

    def encode(self) -> bytes:
        return msgspec.json.encode(self, order="sorted")

    @property
    def open(self) -> tuple[Ask, ...]:
        """Those that nobody has answered."""
        return tuple(ask for ask in self.asks if self.answer is None or ask.time > self.answer.time)

    def by(self, caller: str) -> Ask | None:
        """What a caller asked last."""
        return next((ask for ask in self.asks if ask.caller == caller), None)

    def asked(self, ask: Ask) -> "Wanted":
        """The same with one more; a caller's new reason takes the place of his old one."""
        known = {one.caller: one for one in self.asks}
        known[ask.caller] = ask
        return msgspec.structs.replace(self, asks=tuple(known.values()))


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a request stands, for the one who asks.

    Args:
        handle: exact where the list names it.
        state: `listed`: the list allows it; `held`: it was fetched and waits for officers;
            `waiting`: somebody has asked, and nobody answered; `declined`: officers said no since;
            `unasked`: nobody has asked.
        number: of the held module, `Q3`; or empty.
        draft: that would release it, `D5`; or empty.
        asked: what the caller himself asked last.
        answer: what officers said last, if they said no.
        others: how many besides him have asked and were not answered.
    """

    handle: str
    state: State
    number: str = ""
    draft: str = ""
    asked: Ask | None = None
    answer: Answer | None = None
    others: int = 0


def check_why(text: str) -> str:
    """A reason as it is kept: on one line.

    Raises:
        ValueError: it says nothing, is too long, or has characters that do not print.
    """
    why = " ".join(text.split())
    if not why:
        raise ValueError("a request needs a reason: officers decide by it")
    if len(why) > LONGEST_WHY:
        raise ValueError(f"the reason has {len(why)} characters; {LONGEST_WHY} are read")
    if not why.isprintable():
        raise ValueError("the reason has characters that do not print")
    return why


def all_asks(tried: Iterable[Ask], wanted: Wanted | None) -> tuple[Ask, ...]:
    """Who wants a held module: those whose jobs tried, and those who asked, with their reasons."""
    known = {ask.caller: ask for ask in tried}
    known |= {ask.caller: ask for ask in (wanted.asks if wanted else ())}
    return tuple(known.values())
