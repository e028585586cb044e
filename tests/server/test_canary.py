import asyncio
import hashlib
import io
import tarfile
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from hubproxy.client import wire
from hubproxy.core.handle import Handle
from hubproxy.server.canary import VALUE, canary_files, canary_page, canary_path
from tests.site import PYTHON, Site

CANARY = "tfhub.dev/-/canary/1"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with Site(tmp_path) as site:
        yield site


def unpacked(archive: bytes) -> dict[str, bytes]:
    """As `tensorflow_hub` unpacks it: front to back."""
    files = {}
    with tarfile.open(mode="r|*", fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            opened = tar.extractfile(member)
            if opened is not None:
                files[member.name.removeprefix("./")] = opened.read()
    return files


def test_it_is_always_the_same_bytes() -> None:
    """Those that were loaded by every `tensorflow_hub` that tests/e2e/test_canary.py names."""
    assert hashlib.sha256(canary_page().body).hexdigest() == (
        "c7b64098d63d8524c975f208ccbb7ab626864f3c40facbfaba1c55fe9c1190a7"
    )


def test_it_is_a_module_of_two_small_files() -> None:
    files = unpacked(canary_page().body)
    assert files == canary_files()
    assert set(files) == {"saved_model.pb", "tfhub_module.pb"}
    assert VALUE in files["saved_model.pb"]
    assert len(canary_page().body) < 4096


def test_no_module_can_have_its_name() -> None:
    with pytest.raises(ValueError, match="not a handle"):
        Handle.parse(CANARY)
    assert canary_path("tfhub.dev") == f"/{CANARY}"


@pytest.mark.parametrize("query", ["", "?tf-hub-format=compressed"])
async def test_the_daemon_serves_it_whole_and_with_its_digest(site: Site, query: str) -> None:
    got = await site.get(CANARY, PYTHON, query=query)
    assert (got.status, got.body) == (200, canary_page().body)
    assert got.headers["Content-Length"] == str(len(got.body))
    assert got.headers["Content-Type"] == "application/x-tar"
    assert got.headers["Repr-Digest"] == canary_page().headers["Repr-Digest"]


async def test_the_hook_takes_it(site: Site) -> None:
    def work() -> bytes:
        with closing(wire.ask(f"https://{CANARY}", site.url)) as body:
            whole = body.read()
            body.finish()
            return whole

    assert await asyncio.to_thread(work) == canary_page().body


async def test_it_is_on_the_configured_hubs_alone(site: Site) -> None:
    got = await site.get("other.example/-/canary/1")
    assert (got.status, got.problem["code"]) == (404, "NOT_FOUND")
