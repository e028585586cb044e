"""The trust list for others to read: only what this site has verified, also without its source."""

import asyncio
import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import msgspec

from hubproxy.core.digest import Descriptor, Digest
from hubproxy.core.handle import Handle
from hubproxy.core.record import FORMATS
from hubproxy.core.trust import unlisted
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.errors import DeniedError, HubproxyError
from hubproxy.logs import event
from hubproxy.service.ports import ListSource, Modules
from hubproxy.service.trusted import TrustKeeper

P = ParamSpec("P")
T = TypeVar("T")

TIMESTAMP = "metadata/timestamp.json"
"""What changes with each new state of the list; every other name stands for one content."""

_METADATA = re.compile(
    r"metadata/(?:timestamp|[1-9][0-9]{0,9}\.[A-Za-z0-9][A-Za-z0-9._-]{0,200})\.json"
)
_BY_DIGEST = re.compile(
    r"(?P<folder>records|evidence|boms)/(?P<two>[0-9a-f]{2})/(?P<hex>(?P=two)[0-9a-f]{62})(?P<end>.*)"
)
_ENDS = {"records": ".json", "evidence": "", "boms": ".cdx.json"}


class NoCardError(HubproxyError):
    """The record of a module has no model card."""

    code = "NO_CARD"
    status = 404


class Publishing:
    """Gives files of the list by the names that a published folder has.

    Args:
        source: of the list. What it has to be asked for is asked for in threads of its own, so that
            one that hangs holds up no file that is here.
        trust: the list in force.
        modules: the store, which keeps records.
        threads: that may wait for the source at the same time.
    """

    def __init__(
        self, source: ListSource, trust: TrustKeeper, modules: Modules, *, threads: int = 2
    ) -> None:
        self._source, self._trust, self._modules = source, trust, modules
        self._roles = ThreadPoolExecutor(threads, thread_name_prefix="list-roles")
        self._files = ThreadPoolExecutor(threads, thread_name_prefix="list-files")
        self._indexed: tuple[TrustSnapshot, dict[Digest, Descriptor]] | None = None

    async def close(self) -> None:
        """Wait for what is being read."""
        for threads in (self._roles, self._files):
            await asyncio.to_thread(threads.shutdown, cancel_futures=True)

    async def file(self, name: str) -> bytes | None:
        """A file of the list in force; None when the list has none of that name.

        Args:
            name: `metadata/3.root.json`, `records/<aa>/<sha256>.json` and the like. Any other
                shape is no name of the list.

        Raises:
            HubproxyError: there is no list; or it is not at hand, and the source does not give it.
        """
        if _METADATA.fullmatch(name):
            return await _in(self._roles, self._source.published, name)
        match = _BY_DIGEST.fullmatch(name)
        if match is None or match["end"] != _ENDS[match["folder"]]:
            return None
        digest = Digest.of_hex(match["hex"])
        if match["folder"] == "records":
            return await self._record(name, digest)
        if not await self._trust.beside.names(str(digest), self._trust.snapshot()):
            return None
        return await _in(self._files, self._source.fetch_file, name, digest)

    async def card(self, handle: Handle) -> bytes:
        """The model card of a module, as its record on the list names it; revoked ones too.

        Args:
            handle: without a version, of the highest that is approved.

        Raises:
            DeniedError: the list does not name the module.
            NoCardError: its record has no card.
            HubproxyError: the list may not be used, or the card cannot be had.
        """
        snapshot, exact = await self._trust.resolve(handle)
        listed = snapshot.find(exact, FORMATS)
        if listed is None:
            no = unlisted(handle, snapshot.versions)
            raise DeniedError(no.code, no.status, no.message, remedy=no.remedy)
        card = (await self._trust.record(listed)).card
        if isinstance(card, msgspec.UnsetType):
            raise NoCardError(
                f"the record of {exact} has no model card",
                remedy=f"Ask a trust officer: `hubproxy trust card edit {exact}`",
            )
        digest = Digest.parse(card.digest)
        name = f"boms/{digest.hex[:2]}/{digest.hex}.cdx.json"
        return await _in(self._files, self._source.fetch_file, name, digest)

    async def _record(self, name: str, digest: Digest) -> bytes | None:
        """A record that the list in force names: from the store, or else from the source."""
        wanted = self._named(digest)
        if wanted is None:
            return None
        text = await self._modules.read_record(wanted)
        if text is None:
            text = await _in(self._files, self._source.published, name)
            if text is not None:
                await self._keep(text)
        if text is not None:
            self._trust.beside.note(text)
        return text

    def _named(self, digest: Digest) -> Descriptor | None:
        snapshot = self._trust.snapshot()
        if self._indexed is None or self._indexed[0] is not snapshot:
            found = (one for role in snapshot.roles.values() for one in role.targets.values())
            self._indexed = snapshot, {one.digest: one for one in found}
        return self._indexed[1].get(digest)

    async def _keep(self, text: bytes) -> None:
        try:
            await self._modules.keep_record(text)
        except HubproxyError as error:
            # It is verified: a full disk must not keep it from being given.
            event("record.not_kept", level=logging.WARNING, reason=error)


async def _in(
    threads: ThreadPoolExecutor, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, lambda: work(*args, **kwargs))
