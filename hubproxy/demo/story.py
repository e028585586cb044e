"""The story that `hubproxy demo` tells, with real parts on this machine alone."""

import asyncio
import json
import os
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import aiohttp

from hubproxy.demo import modules
from hubproxy.demo.origin import DemoOrigin
from hubproxy.errors import HubproxyError


class DemoError(HubproxyError):
    """The demo did not go as it is told."""

    code = "DEMO"


class Job:
    """A training job in a child: real `tensorflow_hub`, or a plain client without it.

    Args:
        address: what goes before a handle to make it a URL.
        folder: for the client's own caches.
        child: answers a JSON object with one.
        is_real: whether it is `tensorflow_hub`.
    """

    def __init__(self, address: str, folder: Path, child: Process, *, is_real: bool) -> None:
        self._address, self._folder, self._child = address, folder, child
        self._is_real = is_real
        self._loads = 0

    async def build(self, folder: Path) -> str:
        """Make the modules; says with what."""
        if not self._is_real:
            for name in modules.ALL:
                modules.plain_module(folder / name, name)
            return "a plain client: pip install 'hubproxy[tensorflow]' for the real one"
        return str((await self._ask({"build": str(folder)}))["versions"])

    async def load(self, handle: str) -> dict[str, object]:
        """Load a module with an empty cache of the client's own."""
        self._loads += 1
        cache = self._folder / f"client-cache-{id(self)}-{self._loads}"
        return await self._ask({"load": f"{self._address}/{handle}", "cache": str(cache)})

    async def _ask(self, request: dict[str, str]) -> dict[str, object]:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps(request).encode() + b"\n")
        await self._child.stdin.drain()
        line = await self._child.stdout.readline()
        if not line:
            raise DemoError("the job in the child has ended", remedy="See its errors above.")
        answer: dict[str, object] = json.loads(line)
        return answer


async def tell() -> None:
    """Tell the story; leaves nothing behind.

    Raises:
        DemoError: something did not do what the story says of it.
    """
    with tempfile.TemporaryDirectory(prefix="hubproxy-demo-") as name:
        folder = Path(name)
        async with DemoOrigin(folder / "origin") as origin:
            await _tell(folder, origin)


async def _tell(folder: Path, origin: DemoOrigin) -> None:
    officer, config = folder / "officer.toml", folder / "hubproxy.toml"
    hub = f'[[hub]]\nhost = "tfhub.dev"\nurl = "{origin.url}"\nprivate = true\n'
    officer.write_text(f'data = "{folder}/officer"\n{hub}')
    config.write_text(
        f'data = "{folder}/data"\n[server]\nlisten = "127.0.0.1:0"\n'
        f'[forward]\nlisten = "127.0.0.1:0"\n[access]\nteams = "{folder}/teams.toml"\n'
        f'[trust]\nsource = "{folder}/officer/trust/repo"\n'
        f'root = "{folder}/officer/trust/root.json"\nrefresh_seconds = 1\n{hub}'
    )
    _say("A security officer begins a trust list, and an admin starts the proxy.")
    await _run(officer, "trust", "init", "--officer", "ada", "--insecure-plain-keys")
    (folder / "modules").mkdir()
    async with _daemon(config) as proxy, _job(proxy, folder) as job:
        _say(f"A training job starts with HUBPROXY_URL={proxy}, and nothing else changed.")
        made_with = await job.build(folder / "modules")
        print(f"  the job is {made_with}")
        for path in modules.ALL:
            modules.pack(folder / "modules" / path, origin.archive(path))

        _say("The officer reads three modules, and signs them.")
        listed = (modules.IMAGE, modules.WORDS, modules.SENTENCES)
        handles = [f"tfhub.dev/{path}" for path in listed]
        await _run(officer, "trust", "approve", *handles)
        print(await _run(officer, "trust", "status"), end="")
        await _seen(proxy, "timestamp 2")

        words, image = f"tfhub.dev/{modules.WORDS}", f"tfhub.dev/{modules.IMAGE}"
        sentences = f"tfhub.dev/{modules.SENTENCES}"
        _say("Cold: the module is fetched once, checked chunk by chunk, kept, and served.")
        _loaded(words, await job.load(words))
        _loaded(sentences, await job.load(sentences))
        _say("Warm: it comes from the disk.")
        _loaded(words, await job.load(words))
        await _without_the_hook(proxy, folder, words)
        _say("A module that nobody has signed: upstream is not even asked.")
        before = len(origin.asked)
        _refused(f"tfhub.dev/{modules.UNLISTED}", await job.load(f"tfhub.dev/{modules.UNLISTED}"))
        print(f"  requests upstream meanwhile: {len(origin.asked) - before}")
        _say("Upstream sends other bytes than the ones signed: none of them leaves.")
        origin.tamper(modules.IMAGE)
        _refused(image, await job.load(image))
        _say("Upstream goes away for good.")
        await origin.stop()
        _loaded(words, await job.load(words))

        _say("Every load is on record: hubproxy audit list")
        print(await _run(config, "audit", "list"), end="")


