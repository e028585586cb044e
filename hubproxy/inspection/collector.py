"""Where the gate's readers put what they find: one finding for each name, with its places."""

from typing import Literal

from hubproxy.core.finding import Finding, is_finding_name

_MOST_PLACES = 3
_MOST_NAMES = 200
_LONGEST_PLACE = 200


class Collector:
    """Gathers findings, however many a hostile module has."""

    def __init__(self) -> None:
        self._first: dict[str, Finding] = {}
        self._places: dict[str, list[str]] = {}
        self._more: dict[str, int] = {}
        self._dropped = 0

    def add(
        self,
        name: str,
        where: str,
        *,
        why: str,
        remedy: str = "",
        verdict: Literal["hold", "refuse"] = "hold",
    ) -> None:
        """Say that something was found, somewhere. Of one name, the first `why` counts.

        Args:
            name: see `Finding`; what is no name, being a stranger's, becomes `…:unprintable`.
            where: for people. Made printable here, and cut.
        """
        if not is_finding_name(name):
            name = f"{name.partition(':')[0]}:unprintable"
        if name not in self._first and len(self._first) >= _MOST_NAMES and verdict == "hold":
            self._dropped += 1
            return
        self._first.setdefault(
            name, Finding(name=name, where="", why=why, remedy=remedy, verdict=verdict)
        )
        places = self._places.setdefault(name, [])
        place = _printable(where)
        if place in places:
            return
        if len(places) < _MOST_PLACES:
            places.append(place)
        else:
            self._more[name] = self._more.get(name, 0) + 1

    def findings(self) -> tuple[Finding, ...]:
        """What refuses the module first, then by name."""
        found = [
            Finding(
                name=name,
                where=self._where(name),
                why=first.why,
                remedy=first.remedy,
                verdict=first.verdict,
            )
            for name, first in self._first.items()
        ]
        if self._dropped:
            found.append(
                Finding(
                    name="gate:many",
                    where=f"{self._dropped} more places",
                    why="it holds more kinds of what is not understood than are listed here",
                )
            )
        return tuple(sorted(found, key=lambda one: (one.verdict != "refuse", one.name)))

    def _where(self, name: str) -> str:
        more = self._more.get(name)
        text = ", ".join(self._places[name])
        return f"{text} and {more} more" if more else text


def _printable(text: str) -> str:
    text = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return text if len(text) <= _LONGEST_PLACE else f"{text[: _LONGEST_PLACE - 1]}…"
