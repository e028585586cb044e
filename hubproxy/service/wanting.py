"""Asking trust officers for a module, and seeing what became of that."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from hubproxy.core.audit import timestamp
from hubproxy.core.handle import Handle
from hubproxy.core.quarantine import Ask
from hubproxy.core.wanted import Standing, State
from hubproxy.service.explain import Explaining
from hubproxy.service.ports import Quarantine, Requests
from hubproxy.service.recording import Recorder


class Wanting:
    """Takes requests, and tells how they stand.

    Args:
        explaining: says whether the list allows a module.
        upstream: raises where a hub is none of ours.
        clock: the time, timezone-aware UTC.
    """

    def __init__(
        self,
        *,
        explaining: Explaining,
        quarantine: Quarantine,
        requests: Requests,
        recorder: Recorder,
        upstream: Callable[[str], object],
        clock: Callable[[], datetime],
    ) -> None:
        self._explaining, self._quarantine, self._requests = explaining, quarantine, requests
        self._recorder, self._upstream, self._clock = recorder, upstream, clock

    async def standing(self, handle: Handle, caller: str) -> Standing:
        """How a request stands for a caller, whether or not he has made it.

        Raises:
            HubproxyError: the hub is none of ours, or there is no list to say so.
        """
        self._upstream(handle.hub)
        allowed = await self._allowed(handle)
        if allowed is not None:
            await self._quarantine.released(allowed)
            return Standing(handle=str(allowed), state="listed")
        held = None if handle.version is None else await self._quarantine.find(handle)
        wanted = await self._requests.find(handle)
        state: State = "held" if held else "unasked"
        if wanted is not None and not held:
            state = "waiting" if wanted.open else "declined"
        open_asks = wanted.open if wanted else ()
        return Standing(
            handle=str(handle),
            state=state,
            number=held.number if held else "",
            draft=held.draft if held else "",
            asked=wanted.by(caller) if wanted else None,
            answer=wanted.answer if wanted else None,
            others=sum(ask.caller != caller for ask in open_asks),
        )

    async def ask(self, handle: Handle, caller: str, why: str) -> Standing:
        """Note that a caller wants a module; on record, and on disk, before this returns.

        What the list allows already is not noted.

        Args:
            why: as `check_why` gives it.

        Raises:
            HubproxyError: as `standing`; or it cannot be noted or recorded.
        """
        async with self._recorder.recorded(handle, caller) as entry:
            standing = await self.standing(handle, caller)
            if standing.state == "listed":
                return standing
            ask = Ask(caller=caller, time=timestamp(self._clock()), why=why)
            await self._requests.ask(handle, ask)
            await self._recorder.write(entry, event="request", outcome="", reason=why)
        return await self.standing(handle, caller)

    async def told(self, handle: Handle) -> dict[str, object]:
        """What anybody may know of a module that waits, or that officers have declined."""
        held = None if handle.version is None else await self._quarantine.find(handle)
        wanted = await self._requests.find(handle)
        return {
            "held": {
                "number": held.number,
                "since": held.since,
                "draft": held.draft,
                "findings": [str(finding) for finding in held.findings],
            }
            if held
            else None,
            "answer": msgspec.to_builtins(wanted.answer) if wanted else None,
        }

    async def _allowed(self, handle: Handle) -> Handle | None:
        """What the list names and allows, of a handle; exact."""
        explained = await self._explaining.of(handle)
        good = [one.handle for one in explained.listed if one.refused is None]
        return Handle.parse(good[0]) if good else None
