"""A folder with settings, and `hubproxy` run there as a person would."""

import asyncio
import json
import os
import shlex
import sys
import urllib.error
import urllib.request
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.origin import Origin
from tests.site import tar_gz

SPICE = "tfhub.dev/google/spice/2"
PASSPHRASE = "correct horse battery staple"


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    out: str
    errors: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Standard output as one JSON object per line."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Place:
    """Settings in `folder`, for the hub that `origin` is."""

    folder: Path
    origin: Origin
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.write_settings("")
        (self.folder / "passphrase").write_text(PASSPHRASE + "\n")

    def write_settings(self, more: str) -> None:
        self.settings.write_text(
            f'data = "{self.data}"\n[server]\nlisten = "127.0.0.1:0"\n'
            f'[forward]\nlisten = "127.0.0.1:0"\n[access]\nteams = "{self.folder}/teams.toml"\n'
            f"[trust]\nrefresh_seconds = 0.1\n[network]\nattempts = 1\n{more}\n"
            f'[[hub]]\nhost = "tfhub.dev"\nurl = "{self.origin.url}"\nprivate = true\n'
        )

    @property
    def settings(self) -> Path:
        return self.folder / "hubproxy.toml"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def put(self, handle: str, files: Mapping[str, bytes]) -> None:
        self.origin.put("/" + handle.partition("/")[2], tar_gz(files))

    async def start(self, *words: str, into: Sequence[str] = ()) -> Process:
        """Start `hubproxy`, with its output into another command if one is given."""
        command = [sys.executable, "-m", "hubproxy", *words]
        if into:
            command = ["sh", "-c", f"{shlex.join(command)} | {shlex.join(into)}"]
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(Path.cwd()),
                "HUBPROXY_CONFIG": str(self.settings),
                **self.variables,
            },
        )

    async def run(self, *words: str) -> Done:
        child = await self.start(*words)
        out, errors = await child.communicate()
        assert child.returncode is not None
        return Done(child.returncode, out.decode(), errors.decode())

    async def good(self, *words: str) -> Done:
        """Run what must succeed."""
        done = await self.run(*words)
        assert done.status == 0, done.errors
        return done

    async def begin(self) -> None:
        """Begin a trust list with a key that needs no passphrase."""
        await self.good("trust", "init", "--officer", "ada", "--insecure-plain-keys")

    @asynccontextmanager
    async def serving(self, *words: str) -> AsyncIterator[tuple[str, Process]]:
        """A daemon: its URL, and the process."""
        child = await self.start("serve", *words)
        try:
            assert child.stdout is not None
            line = (await child.stdout.readline()).decode()
            assert line.startswith("listening on http://127.0.0.1:")
            yield line.split()[-1], child
        finally:
            if child.returncode is None:
                child.terminate()
            await child.communicate()


async def fetch(url: str) -> tuple[int, str, bytes]:
    """Status, reason and body of what a Python client gets."""

    def work() -> tuple[int, str, bytes]:
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return answer.status, answer.reason, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.reason, error.read()

    return await asyncio.to_thread(work)
