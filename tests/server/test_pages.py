import hashlib
import io
import re
import resource
import signal
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from hubproxy import wiring
from hubproxy.server.pages import NoSuchPageError, Page, Pages, Visit
from tests.site import PYTHON, SPICE, Site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with Site(tmp_path) as site:
        yield site


async def test_a_good_daemon_is_live_and_ready(site: Site) -> None:
    live, ready = await site.get("-/live"), await site.get("-/ready")
    assert (live.status, live.body) == (200, b"live\n")
    assert ready.status == 200
    assert ready.body.startswith(b"ready: root 1, timestamp ")
    assert ready.headers["Cache-Control"] == "no-cache"
    assert ready.headers["X-Content-Type-Options"] == "nosniff"
    assert ready.headers["Server"] == "hubproxy"


async def test_with_an_expired_list_it_is_live_but_not_ready(tmp_path: Path) -> None:
    async with Site(tmp_path, clock=lambda: wiring.now() - timedelta(days=30)) as site:
        live, ready = await site.get("-/live"), await site.get("-/ready")
        refused = await site.get(SPICE)
    assert live.status == 200
    assert ready.status == refused.status == 503
    assert ready.body.startswith(b"not ready: HP-T07: trust list expired on ")
    assert refused.problem["code"] == "HP-T07"


@contextmanager
def no_room() -> Iterator[None]:
    """No file can grow any more, as on a full disk."""
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


async def test_with_a_broken_audit_log_it_is_live_but_not_ready(site: Site) -> None:
    site.put(SPICE)
    await site.approve(SPICE)
    await site.get(SPICE)
    await site.settled()
    with no_room():
        refused = await site.get(SPICE)
        live, ready = await site.get("-/live"), await site.get("-/ready")
    assert (refused.status, refused.problem["code"]) == (503, "AUDIT_UNAVAILABLE")
    assert live.status == 200
    assert ready.status == 503
    assert b"AUDIT_UNAVAILABLE" in ready.body

    assert (await site.get(SPICE)).status == 200
    assert (await site.get("-/ready")).status == 200


async def test_the_client_hook_can_be_installed_from_the_daemon(site: Site) -> None:
    index = await site.get("-/client/")
    assert index.headers["Content-Type"] == "text/html; charset=utf-8"
    link = re.search(rb'href="([^"]+\.whl)"', index.body)
    assert link is not None

    wheel = await site.get(f"-/client/{link[1].decode()}")

    assert wheel.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(wheel.body)) as archive:
        assert archive.testzip() is None
        assert "hubproxy_client.pth" in archive.namelist()
    again = await site.get(f"-/client/{link[1].decode()}")
    assert hashlib.sha256(again.body).digest() == hashlib.sha256(wheel.body).digest()


@pytest.mark.parametrize("path", ["", "-/live", "-/ready", "metrics", "-/client/"])
async def test_head_of_a_page_tells_what_get_would_send(site: Site, path: str) -> None:
    head = await site.get(path, PYTHON, method="HEAD")
    got = await site.get(path, PYTHON)
    assert head.body == b""
    assert {**head.headers, "Date": ""} == {**got.headers, "Date": ""}


@pytest.mark.parametrize("path", ["-/nothing", "-", "metrics/x", "-/"])
async def test_an_unknown_page_is_refused_with_the_names_of_the_known(
    site: Site, path: str
) -> None:
    got = await site.get(path)
    assert got.status == 404
    assert got.problem["code"] == "NOT_FOUND"
    assert "/-/ready" in got.problem["remedy"]


VISIT = Visit("127.0.0.1", "GET", {})


async def test_a_page_is_found_by_its_whole_path_alone() -> None:
    pages = Pages({"/-/live": lambda: Page(b"live\n")})
    assert (await pages.find("/-/live", VISIT)).body == b"live\n"
    for other in ("/-/live/", "/-/LIVE", "/-//live", "-/live", ""):
        with pytest.raises(NoSuchPageError):
            await pages.find(other, VISIT)


async def test_below_a_path_the_rest_of_it_makes_the_page() -> None:
    async def below(rest: str) -> Page:
        return Page(rest.encode())

    pages = Pages({"/-/a/whole": lambda: Page(b"whole")}, {"/-/a/": below})
    assert (await pages.find("/-/a/b/../c%2F", VISIT)).body == b"b/../c%2F"
    assert (await pages.find("/-/a/", VISIT)).body == b""
    assert (await pages.find("/-/a/whole", VISIT)).body == b"whole"
    for other in ("/-/a", "/-/A/b", "//-/a/b"):
        with pytest.raises(NoSuchPageError, match="is not a page") as refused:
            await pages.find(other, VISIT)
        assert "/-/a/…" in refused.value.remedy
