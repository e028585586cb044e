"""A whole site for tests: an origin, an officer, and the real daemon on loopback.

    async with Site(tmp_path) as site:
        await site.approve(SPICE, site.put(SPICE, {"saved_model.pb": b"..."}))
        answer = await site.get(SPICE)
        assert answer.body == ...

The archives are made of the given files; `Site.plain` is what a client should get of them.
"""

import asyncio
import gzip
import io
import tarfile
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Self

import aiohttp
import msgspec

from hubproxy import wiring
from hubproxy.config import Config, load
from hubproxy.core.audit import AuditEvent
from hubproxy.core.handle import Handle
from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.record import CHUNK_SIZE, Record
from hubproxy.service.approve import Approvals
from hubproxy.store.auditread import read
from hubproxy.trust.keys import create_officer_key, create_online_key
from hubproxy.trust.officer import Repository
from hubproxy.unpack.ingest import repack
from tests.models import MODEL
from tests.origin import Origin

SPICE = "tfhub.dev/google/spice/2"
SMALL = MODEL
PYTHON = {"User-Agent": "Python-urllib/3.11"}


def large(chunks: float = 3.5, seed: int = 7) -> dict[str, bytes]:
    """A module whose plain tar has a little more than so many chunks. Does not compress."""
    weights = Random(seed).randbytes(int(chunks * CHUNK_SIZE))
    return {**SMALL, "variables/variables.data-00000-of-00001": weights}


