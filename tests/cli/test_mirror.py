"""`hubproxy mirror sync`, as cron runs it: beside a daemon, and without one."""

import asyncio
import signal
from asyncio.subprocess import Process
from pathlib import Path

import pytest

from hubproxy.core.audit import AuditEvent
from hubproxy.store.auditread import read
from hubproxy.store.refs import RefStore
from tests import faults
from tests.cli.place import SPICE, Place, fetch
from tests.cli.test_reload import minded
from tests.site import SMALL, large, tar_gz

NNLM = "tfhub.dev/google/nnlm/2"
OLD = "tfhub.dev/google/nnlm/1"


@pytest.fixture
async def approved(place: Place) -> Place:
    """Three modules on the list, none of them here."""
    place.put(NNLM, {**SMALL, "assets/words.txt": b"new"})
    place.put(OLD, {**SMALL, "assets/words.txt": b"old"})
    await place.begin()
    await place.good("trust", "approve", SPICE, NNLM, OLD)
    forget_drafts(place)
    return place


def forget_drafts(place: Place) -> None:
    """What an officer has read is not here, as on a mirror of its own."""
    for path in (place.data / "drafts").glob("*.tar"):
        path.unlink()
    place.origin.requests.clear()


def want(place: Place, text: str) -> str:
    path = place.folder / "mirror.toml"
    path.write_text(f"[[want]]\n{text}\n")
    return str(path)


def told(place: Place) -> list[AuditEvent]:
    return [event for event in read(place.data / "audit") if event.event == "mirror"]


def asked(place: Place, handle: str) -> int:
    path = "/" + handle.partition("/")[2]
    return sum(request.path == path for request in place.origin.requests)


async def test_what_is_wanted_and_approved_comes_into_the_store(approved: Place) -> None:
    wanted = want(approved, 'modules = ["tfhub.dev/google/*"]')
    done = await approved.good("mirror", "sync", "--list", wanted)
    assert "2 wanted, 2 brought (" in done.out
    assert f"brought   {NNLM}  saved_model" in done.out
    assert asked(approved, OLD) == 0
    await approved.origin.stop()
    async with approved.serving("--offline") as (url, _):
        assert (await fetch(f"{url}/{NNLM}"))[0] == 200
        assert (await fetch(f"{url}/{SPICE}"))[0] == 200
        assert (await fetch(f"{url}/{OLD}"))[0] == 504
    assert {event.handle for event in told(approved)} == {"", NNLM, SPICE}


async def test_a_dry_run_says_how_much_and_asks_nobody(approved: Place) -> None:
    size = len(tar_gz({**SMALL, "assets/words.txt": b"new"}))
    done = await approved.good("mirror", "sync", "--dry-run", "--json", NNLM)
    assert done.objects[0]["bytes"] == size
    assert done.objects[1]["missing"] == 1
    assert (
        "1 wanted: 0 are here, 1 to fetch"
        in (await approved.good("mirror", "sync", "--dry-run", NNLM)).out
    )
    assert approved.origin.requests == []
    assert not (approved.data / "staged").exists()


async def test_a_second_run_brings_nothing_and_asks_once(approved: Place) -> None:
    await approved.good("mirror", "sync", NNLM)
    approved.origin.requests.clear()
    done = await approved.good("mirror", "sync", "--json", NNLM)
    assert done.objects[-1] == {"wanted": 1, "in step": 1}
    (request,) = approved.origin.requests
    assert "if-none-match" in request.headers
    assert len(told(approved)) == 2  # the first run, and what it brought


async def test_a_running_daemon_serves_at_once_what_came(approved: Place) -> None:
    async with approved.serving("--offline") as (url, _):
        await minded(approved)
        assert (await fetch(f"{url}/{NNLM}"))[0] == 504
        await approved.good("mirror", "sync", NNLM)
        assert (await fetch(f"{url}/{NNLM}"))[0] == 200
        metrics = (await fetch(f"{url}/metrics"))[2].decode()
    assert "hubproxy_mirror_changed 0" in metrics
    assert "hubproxy_mirror_synced_timestamp_seconds" in metrics


async def test_what_upstream_dropped_stays_and_is_named(approved: Place) -> None:
    await approved.good("mirror", "sync", NNLM)
    approved.origin.always("/google/nnlm/2", faults.status(404))
    done = await approved.good("mirror", "sync", NNLM)
    assert "upstream has it no longer; it stays here" in done.out
    assert "0 in step, 1 gone" in done.out
    async with approved.serving("--offline") as (url, _):
        assert (await fetch(f"{url}/{NNLM}"))[0] == 200
        assert "hubproxy_mirror_gone 1" in (await fetch(f"{url}/metrics"))[2].decode()
    assert told(approved)[-1].code == "UPSTREAM_GONE"


