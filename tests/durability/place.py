"""A hub, a signed list, and `hubproxy serve` as a process that can be killed.

async with Place(tmp_path, modules) as place:
    async with place.serving() as daemon:
        got = await place.get(daemon, SPICE)
        daemon.kill()
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import aiohttp

from hubproxy import wiring
from hubproxy.core.audit import AuditEvent
from hubproxy.store.auditread import read
from hubproxy.trust.keys import create_officer_key, create_online_key
from hubproxy.trust.officer import Repository
from tests.made import Made
from tests.origin import Origin
from tests.site import PYTHON, Got

TOP = Path(__file__).parents[2]
_STARTED = "listening on "


@dataclass
class Daemon:
    """A running `hubproxy serve`."""

    process: asyncio.subprocess.Process
    url: str

    def kill(self) -> None:
        """SIGKILL, now."""
        if self.process.returncode is None:
            self.process.kill()

    async def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return await self.process.wait()


@dataclass
class Place:
    """Where a daemon runs.

    Args:
        folder: of everything.
        modules: that the hub has and the list names.
        settings: by name, such as `store.budget`.
        data: the data folder; below `folder` unless given.
        rate: bytes per second that the hub sends.
    """

    folder: Path
    modules: Sequence[Made]
    settings: Mapping[str, object] = field(default_factory=dict)
    data: Path | None = None
    rate: int | None = None

    async def __aenter__(self) -> Self:
        self.folder.mkdir(exist_ok=True)
        self.data = self.data or self.folder / "data"
        self.origin = await Origin(rate=self.rate).__aenter__()
        self.session = aiohttp.ClientSession(auto_decompress=False)
        for made in self.modules:
            self.origin.put(made.handle.url_path, made.upstream, media_type="application/x-tar")
        self._publish()
        self.config = self.folder / "hubproxy.toml"
        self.config.write_text(self._config())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()
        await self.origin.stop()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Daemon]:
        """Start the daemon; it is killed at the end unless it was stopped."""
        with (self.folder / "log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *self._command("serve"),
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=environ(),
                cwd=TOP,
            )
        try:
            assert process.stdout is not None
            line = (await process.stdout.readline()).decode()
            assert line.startswith(_STARTED), (self.folder / "log").read_text()
            yield Daemon(process, line.removeprefix(_STARTED).strip())
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def fsck(self) -> list[dict[str, str]]:
        """What `hubproxy fsck` finds wrong; checks that its exit status agrees."""
        process = await asyncio.create_subprocess_exec(
            *self._command("fsck", "--json"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environ(),
            cwd=TOP,
        )
        out, said = await process.communicate()
        faults = [json.loads(line) for line in out.decode().splitlines()]
        assert process.returncode == bool(faults), said.decode()
        return faults

    async def get(
        self, daemon: Daemon, made: Made, *, took: Callable[[int], None] = lambda _: None
    ) -> Got:
        """Download a module; status 0 stands for no answer at all."""
        pieces: list[bytes] = []
        status, headers = 0, {}
        try:
            async with self.session.get(
                f"{daemon.url}/{made.handle}", headers=PYTHON, timeout=_PATIENT
            ) as answer:
                status, headers = answer.status, dict(answer.headers)
                async for piece in answer.content.iter_any():
                    pieces.append(piece)
                    took(len(piece))
        except aiohttp.ClientError as error:
            return Got(status, "", headers, b"".join(pieces), error)
        return Got(status, "", headers, b"".join(pieces))

    async def get_all(
        self, daemon: Daemon, *, took: Callable[[int], None] = lambda _: None
    ) -> list[Got]:
        return await asyncio.gather(*(self.get(daemon, made, took=took) for made in self.modules))

    async def settled(self, daemon: Daemon) -> None:
        """Wait until what was fetched has its place in the store, or has left none."""
        while True:
            async with self.session.get(f"{daemon.url}/metrics") as answer:
                text = await answer.text()
            if "\nhubproxy_fetches_in_flight 0.0\n" in text:
                return

    def events(self) -> list[AuditEvent]:
        """What the audit log holds of requests."""
        assert self.data is not None
        return [event for event in read(self.data / "audit") if event.event != "trust"]

    def leftovers(self) -> list[Path]:
        """Files that are not whole and not yet named."""
        assert self.data is not None
        return [*(self.data / "tmp").iterdir(), *(self.data / "refs").rglob(".*")]

    def fetches(self, made: Made) -> int:
        return sum(request.path == made.handle.url_path for request in self.origin.requests)

    def _publish(self) -> None:
        officer = create_officer_key(self.folder / "officer.pem", None, insecure=True)
        online = create_online_key(self.folder / "online.pem")
        repository = Repository.init(
            self.folder / "list",
            officer_name="ada",
            officer=officer,
            online=online,
            clock=wiring.now,
        )
        records = [made.record for made in self.modules]
        repository.publish(records, officer=officer, online=online)
        (self.folder / "root.json").write_bytes(repository.root_file())

    def _config(self) -> str:
        settings = {
            "server.listen": "127.0.0.1:0",
            "forward.listen": "",
            "store.free_floor": 0,
            "network.attempts": 2,
            "trust.source": str(self.folder / "list"),
            "trust.root": str(self.folder / "root.json"),
            **self.settings,
        }
        lines = [f"data = {json.dumps(str(self.data))}"]
        for section in sorted({name.partition(".")[0] for name in settings}):
            lines.append(f"[{section}]")
            lines += [
                f"{name.partition('.')[2]} = {json.dumps(value)}"
                for name, value in settings.items()
                if name.startswith(f"{section}.")
            ]
        hub = f'[[hub]]\nhost = "tfhub.dev"\nurl = "{self.origin.url}"\nprivate = true\n'
        return "\n".join([*lines, hub])

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "hubproxy", *words, "--config", str(self.config)]


_PATIENT = aiohttp.ClientTimeout(total=100)


def environ() -> dict[str, str]:
    """This process's environment, without settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HUBPROXY_")}
