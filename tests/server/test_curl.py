"""What the hub's documentation shows for people without Python: `curl -L URL | tar tz`."""

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.site import Site, large

NNLM = "tfhub.dev/google/nnlm-en-dim50/2"

pytestmark = [
    pytest.mark.skipif(shutil.which(program) is None, reason=f"there is no {program}")
    for program in ("curl", "tar", "sh")
]


async def shell(script: str, *words: str) -> tuple[int, str, str]:
    """Run a script with its `$0`, `$1`; gives its exit status and what it printed."""
    child = await asyncio.create_subprocess_exec(
        *("sh", "-c", script, *words),
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await child.communicate()
    return child.returncode or 0, out.decode(), errors.decode()


@pytest.mark.parametrize("query", ["?tf-hub-format=compressed", ""])
async def test_curl_and_tar_list_a_module_cold_and_warm(tmp_path: Path, query: str) -> None:
    async with Site(tmp_path) as site:
        site.put(NNLM, large(1.5))
        await site.approve(NNLM)

        for _ in range(2):
            status, out, errors = await shell('curl -sL "$0" | tar tz', f"{site.url}/{NNLM}{query}")
            await site.settled()

            assert (status, errors) == (0, "")
            files = {name for name in out.splitlines() if not name.endswith("/")}
            assert {name.removeprefix("./") for name in files} == set(large(0))
        assert site.fetches(NNLM) == 1


async def test_curl_shows_why_a_module_is_refused(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        status, out, errors = await shell('curl -sSfL "$0"', f"{site.url}/{NNLM}")

    assert (status, out) == (22, "")
    assert "403" in errors


async def test_curl_notices_a_transfer_that_broke_off(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        files, weights = large(2.5), "variables/variables.data-00000-of-00001"
        site.put(NNLM, files)
        await site.approve(NNLM)
        site.put(NNLM, {**files, weights: files[weights][:-1] + b"!"})

        status, _, errors = await shell(
            'curl -sSL -o "$1" "$0"', f"{site.url}/{NNLM}", str(tmp_path / "got.tar.gz")
        )

    assert status in (18, 56), errors
    assert errors
