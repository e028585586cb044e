"""What the README shows is run here, line by line, as a reader would type it."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hubproxy.core.finding import is_finding_name
from tests.cli.modules import BROKEN, CLEAN, POISONED
from tests.origin import Origin
from tests.site import SMALL, tar_gz

README = Path("README.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with Origin() as origin:
        origin.put("/google/nnlm-en-dim50/2", tar_gz(SMALL))
        origin.put("/vendor/poisoned/1", tar_gz(POISONED))
        yield origin


def lines() -> list[str]:
    return [
        line.removeprefix("$ ")
        for kind, text in FENCES
        if kind == "console"
        for line in text.splitlines()
    ]


def test_the_test_command_is_what_ci_runs() -> None:
    commands = [text.strip() for kind, text in FENCES if kind == "sh"]
    assert Path(".ci/run").read_text(encoding="utf-8").splitlines()[-1] == commands[1]


def test_every_fence_is_a_command_that_is_run() -> None:
    assert {kind for kind, _ in FENCES} == {"sh", "console"}
    assert all(text.startswith("$ ") for kind, text in FENCES if kind == "console")


def test_every_finding_has_its_row() -> None:
    page = README[README.index("## What hubproxy looks for") :]
    rows = set(re.findall(r"`([a-z0-9_-]+:[^`]+)`", page))
    sources = [*Path("hubproxy/inspection").rglob("*.py"), Path("hubproxy/cli/inspecting.py")]
    named = {
        name
        for path in sources
        for name in re.findall(r'"([a-z0-9_-]+:[^"{]+)"', path.read_text(encoding="utf-8"))
    }
    found = set(filter(is_finding_name, named))
    assert "saved_model:shard-missing" in found
    assert found - rows == set()


@pytest.mark.timeout(600)
@pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("ssh-keygen")),
    reason="curl or ssh-keygen is not installed",
)
async def test_the_commands_do_what_the_readme_says(tmp_path: Path, origin: Origin) -> None:
    """All of them in their order, in one shell."""
    import asyncio

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    (tmp_path / "bin").mkdir()
    runner = tmp_path / "bin" / "hubproxy"
    runner.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hubproxy "$@"\n')
    runner.chmod(0o755)
    (tmp_path / "passphrase").write_text("correct horse battery staple\n")
    (tmp_path / "elmo.tar.gz").write_bytes(tar_gz(SMALL))
    for name, files in (("image", CLEAN), ("poisoned", POISONED), ("broken", BROKEN)):
        (tmp_path / f"{name}.tar.gz").write_bytes(tar_gz(files))
    (tmp_path / "train.py").write_text(
        "import os\nassert {'HUBPROXY_URL', 'HTTPS_PROXY', 'TFHUB_CACHE_DIR'} & set(os.environ)\n"
    )
    (tmp_path / "hubproxy.toml").write_text(
        f'data = "{tmp_path}/data"\n[server]\nlisten = "127.0.0.1:{port}"\n'
        f'[forward]\nlisten = "127.0.0.1:0"\n[access]\nteams = "{tmp_path}/teams.toml"\n'
        f'[[hub]]\nhost = "tfhub.dev"\nurl = "{origin.url}"\nprivate = true\n'
    )
    script = "\n".join(["set -e", "trap 'jobs -p | xargs -r kill' EXIT", *lines()]).replace(
        "8440", port
    )
    shell = await asyncio.create_subprocess_exec(
        "bash",
        "-xc",
        script,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={
            "PATH": f"{runner.parent}:{Path(sys.executable).parent}:/usr/bin:/bin",
            "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *filter(None, sys.path)]),
            "HOME": str(tmp_path),
            "HUBPROXY_CONFIG": str(tmp_path / "hubproxy.toml"),
            "HUBPROXY_PASSPHRASE_FILE": str(tmp_path / "passphrase"),
        },
    )
    out, errors = await shell.communicate()
    assert shell.returncode == 0, errors.decode()
    shown = out.decode()
    assert "saved_model.pb" in shown
    assert "ready: root 1, timestamp 2" in shown
    assert '"code":"HP-T10"' not in shown
    assert "hubproxy_requests_total" in shown
    assert "courier/bundle: 1 modules, 1 archives of " in shown
    assert "imported: 1 modules; trust list root 1, " in shown
    assert "courier/next: 0 modules, 0 archives of 0 bytes, 1 volume" in shown
    assert "good          " in shown
    assert "1 wanted, 0 brought, 1 in step" in shown
    assert "the stolen key is refused" in shown
    assert "answered with 410" in shown
    assert "tfhub.dev/vendor/poisoned/1 is held for review as Q1 since " in shown
    assert "\nanswered with 403" in shown
    assert "op:WriteFile" in shown
    assert "tfhub.dev/vendor/poisoned/1 is held for the trust officers as Q1" in shown
    assert "baseline of our paper" in shown
    assert "tfhub.dev/vendor/poisoned/1 is on the trust list: load it" in shown
    assert "released, and answered with 200" in shown
    assert "refused: there is no signature" in shown
    assert "evidence sshsig of google" in shown
    for said in (
        "PASS    image.tar.gz: nothing found",
        "HOLD    poisoned.tar.gz: op:ReadFile, op:WriteFile",
        "exit status 3: a person should look at it",
        "REFUSE  broken.tar.gz: saved_model:shard-missing",
        "exit status 4: it is never accepted",
        "of several modules, the worst: exit status 3",
    ):
        assert said in shown
    page = README[README.index("    HOLD    poisoned.tar.gz\n") :].partition("\n\n|")[0]
    printed = shown.splitlines()
    assert [line for line in page.splitlines() if line[4:] not in ("", "  …", *printed)] == []
    # The last command tells who loaded what was revoked.
    assert " by ada: found to leak addresses\n" in shown
    assert "127.0.0.1 " in shown[shown.rindex("found to leak addresses") :]