def tar_gz(files: Mapping[str, bytes]) -> bytes:
    """An archive as hubs send it."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), 1, mtime=0)


def plain_tar(archive: bytes) -> bytes:
    """The plain tar that hubproxy makes of an archive."""
    pieces: list[bytes] = []

    class Collect:
        def write(self, piece: bytes, /) -> None:
            pieces.append(piece)

    repack(io.BytesIO(archive), Collect(), limits=ArchiveLimits())
    return b"".join(pieces)


@dataclass(frozen=True)
class Got:
    """A whole answer. `error` is set when it broke off; then `body` is what came before."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes
    error: aiohttp.ClientError | None = None

    @property
    def problem(self) -> dict[str, Any]:
        import json

        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Site:
    """An origin, an officer's list and a daemon. Settings are those of `[section]`s by name."""

    folder: Path
    settings: Mapping[str, object] = field(default_factory=dict)
    rate: int | None = None
    behind: "Site | None" = None
    """Another site that is this one's upstream, instead of an origin of its own."""
    clock: Callable[[], datetime] = wiring.now
    """The officer's: what is signed expires so much later."""
    daemon_clock: Callable[[], datetime] = wiring.now

    async def __aenter__(self) -> Self:
        self.stack = AsyncExitStack()
        self.origin = await self.stack.enter_async_context(Origin(rate=self.rate))
        self.session = await self.stack.enter_async_context(
            aiohttp.ClientSession(auto_decompress=False)
        )
        self.config = self._config()
        keys = wiring.keys(self.config, None)
        if not keys.officer_pem.exists():
            officer = create_officer_key(keys.officer_pem, None, insecure=True)
            online = create_online_key(keys.online_pem)
            self.list = Repository.init(
                wiring.places(self.config).repository,
                officer_name="ada",
                officer=officer,
                online=online,
                clock=self.clock,
            )
            wiring.places(self.config).root.write_bytes(self.list.root_file())
            self.officer, self.online, self.name = officer, online, "ada"
        self.daemon_stack = AsyncExitStack()
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        await self.stack.aclose()

    def _config(self) -> Config:
        self.folder.mkdir(exist_ok=True)
        path = self.folder / "hubproxy.toml"
        url = f"{self.behind.url}/tfhub.dev" if self.behind else self.origin.url
        path.write_text(
            f'data = "{self.folder / "data"}"\n[[hub]]\nhost = "tfhub.dev"\n'
            f'url = "{url}"\nprivate = true\n'
        )
        return load(path, {}, self.given)

    @property
    def given(self) -> dict[str, object]:
        """The settings that do not stand in the file."""
        return {
            "server.listen": "127.0.0.1:0",
            "forward.listen": "127.0.0.1:0",
            "access.teams": str(self.folder / "teams.toml"),
            "store.free_floor": 0,
            "network.attempts": 2,
            "server.drain_seconds": 1,
            **self.settings,
        }

    async def start(self) -> None:
        """Start the daemon (again)."""
        self.daemon = await self.daemon_stack.enter_async_context(
            wiring.open_daemon(self.config, clock=self.daemon_clock)
        )
        addresses = await self.daemon_stack.enter_async_context(
            wiring.open_ports(self.daemon, self.config)
        )
        self.url, self.forward_url = addresses.hook, addresses.proxy

    @property
    def ca_pem(self) -> bytes:
        """What a client must trust behind the forward port."""
        return wiring.trusted_pem(self.config)

    async def stop(self) -> None:
        await self.daemon_stack.aclose()

    async def restart(self, settings: dict[str, object]) -> None:
        await self.stop()
        self.settings = {**self.settings, **settings}
        self.config = self._config()
        await self.start()

    def put(self, handle: str, files: Mapping[str, bytes] = SMALL, **options: Any) -> bytes:
        """Let the origin hold a module; returns the plain tar that clients should get."""
        archive = tar_gz(files)
        self.origin.put(Handle.parse(handle).url_path, archive, **options)
        return plain_tar(archive)

    async def revoke(self, record: Record, *, reason: str) -> None:
        taken_back = msgspec.structs.replace(record, status="revoked", reason=reason)
        self.list.publish([taken_back], officer=self.officer, online=self.online)
        await self.daemon.trust.refresh()

    async def approve(self, handle: str, *, archive_digest: str = "") -> Record:
        """Sign what the origin holds now, and let the daemon see it. Leaves no request behind."""
        async with wiring.open_transfers(self.config) as transfers:
            drafts = wiring.drafts(self.config)
            approvals = Approvals(
                transfers=transfers, drafts=drafts, repository=self.list, clock=wiring.now
            )
            proposal = await approvals.examine(Handle.parse(handle))
            record = proposal.record
            drafts.drop(record)
            if archive_digest:
                archive = msgspec.structs.replace(record.archive, digest=archive_digest)
                record = msgspec.structs.replace(record, archive=archive)
            await approvals.publish([record], self)
        self.origin.requests.clear()
        await self.daemon.trust.refresh()
        return record

    async def get(
        self,
        handle: str,
        headers: Mapping[str, str] = PYTHON,
        *,
        query: str = "",
        method: str = "GET",
    ) -> Got:
        async with self.session.request(
            method, f"{self.url}/{handle}{query}", headers=headers
        ) as answer:
            pieces, error = [], None
            try:
                async for piece in answer.content.iter_any():
                    pieces.append(piece)
            except aiohttp.ClientError as broken:
                error = broken
            return Got(answer.status, answer.reason or "", answer.headers, b"".join(pieces), error)

    async def many(self, handle: str, count: int) -> list[Got]:
        return await asyncio.gather(*(self.get(handle) for _ in range(count)))

    async def evict(self, handle: str) -> None:
        """Remove a module's archive as a full store would; its names go too."""
        await self.stop()
        with wiring.open_stores(self.config) as stores:
            found = [*stores.refs, *stores.pins]
            for exact, form, ref in found:
                if str(exact) == handle:
                    stores.refs.drop(exact, form)
                    stores.blobs.remove(ref.archive_digest)
        await self.start()

    async def settled(self) -> None:
        """Wait until what was fetched has its place in the store."""
        await self.daemon.flights.landed()

    def events(self) -> list[AuditEvent]:
        """What the audit log holds of requests."""
        return [event for event in self.all_events() if event.event != "trust"]

    def list_events(self) -> list[AuditEvent]:
        """What the audit log holds of the trust list."""
        return [event for event in self.all_events() if event.event == "trust"]

    def all_events(self) -> list[AuditEvent]:
        return list(read(wiring.places(self.config).audit))

    async def recorded(self, kind: str) -> AuditEvent:
        """Wait until the audit log holds an event of this kind, and give the last one."""
        while not (found := [event for event in self.events() if event.event == kind]):
            await asyncio.sleep(0.01)
        return found[-1]

    def fetches(self, handle: str) -> int:
        """How often the origin was asked for a module since it was approved."""
        path = Handle.parse(handle).url_path
        return sum(request.path == path for request in self.origin.requests)
