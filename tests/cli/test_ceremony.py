"""The page of the README for several officers, as typed: a team, a theft, a revocation."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.place import PASSPHRASE
from tests.origin import Origin
from tests.site import SMALL, tar_gz

README = Path("README.md").read_text(encoding="utf-8")
PAGE = re.search(r"^### Several officers\n(.*?)^##", README, re.MULTILINE | re.DOTALL)

_BEGIN = "set -e; trap 'kill $(jobs -p) 2>/dev/null || :' EXIT"
"""A daemon must not outlive a script that fails."""


def script() -> str:
    """The page's lines, each said before it is run."""
    assert PAGE is not None
    fences = re.findall(r"^```console\n(.*?)^```", PAGE[1], re.MULTILINE | re.DOTALL)
    lines = [line.removeprefix("$ ") for fence in fences for line in fence.splitlines()]
    return "\n".join([_BEGIN, *(f"echo '$ {quoted(line)}'\n{line}" for line in lines)])


def quoted(line: str) -> str:
    return line.replace("'", "'\\''")


@pytest.mark.timeout(600)
@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
async def test_the_ceremony_is_as_the_readme_tells_it(tmp_path: Path) -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    (tmp_path / "bin").mkdir()
    runner = tmp_path / "bin" / "hubproxy"
    runner.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hubproxy "$@"\n')
    runner.chmod(0o755)
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\n")
    async with Origin() as origin:
        origin.put("/google/nnlm-en-dim50/2", tar_gz(SMALL))
        (tmp_path / "hubproxy.toml").write_text(
            f'data = "{tmp_path}/data"\n[server]\nlisten = "127.0.0.1:{port}"\n'
            f'[forward]\nlisten = "127.0.0.1:0"\n[access]\nteams = "{tmp_path}/teams.toml"\n'
            f'[[hub]]\nhost = "tfhub.dev"\nurl = "{origin.url}"\nprivate = true\n'
        )
        shell = await asyncio.create_subprocess_exec(
            "bash",
            "-c",
            script().replace("8440", port),
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={
                "PATH": f"{runner.parent}:{Path(sys.executable).parent}:/usr/bin:/bin",
                "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *filter(None, sys.path)]),
                "HUBPROXY_CONFIG": str(tmp_path / "hubproxy.toml"),
                "HUBPROXY_PASSPHRASE_FILE": str(tmp_path / "passphrase"),
            },
        )
        raw, _ = await shell.communicate()
    told = raw.decode()
    assert shell.returncode == 0, told
    assert PASSPHRASE not in told

    rest = told
    for line in (
        "D1: root and targets signed by 1 of 2 (ada), bob or cy must sign",
        "NOT verified from a root of yours: compare ",
        "signed as bob",
        "published D1: ",
        "D2: ",
        "may list   tfhub.dev/google/*/*/*",
        "signed as mia",
        "published D2: ",
        "new      tfhub.dev/google/nnlm-en-dim50/2  saved_model, listed by nlp",
        "answered with 200",
        "verified from the root that this host holds",
        "new key    cy",
        "hubproxy: BAD_REQUEST: this key is not one of: ada, bob, cy",
        "the stolen key is refused",
        "signed as cy",
        "published D5: targets revokes tfhub.dev/google/nnlm-en-dim50/2",
        "answered with 410",
        "D2: team nlp: 1 of mia, for tfhub.dev/google/*/*/*  [targets 2: ada, bob; nlp 1: mia]",
        "(saved_model): found to leak addresses  [targets 4: ada, cy]",
        "2 of 2 needed; also bob",
    ):
        assert line in rest, told
        rest = rest.partition(line)[2]