async def test_bytes_that_upstream_changed_are_an_alarm_and_never_come_in(approved: Place) -> None:
    await approved.good("mirror", "sync", NNLM)
    approved.put(NNLM, {**SMALL, "assets/words.txt": b"changed"})
    done = await approved.run("mirror", "sync", NNLM)
    assert done.status == 4
    assert "UPSTREAM HAS CHANGED ITS BYTES" in done.out
    assert told(approved)[-1].code == "UPSTREAM_CHANGED"
    assert told(approved)[-1].handle == NNLM
    async with approved.serving("--offline") as (url, _):
        status, _, body = await fetch(f"{url}/{NNLM}")
        assert (status, b"changed" in body, b"new" in body) == (200, False, True)
        assert "hubproxy_mirror_changed 1" in (await fetch(f"{url}/metrics"))[2].decode()


async def test_changed_bytes_of_what_is_not_here_are_an_alarm_as_well(approved: Place) -> None:
    approved.put(NNLM, {**SMALL, "assets/words.txt": b"changed"})
    done = await approved.run("mirror", "sync", NNLM, SPICE)
    assert done.status == 4
    assert "1 brought" in done.out
    assert "1 changed" in done.out


async def test_other_bytes_of_one_length_are_seen_by_their_tag(approved: Place) -> None:
    await approved.good("mirror", "sync", NNLM)
    approved.put(NNLM, {**SMALL, "assets/words.txt": b"wen"})
    assert (await approved.run("mirror", "sync", NNLM)).status == 4


async def test_the_same_module_packed_anew_is_in_step(approved: Place) -> None:
    await approved.good("mirror", "sync", NNLM)
    import gzip

    packed = gzip.compress(gzip.decompress(tar_gz({**SMALL, "assets/words.txt": b"new"})), 9)
    approved.origin.put("/google/nnlm/2", packed)
    done = await approved.good("mirror", "sync", "--json", NNLM)
    assert done.objects[-1] == {"wanted": 1, "in step": 1}
    assert not list((approved.data / "staged" / "mirror" / "blobs").iterdir())


async def test_what_fails_is_told_and_the_others_come(approved: Place) -> None:
    approved.origin.always("/google/nnlm/2", faults.status(500))
    done = await approved.run("mirror", "sync", NNLM, SPICE)
    assert done.status == 1
    assert "1 brought" in done.out
    assert "1 failed" in done.out
    assert "upstream answered 500" in done.out