async def _without_the_hook(proxy: str, folder: Path, words: str) -> None:
    """The other way in: no package of ours in the job, only variables around it."""
    _say("Another job knows nothing of hubproxy: hubproxy run -- python train.py")
    unlisted = f"tfhub.dev/{modules.UNLISTED}"
    async with _job(proxy, folder, run=True) as job:
        _loaded(words, await job.load(words))
        _refused(unlisted, await job.load(unlisted))


def _say(text: str) -> None:
    print(f"\n{text}", flush=True)


def _loaded(handle: str, answer: Mapping[str, object]) -> None:
    if "error" in answer:
        raise DemoError(f"{handle} was to be served, but: {answer['error']}")
    what = f"output shape {answer['shape']}" if "shape" in answer else f"{answer['files']} files"
    print(f'  hub.load("https://{handle}")   {answer["ms"]} ms, {what}')


def _refused(handle: str, answer: Mapping[str, object]) -> None:
    if "error" not in answer:
        raise DemoError(f"{handle} was to be refused, but it was served")
    print(f'  hub.load("https://{handle}")   {answer["ms"]} ms')
    for line in str(answer["error"]).splitlines():
        print(f"    {line}")


def _command(config: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "hubproxy", words[0], *_placed(words[1:], config)]


def _placed(words: tuple[str, ...], config: Path) -> list[str]:
    """`--config` behind the sub-command, where there is one."""
    if words and not words[0].startswith("-"):
        return [words[0], "--config", str(config), *words[1:]]
    return ["--config", str(config), *words]


def _environment() -> dict[str, str]:
    """The environment without settings of a hubproxy that is really in use here."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HUBPROXY_")}


async def _run(config: Path, *words: str) -> str:
    child = await asyncio.create_subprocess_exec(
        *_command(config, *words),
        stdout=PIPE,
        stderr=PIPE,
        stdin=asyncio.subprocess.DEVNULL,
        env=_environment(),
    )
    out, errors = await child.communicate()
    if child.returncode:
        raise DemoError(f"hubproxy {' '.join(words)} failed: {errors.decode().strip()}")
    return out.decode()


async def _seen(proxy: str, versions: str) -> None:
    """Wait until the daemon has read the list that was just published."""
    async with aiohttp.ClientSession() as session:
        for _ in range(100):
            async with session.get(f"{proxy}/-/ready") as answer:
                if versions in await answer.text():
                    return
            await asyncio.sleep(0.1)
    raise DemoError("the daemon does not see the new trust list")


@asynccontextmanager
async def _daemon(config: Path) -> AsyncIterator[str]:
    with (config.parent / "daemon.log").open("wb") as log:
        child = await asyncio.create_subprocess_exec(
            *_command(config, "serve"), stdout=PIPE, stderr=log, env=_environment()
        )
    try:
        assert child.stdout is not None
        line = (await child.stdout.readline()).decode()
        if not line.startswith("listening on "):
            raise DemoError((config.parent / "daemon.log").read_text())
        yield line.split()[-1]
    finally:
        if child.returncode is None:
            child.terminate()
        await child.wait()


@asynccontextmanager
async def _job(proxy: str, folder: Path, *, run: bool = False) -> AsyncIterator[Job]:
    """A job with the hook; or, with `run`, as `hubproxy run` starts it."""
    is_real = find_spec("tensorflow") is not None and find_spec("tensorflow_hub") is not None
    words = [sys.executable, "-m", f"hubproxy.demo.{'job' if is_real else 'plain'}"]
    environ, address = _environment(), "https:/"
    if run:
        words = [sys.executable, "-m", "hubproxy", "run", "--url", proxy, "--", *words]
        environ["XDG_CACHE_HOME"] = str(folder)
    elif is_real:
        environ["HUBPROXY_URL"] = proxy
    else:
        environ["NO_PROXY"], address = "*", proxy
    with (folder / "job.log").open("ab") as log:
        child = await asyncio.create_subprocess_exec(
            *words, stdin=PIPE, stdout=PIPE, stderr=log, env=environ
        )
    try:
        yield Job(address, folder, child, is_real=is_real)
    finally:
        if child.returncode is None:
            child.terminate()
        await child.wait()
