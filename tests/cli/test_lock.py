"""`hubproxy lock`, and what is held to it: a daemon, and a mirror."""

import tomllib
from pathlib import Path

import pytest

from hubproxy.store.auditread import read
from tests.cli.place import SPICE, Place, fetch
from tests.cli.test_mirror import NNLM, OLD, approved, asked, forget_drafts
from tests.site import SMALL

__all__ = ["approved"]


@pytest.fixture
async def locked(approved: Place) -> tuple[Place, Path]:
    """NNLM, by its name without a version, pinned while nothing is here."""
    path = approved.folder / "models.lock.toml"
    await approved.good("lock", "-o", str(path), "https://tfhub.dev/google/nnlm")
    approved.origin.requests.clear()
    return approved, path


async def test_a_set_is_pinned_to_what_is_approved(locked: tuple[Place, Path]) -> None:
    place, path = locked
    (module,) = tomllib.loads(path.read_text())["module"]
    assert (module["handle"], module["asked"]) == (NNLM, ["tfhub.dev/google/nnlm"])
    printed = await place.good("lock", "tfhub.dev/google/nnlm")
    assert printed.out == path.read_text()


async def test_a_daemon_serves_what_is_locked_and_asks_for_nothing_else(
    locked: tuple[Place, Path],
) -> None:
    place, path = locked
    async with place.serving("--lock", str(path)) as (url, _):
        assert (await fetch(f"{url}/{NNLM}"))[0] == 200
        assert (await fetch(f"{url}/tfhub.dev/google/nnlm"))[0] == 200
        for name in (SPICE, OLD, "tfhub.dev/google/spice"):
            status, reason, _ = await fetch(f"{url}/{name}")
            assert (status, "NOT_LOCKED" in reason) == (403, True)
    assert asked(place, SPICE) == asked(place, OLD) == 0
    refused = [event for event in read(place.data / "audit") if event.code == "NOT_LOCKED"]
    assert len(refused) == 3


async def test_first_use_brings_in_nothing_that_is_not_locked(locked: tuple[Place, Path]) -> None:
    place, path = locked
    place.put("tfhub.dev/google/more/1", SMALL)
    async with place.serving("--mode", "first-use", "--lock", str(path)) as (url, _):
        status, reason, _ = await fetch(f"{url}/tfhub.dev/google/more/1")
    assert (status, "NOT_LOCKED" in reason) == (403, True)
    assert asked(place, "tfhub.dev/google/more/1") == 0


async def test_latest_stays_what_was_locked(locked: tuple[Place, Path]) -> None:
    place, path = locked
    place.put("tfhub.dev/google/nnlm/3", SMALL)
    await place.good("trust", "approve", "tfhub.dev/google/nnlm/3")
    async with place.serving("--lock", str(path)) as (url, _):
        body = (await fetch(f"{url}/tfhub.dev/google/nnlm"))[2]
        assert b"new" in body
        assert (await fetch(f"{url}/tfhub.dev/google/nnlm/3"))[0] == 403


async def change(place: Place) -> None:
    """Let the officers approve other bytes under the same handle."""
    place.put(NNLM, {**SMALL, "assets/words.txt": b"changed"})
    await place.good("trust", "approve", NNLM)
    forget_drafts(place)


async def test_other_bytes_are_neither_served_nor_fetched(locked: tuple[Place, Path]) -> None:
    place, path = locked
    await change(place)
    async with place.serving("--lock", str(path)) as (url, _):
        status, reason, _ = await fetch(f"{url}/{NNLM}")
    assert (status, "LOCK_DIFFERS" in reason) == (403, True)
    assert asked(place, NNLM) == 0


async def test_the_same_bytes_approved_again_are_served(locked: tuple[Place, Path]) -> None:
    place, path = locked
    await place.good("trust", "approve", NNLM, "--licence", "Apache-2.0")
    async with place.serving("--lock", str(path)) as (url, _):
        assert (await fetch(f"{url}/{NNLM}"))[0] == 200


async def test_a_mirror_brings_exactly_what_is_locked(locked: tuple[Place, Path]) -> None:
    place, path = locked
    done = await place.good("mirror", "sync", "--list", str(path))
    assert "1 wanted, 1 brought" in done.out
    assert asked(place, SPICE) == 0
    await change(place)
    refused = await place.run("mirror", "sync", "--list", str(path))
    assert refused.status == 3
    assert "LOCK_DIFFERS" in refused.errors
    assert asked(place, NNLM) == 0


async def test_a_mirror_refuses_a_lock_of_what_was_revoked(locked: tuple[Place, Path]) -> None:
    place, path = locked
    await place.good("trust", "revoke", NNLM, "--reason", "it leaks")
    refused = await place.run("mirror", "sync", "--list", str(path))
    assert refused.status == 3
    assert f"{NNLM} is not approved" in refused.errors


async def test_check_names_what_is_not_as_approved_now(locked: tuple[Place, Path]) -> None:
    place, path = locked
    assert (await place.good("lock", "--check", str(path))).out == ""
    await change(place)
    done = await place.run("lock", "--check", str(path))
    assert (done.status, f"{NNLM}  {NNLM} is locked to sha256:" in done.out) == (1, True)
    await place.good("trust", "revoke", NNLM, "--reason", "it leaks")
    done = await place.run("lock", "--check", str(path))
    assert (done.status, "it leaks" in done.out) == (1, True)


async def test_what_was_served_is_locked_from_the_audit_log(approved: Place) -> None:
    async with approved.serving() as (url, _):
        assert (await fetch(f"{url}/{SPICE}"))[0] == 200
        assert (await fetch(f"{url}/tfhub.dev/vendor/x/1"))[0] == 403
    done = await approved.good("lock", "--from-audit")
    assert [one["handle"] for one in tomllib.loads(done.out)["module"]] == [SPICE]


async def test_what_is_not_approved_is_not_locked(approved: Place) -> None:
    path = approved.folder / "models.lock.toml"
    path.write_text("as it was")
    done = await approved.run("lock", "-o", str(path), SPICE, "tfhub.dev/vendor/x/1")
    assert (done.status, "HP-T01" in done.errors) == (3, True)
    assert path.read_text() == "as it was"


async def test_a_lock_that_cannot_be_read_starts_no_daemon(approved: Place) -> None:
    done = await approved.run("serve", "--lock", "none.toml")
    assert (done.status, "none.toml cannot be read" in done.errors) == (1, True)
    (approved.folder / "bad.toml").write_text("lock = 1\nmore = 2\n")
    done = await approved.run("serve", "--lock", str(approved.folder / "bad.toml"))
    assert (done.status, "is no lock" in done.errors) == (1, True)


async def test_one_thing_is_locked_at_a_time(approved: Place) -> None:
    for words in ((), (SPICE, "--from-audit"), (SPICE, "--check", "x")):
        assert (await approved.run("lock", *words)).status == 2
    assert "nothing to lock" in (await approved.run("lock", "--from-audit")).errors
