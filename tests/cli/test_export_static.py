"""`hubproxy export static`, served by a real nginx."""

import asyncio
import hashlib
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hubproxy.client import wire
from hubproxy.client.refusal import HubproxyError
from tests.cli.place import SPICE, Done, Place, fetch
from tests.cli.test_mirror import NNLM, OLD, forget_drafts
from tests.origin import Origin
from tests.site import SMALL, plain_tar, tar_gz
from tests.webserver import free_port, nginx

WORDS = {**SMALL, "assets/words.txt": b"new"}
PLAIN = plain_tar(tar_gz(WORDS))


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Origin() as origin:
        place = Place(tmp_path, origin)
        place.put(SPICE, SMALL)
        place.put(NNLM, WORDS)
        place.put(OLD, {**SMALL, "assets/words.txt": b"old"})
        await place.begin()
        await place.good("trust", "approve", SPICE, NNLM, OLD)
        forget_drafts(place)
        await place.good("mirror", "sync", SPICE, NNLM, OLD)
        yield place


def site(place: Place) -> Path:
    return place.folder / "www"


async def export(place: Place, *words: str) -> Done:
    return await place.good("export", "static", str(site(place)), *words)


@contextmanager
def served(place: Place, port: int) -> Iterator[str]:
    with nginx(site(place), place.folder / "nginx", port) as url:
        yield url


async def test_nginx_serves_it_at_the_paths_that_clients_ask_for(place: Place) -> None:
    port = free_port()
    done = await export(place, "--listen", f"127.0.0.1:{port}")
    assert f"nginx: include {site(place)}/.hubproxy/nginx.conf;" in done.out
    with served(place, port) as url:
        for name in (NNLM, f"{NNLM}?tf-hub-format=compressed", "tfhub.dev/google/nnlm"):
            assert (await fetch(f"{url}/{name}"))[::2] == (200, PLAIN)
        assert (await fetch(f"{url}/{OLD}"))[2] != PLAIN
        for name in (
            "tfhub.dev/google/other/1",
            "tfhub.dev/google",
            ".hubproxy/nginx.conf",
            "blobs/",
            "",
        ):
            assert (await fetch(f"{url}/{name}"))[0] in (403, 404), name

        def look() -> tuple[dict[str, str], bytes, dict[str, str]]:
            with urllib.request.urlopen(f"{url}/{NNLM}", timeout=10) as answer:
                headers = dict(answer.headers)
            asked = urllib.request.Request(f"{url}/{NNLM}", headers={"Range": "bytes=512-1023"})
            with urllib.request.urlopen(asked, timeout=10) as answer:
                assert answer.status == 206
                return headers, answer.read(), dict(answer.headers)

        headers, part, _ = await asyncio.to_thread(look)
    assert headers["Content-Type"] == "application/x-tar"
    assert headers["ETag"].startswith('"')
    assert part == PLAIN[512:1024]


async def test_the_hook_checks_what_nginx_sends(place: Place) -> None:
    """The server knows nothing of hubproxy; its settings give the digest."""
    port = free_port()
    await export(place, "--listen", f"127.0.0.1:{port}")

    def ask(base: str, handle: str) -> tuple[bytes, str]:
        body = wire.ask(handle, base)
        got = body.read()
        body.finish()
        return got, body.digest

    with served(place, port) as url:
        for handle in (f"https://{NNLM}", "https://tfhub.dev/google/nnlm"):
            got, digest = await asyncio.to_thread(ask, url, handle)
            assert (got, digest) == (PLAIN, hashlib.sha256(PLAIN).hexdigest())
        blob = (site(place) / NNLM).resolve()
        blob.write_bytes(PLAIN.replace(b"new", b"bad"))
        with pytest.raises(HubproxyError, match="another sha-256 than hubproxy promised"):
            await asyncio.to_thread(ask, url, f"https://{NNLM}")


@pytest.fixture
async def downstream(place: Place, tmp_path: Path) -> AsyncIterator[tuple[Place, str, Place]]:
    """Another site, that has nginx as its upstream and for its list."""
    port = free_port()
    await export(place, "--listen", f"127.0.0.1:{port}")
    (tmp_path / "other").mkdir()
    with served(place, port) as url:
        other = Place(tmp_path / "other", place.origin)
        text = other.settings.read_text().replace(place.origin.url, f"{url}/tfhub.dev")
        root = place.data / "trust" / "root.json"
        other.settings.write_text(
            text.replace("[trust]\n", f'[trust]\nsource = "{url}/-/trust"\nroot = "{root}"\n')
        )
        yield other, url, place


async def test_another_hubproxy_has_it_as_its_upstream(
    downstream: tuple[Place, str, Place],
) -> None:
    other, _, _ = downstream
    async with other.serving() as (url, _):
        assert (await fetch(f"{url}/{NNLM}"))[::2] == (200, PLAIN)
        assert (await fetch(f"{url}/tfhub.dev/google/nnlm"))[0] == 200
    assert (await other.good("mirror", "sync", SPICE, NNLM)).out.endswith(
        "2 wanted, 1 brought (5,120 bytes), 1 in step\n"
    )


