import asyncio
import os
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hubproxy.store.folder import DataFolder
from tests.cli.place import SPICE, Done, Place, fetch


@pytest.fixture
async def calm(place: Place) -> AsyncIterator[tuple[Place, str, Process]]:
    """A place whose daemon looks at the list once a minute."""
    await place.begin()
    place.settings.write_text(place.settings.read_text().replace("= 0.1", "= 60"))
    async with place.serving() as (url, process):
        await minded(place)
        yield place, url, process


async def minded(place: Place) -> None:
    """Wait until the daemon minds SIGHUP, which is a moment after it listens."""
    while not (place.data / "in-force.json").exists():
        await asyncio.sleep(0.01)


Calm = tuple[Place, str, Process]


async def test_a_revocation_is_in_force_when_it_ends(calm: Calm) -> None:
    place, url, _ = calm
    await place.good("trust", "approve", SPICE)
    assert (await fetch(f"{url}/{SPICE}"))[0] == 403

    done = await place.good("reload")

    assert done.out == "in force: root 1, timestamp 2, before it was root 1, timestamp 1\n"
    assert (await fetch(f"{url}/{SPICE}"))[0] == 200
    await place.good("trust", "revoke", SPICE, "--reason", "it leaks addresses")
    told = await place.good("reload", "--json")
    assert told.objects == [
        {"before": "root 1, timestamp 2", "now": "root 1, timestamp 3", "errors": []}
    ]
    assert (await fetch(f"{url}/{SPICE}"))[0] == 410
    assert (await place.good("reload")).out == "in force: root 1, timestamp 3 as before\n"


async def test_a_list_that_cannot_be_used_fails_with_the_reason(calm: Calm) -> None:
    place, _, process = calm
    (place.data / "trust" / "repo" / "metadata" / "timestamp.json").write_text("{}")
    done = await place.run("reload")
    assert (done.status, done.out) == (1, "in force: root 1, timestamp 1 as before\n")
    assert "hubproxy: HP-T09: " in done.errors
    assert process.returncode is None


async def test_a_ca_that_cannot_be_used_fails_with_the_reason(calm: Calm) -> None:
    place, _, _ = calm
    (place.data / "ca" / "ca.key").write_text("none")
    done = await place.run("reload")
    assert done.status == 1
    assert "hubproxy: CA" in done.errors


async def test_many_at_once_are_all_told(calm: Calm) -> None:
    place, _, _ = calm
    await place.good("trust", "approve", SPICE)
    done: list[Done] = await asyncio.gather(*(place.run("reload", "--json") for _ in range(4)))
    assert [(one.status, one.objects[0]["now"]) for one in done] == [(0, "root 1, timestamp 2")] * 4


async def test_a_daemon_that_has_stopped_is_not_there(calm: Calm) -> None:
    place, _, process = calm
    process.terminate()
    await process.wait()
    refused(await place.run("reload"), "no daemon runs with the data folder")


async def test_a_daemon_that_was_killed_is_not_there(calm: Calm) -> None:
    place, _, process = calm
    process.kill()
    await process.wait()
    refused(await place.run("reload"), "no daemon runs with the data folder")


async def test_a_daemon_that_does_not_get_done_is_not_waited_for_without_end(calm: Calm) -> None:
    place, _, process = calm
    os.kill(process.pid, signal.SIGSTOP)
    try:
        refused(await place.run("reload", "--timeout", "0.2"), "not read the list again within 0")
    finally:
        os.kill(process.pid, signal.SIGCONT)


async def test_a_daemon_that_ends_meanwhile_is_seen(calm: Calm) -> None:
    place, _, process = calm
    os.kill(process.pid, signal.SIGSTOP)
    waiting = await place.start("reload")
    assert waiting.stderr is not None
    # The signal waits for the stopped daemon: then the command is at its waiting.
    while not await pending(process.pid):
        await asyncio.sleep(0.01)
    process.kill()
    _, errors = await waiting.communicate()
    assert waiting.returncode == 1
    assert b"the daemon has ended meanwhile" in errors


async def pending(pid: int) -> bool:
    """Whether SIGHUP waits to be delivered."""
    status = await asyncio.to_thread(Path(f"/proc/{pid}/status").read_text)
    (line,) = (one for one in status.splitlines() if one.startswith("ShdPnd:"))
    return bool(int(line.split()[1], 16) & 1 << signal.SIGHUP - 1)


async def test_an_owner_that_is_no_daemon_is_left_alone(place: Place) -> None:
    await place.begin()
    # A SIGHUP would end this very process.
    (place.data / "in-force.json").write_text('{"begun": 0, "versions": "an earlier daemon\'s"}')
    folder = DataFolder.open(place.data)
    try:
        refused(await place.run("reload"), "is no daemon, or has not begun to serve yet")
    finally:
        folder.close()


async def test_there_may_be_no_data_folder(place: Place) -> None:
    refused(await place.run("reload"), "no daemon runs with the data folder")


def refused(done: Done, reason: str) -> None:
    assert (done.status, done.out) == (1, "")
    assert "hubproxy: RELOAD: " in done.errors
    assert reason in done.errors