async def test_ctrl_c_loses_no_byte(place: Place) -> None:
    await place.begin()
    place.put(NNLM, large(3.5))
    await place.good("trust", "approve", NNLM)
    forget_drafts(place)
    size = len(tar_gz(large(3.5)))
    place.origin.misbehave("/google/nnlm/2", faults.stalled(size // 2))
    child = await place.start("mirror", "sync", NNLM)
    part = await kept_of(place, at_least=size // 2)
    child.send_signal(signal.SIGINT)
    _, errors = await child.communicate()
    assert child.returncode == 130, errors
    assert part.stat().st_size == size // 2

    place.origin.requests.clear()
    done = await place.good("mirror", "sync", NNLM)
    assert "1 brought" in done.out
    (request,) = place.origin.requests
    assert request.headers["range"] == f"bytes={size // 2}-"
    assert not part.exists()


async def test_a_part_that_was_damaged_meanwhile_is_thrown_away(place: Place) -> None:
    await place.begin()
    place.put(NNLM, large(3.5))
    await place.good("trust", "approve", NNLM)
    forget_drafts(place)
    size = len(tar_gz(large(3.5)))
    place.origin.misbehave("/google/nnlm/2", faults.stalled(size // 2))
    child = await place.start("mirror", "sync", NNLM)
    part = await kept_of(place, at_least=size // 2)
    child.kill()
    await child.communicate()
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    done = await place.good("mirror", "sync", NNLM)
    assert "1 brought" in done.out


async def kept_of(place: Place, *, at_least: int) -> Path:
    while True:
        for part in (place.data / "mirror" / "parts" / "tfhub.dev").glob("*.part"):
            if part.stat().st_size >= at_least:
                return part
        await asyncio.sleep(0.01)


async def test_a_killed_run_is_gone_on_with(approved: Place) -> None:
    """What was whole is taken from where it lies, and not fetched again."""
    approved.origin.misbehave("/google/nnlm/2", faults.stalled(100))
    child: Process = await approved.start("mirror", "sync", SPICE, NNLM)
    blobs = approved.data / "staged" / "mirror" / "blobs"
    while not (blobs.exists() and list(blobs.iterdir())):
        await asyncio.sleep(0.01)
    child.kill()
    await child.communicate()
    approved.origin.requests.clear()
    done = await approved.good("mirror", "sync", SPICE, NNLM)
    assert "2 brought" in done.out
    assert asked(approved, SPICE) == 0


async def test_two_at_once_do_the_work_once(approved: Place) -> None:
    done = await asyncio.gather(*(approved.run("mirror", "sync", SPICE, NNLM) for _ in range(2)))
    assert [one.status for one in done] == [0, 0]
    assert asked(approved, SPICE) <= 2


async def test_offline_a_mirror_makes_no_sense(approved: Place) -> None:
    approved.variables["HUBPROXY_NETWORK_OFFLINE"] = "1"
    done = await approved.run("mirror", "sync", NNLM)
    assert done.status == 2
    assert "hubproxy bundle import" in done.errors


async def test_something_must_be_wanted(approved: Place) -> None:
    done = await approved.run("mirror", "sync")
    assert done.status == 2
    assert "nothing is wanted" in done.errors
    both = await approved.run("mirror", "sync", NNLM, "--list", "x.toml")
    assert (both.status, "Name one of the two" in both.errors) == (2, True)


async def test_what_nobody_approved_is_named_and_no_harm(approved: Place) -> None:
    wanted = want(approved, 'modules = ["tfhub.dev/google/nnlm", "tfhub.dev/vendor/*"]')
    done = await approved.good("mirror", "sync", "--list", wanted)
    assert "tfhub.dev/vendor/*: nothing of that name is approved" in done.errors


async def test_what_is_too_large_or_revoked_is_left_out(approved: Place) -> None:
    await approved.good("trust", "revoke", OLD, "--reason", "it leaks")
    text = 'modules = ["tfhub.dev/google/nnlm"]\nversions = 0\nlargest = "1KiB"'
    done = await approved.good("mirror", "sync", "--list", want(approved, text))
    assert f"{NNLM}: left out" in done.errors
    assert "0 wanted" in done.out
    assert approved.origin.requests == []


async def test_what_a_mirror_brought_is_never_evicted(approved: Place) -> None:
    approved.put("tfhub.dev/google/big/1", large(1.2))
    await approved.good("trust", "approve", "tfhub.dev/google/big/1")
    forget_drafts(approved)
    await approved.good("mirror", "sync", NNLM)
    approved.variables["HUBPROXY_STORE_BUDGET"] = str(5_100_000)
    async with approved.serving() as (url, _):
        assert (await fetch(f"{url}/{SPICE}"))[0] == 200
        assert (await fetch(f"{url}/tfhub.dev/google/big/1"))[0] == 200
    async with approved.serving("--offline") as (url, _):
        assert (await fetch(f"{url}/{NNLM}"))[0] == 200


async def test_a_full_budget_takes_nothing_in_and_keeps_what_came(approved: Place) -> None:
    approved.variables["HUBPROXY_STORE_BUDGET"] = "100"
    done = await approved.run("mirror", "sync", NNLM)
    assert done.status == 1
    assert "STORAGE_FULL" in done.errors
    del approved.variables["HUBPROXY_STORE_BUDGET"]
    approved.origin.requests.clear()
    done = await approved.good("mirror", "sync", NNLM)
    assert asked(approved, NNLM) == 1  # whether it is still the same
    assert "1 in step" in done.out


async def test_what_is_no_longer_wanted_may_be_evicted_once_that_is_said(approved: Place) -> None:
    approved.put("tfhub.dev/google/big/1", large(1.2))
    await approved.good("trust", "approve", "tfhub.dev/google/big/1")
    forget_drafts(approved)
    await approved.good("mirror", "sync", NNLM, SPICE)
    await approved.good("mirror", "sync", SPICE)
    assert kept(approved) == {NNLM, SPICE}
    await approved.good("mirror", "sync", SPICE, "--prune")
    assert kept(approved) == {SPICE}
    approved.variables["HUBPROXY_STORE_BUDGET"] = str(5_045_000)
    async with approved.serving() as (url, _):
        assert (await fetch(f"{url}/tfhub.dev/google/big/1"))[0] == 200
    async with approved.serving("--offline") as (url, _):
        assert (await fetch(f"{url}/{NNLM}"))[0] == 504
        assert (await fetch(f"{url}/{SPICE}"))[0] == 200


def kept(place: Place) -> set[str]:
    refs = RefStore(place.data / "refs")
    refs.read()
    return {str(exact) for exact, _, ref in refs if ref.kept}


async def test_what_was_not_handed_over_is_taken_back(approved: Place) -> None:
    """Killed between moving an archive into its batch and calling that ready."""
    approved.variables["HUBPROXY_STORE_BUDGET"] = "100"
    assert (await approved.run("mirror", "sync", NNLM)).status == 1
    del approved.variables["HUBPROXY_STORE_BUDGET"]
    (batch,) = (approved.data / "staged").glob("mirror-*")
    (batch / "ready.json").unlink()
    approved.origin.requests.clear()
    done = await approved.good("mirror", "sync", NNLM)
    assert "1 brought" in done.out
    assert asked(approved, NNLM) == 0
    assert not batch.exists()


async def test_the_disk_keeps_its_floor(approved: Place) -> None:
    approved.variables["HUBPROXY_STORE_FREE_FLOOR"] = "900TiB"
    done = await approved.run("mirror", "sync", NNLM)
    assert done.status == 1
    assert "STORAGE_FULL: there is no room for" in done.out
    assert approved.origin.requests == []