async def test_it_refuses_what_was_altered_there(downstream: tuple[Place, str, Place]) -> None:
    other, _, place = downstream
    blob = (site(place) / NNLM).resolve()
    blob.write_bytes(PLAIN.replace(b"new", b"bad"))
    async with other.serving() as (url, _):
        assert (await fetch(f"{url}/{NNLM}"))[0] == 502
        assert (await fetch(f"{url}/{SPICE}"))[0] == 200
    timestamp = site(place) / "-" / "trust" / "metadata" / "timestamp.json"
    timestamp.write_bytes(timestamp.read_bytes().replace(b'"version":', b'"version":1'))
    shutil.rmtree(other.data)
    async with other.serving() as (url, _):
        status, reason, _ = await fetch(f"{url}/{SPICE}")
        assert (status, "HP-T09" in reason) == (503, True)


async def test_a_revocation_reaches_those_who_read_it(
    downstream: tuple[Place, str, Place],
) -> None:
    other, _, place = downstream
    await place.good("trust", "revoke", NNLM, "--reason", "it leaks")
    done = await place.good("export", "static", str(site(place)), "--update", "--prune", "--json")
    assert done.objects[0]["pruned_archives"] == 1
    assert not os.path.lexists(site(place) / NNLM)
    async with other.serving() as (url, _):
        status, reason, _ = await fetch(f"{url}/{NNLM}")
        assert (status, "it leaks" in reason) == (410, True)
        assert (await fetch(f"{url}/tfhub.dev/google/nnlm"))[0] == 200


async def test_python_alone_can_serve_it(place: Place) -> None:
    """At exact handles; it follows links, as any server does."""
    await export(place)
    port = free_port()
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(site(place))),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                status, _, body = await fetch(f"http://127.0.0.1:{port}/{NNLM}")
            except urllib.error.URLError:
                await asyncio.sleep(0.02)
                continue
            break
    finally:
        child.terminate()
        await child.wait()
    assert (status, body) == (200, PLAIN)


async def test_the_site_may_be_moved(place: Place) -> None:
    await export(place)
    moved = place.folder / "moved"
    site(place).rename(moved)
    assert (moved / NNLM).read_bytes() == PLAIN


async def test_anybody_may_read_it_whatever_the_umask(place: Place) -> None:
    before = os.umask(0o077)
    try:
        await export(place)
    finally:
        os.umask(before)
    for path in site(place).rglob("*"):
        if not path.is_symlink() and path.name != "lock":
            assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path


async def test_a_second_run_writes_nothing_anew(place: Place) -> None:
    await export(place)
    again = await place.run("export", "static", str(site(place)))
    assert (again.status, "Bring it up to date with --update" in again.errors) == (2, True)
    before = {path: path.lstat().st_ino for path in site(place).rglob("*")}
    done = await export(place, "--update", "--prune", "--json")
    assert done.objects[0]["taken"] == 0
    assert {path: path.lstat().st_ino for path in site(place).rglob("*")} == before


async def test_a_folder_of_somebody_else_is_left_alone(place: Place) -> None:
    site(place).mkdir()
    (site(place) / "index.html").write_text("mine")
    done = await place.run("export", "static", str(site(place)), "--update")
    assert (done.status, "no export has written" in done.errors) == (2, True)
    assert os.listdir(site(place)) == ["index.html"]


async def test_a_damaged_archive_is_never_published(place: Place) -> None:
    for path in (place.data / "blobs").rglob("*"):
        if path.is_file() and path.read_bytes() == PLAIN:
            path.write_bytes(PLAIN.replace(b"new", b"bad"))
    done = await place.run("export", "static", str(site(place)))
    assert (done.status, "HP-T03" in done.errors) == (1, True)
    assert not (site(place) / NNLM).exists()
    assert not list((site(place) / ".hubproxy").glob("tmp-*"))


async def test_what_the_store_has_not_is_named(place: Place) -> None:
    place.put("tfhub.dev/google/more/1", {**SMALL, "more": b"x"})
    await place.good("trust", "approve", "tfhub.dev/google/more/1")
    done = await place.run("export", "static", str(site(place)))
    assert done.status == 1
    assert "tfhub.dev/google/more/1: left out, the store has it not" in done.errors
    assert (site(place) / NNLM).read_bytes() == PLAIN


async def test_a_longer_list_is_exported_for_a_site_that_nobody_visits_often(place: Place) -> None:
    await export(place, "--valid-days", "60")
    (place.folder / "away").mkdir()
    away = Place(place.folder / "away", place.origin)
    away.variables |= {
        "HUBPROXY_TRUST_SOURCE": str(site(place) / "-" / "trust"),
        "HUBPROXY_TRUST_ROOT": str(place.data / "trust" / "root.json"),
        "LD_PRELOAD": "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
        "FAKETIME": "+50d",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    if not Path(away.variables["LD_PRELOAD"]).exists():
        pytest.skip("faketime is not installed")
    done = await away.good("mirror", "sync", "--dry-run", NNLM)
    assert "1 wanted: 0 are here, 1 to fetch" in done.out
    assert "HP-T07" not in done.errors
