"""Which files beside the list anybody may have: those that a record which is known here names.

Others could be any bytes that somebody has put at the list's source: no signature is over them,
and asking for them would be asking, and keeping, whatever a stranger says.
"""

import asyncio
from collections.abc import Iterable

import msgspec

from hubproxy.core.digest import Descriptor
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.service.ports import Modules


class _File(msgspec.Struct):
    digest: str


class _Record(msgspec.Struct):
    """As much of a record as names files; it is decoded for thousands of records."""

    evidence: tuple[_File, ...] = ()
    card: _File | None = None


class Beside:
    """Knows the signatures and cards that records name.

    Args:
        modules: the store, which keeps records.
    """

    def __init__(self, modules: Modules) -> None:
        self._modules = modules
        self._named: set[str] = set()
        self._seen: set[Descriptor] = set()
        self._through: TrustSnapshot | None = None
        self._looking = asyncio.Lock()

    def note(self, text: bytes) -> None:
        """Learn what a record of the list names; nothing, if it is none."""
        try:
            record = msgspec.json.decode(text, type=_Record)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return
        files = record.evidence if record.card is None else (*record.evidence, record.card)
        self._named.update(one.digest for one in files)

    async def names(self, digest: str, snapshot: TrustSnapshot) -> bool:
        """Whether a record names a file: one that was read since the start, or that is stored.

        Args:
            digest: of the file, as a record writes it.
            snapshot: of the list in force. What is stored of it is looked at once.
        """
        if digest in self._named or self._through is snapshot:
            return digest in self._named
        async with self._looking:
            if self._through is not snapshot:
                await self._look_at(
                    one for role in snapshot.roles.values() for one in role.targets.values()
                )
                self._through = snapshot
        return digest in self._named

    async def _look_at(self, records: Iterable[Descriptor]) -> None:
        for one in records:
            if one in self._seen:
                continue
            text = await self._modules.read_record(one)
            if text is not None:
                await asyncio.to_thread(self.note, text)
            self._seen.add(one)
