"""What a daemon remembers of its list and of the time when all but its audit log is gone."""

import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # no __all__
from tuf.api.metadata import Metadata

from hubproxy import wiring
from hubproxy.core.trust import Versions
from hubproxy.trust.changes import Online, PublicKey
from tests.service.test_grace import Ahead
from tests.site import SPICE, Site

A_DAY = timedelta(days=1)


@pytest.fixture
def clock() -> Ahead:
    return Ahead()


@pytest.fixture
async def site(tmp_path: Path, clock: Ahead) -> AsyncIterator[Site]:
    """A site with `SPICE`, which is then revoked."""
    async with Site(tmp_path, daemon_clock=clock) as site:
        site.put(SPICE)
        record = await site.approve(SPICE)
        await site.get(SPICE)
        await site.settled()
        repository = wiring.places(site.config).repository
        shutil.copytree(repository, repository.with_name("old"))
        await site.revoke(record, reason="found to leak addresses")
        await site.get(SPICE)
        yield site


async def put_back(site: Site, *, wiped: bool) -> None:
    """Stop the daemon, and put the old list in the place of the new one."""
    await site.stop()
    where = wiring.places(site.config)
    shutil.rmtree(where.repository)
    shutil.copytree(where.repository.with_name("old"), where.repository)
    if wiped:
        shutil.rmtree(where.trust_state)


@pytest.mark.parametrize(
    "wiped",
    [
        pytest.param(False, id="row 4: old repo"),
        pytest.param(True, id="row 4: old repo after cache wipe"),
    ],
)
async def test_an_old_list_does_not_bring_back_what_was_revoked(site: Site, wiped: bool) -> None:
    await put_back(site, wiped=wiped)
    await site.start()

    for starts in range(1, 3):  # also once the state folder has the old list
        got, ready = await site.get(SPICE), await site.get("-/ready")
        if wiped:
            assert (got.status, got.problem["code"]) == (503, "HP-T08")
            assert got.problem["detail"] == (
                "trust list went backwards: timestamp 2 offered, 3 already seen"
            )
            assert ready.status == 503
        else:
            assert (got.status, got.problem["code"]) == (410, "HP-T10")
        assert [event.code for event in site.list_events()].count("HP-T08") == starts
        await site.restart({})
    assert {event.trust for event in site.list_events()[2:]} == {Versions(1, 3, 3, 3).full}


async def test_row_4_the_newest_list_is_taken_after_a_wipe(site: Site) -> None:
    await site.stop()
    shutil.rmtree(wiring.places(site.config).trust_state)
    await site.start()

    assert (await site.get(SPICE)).problem["code"] == "HP-T10"
    assert site.list_events()[-1].code == ""


async def test_row_4_another_list_with_a_root_of_its_own_may_begin_at_one(
    tmp_path: Path, site: Site
) -> None:
    async with Site(tmp_path / "other") as other:
        theirs = wiring.places(other.config)
        await site.restart({"trust.source": str(theirs.repository), "trust.root": str(theirs.root)})
        got = await site.get(SPICE)
    assert (got.status, got.problem["code"]) == (403, "HP-T01")
    assert site.list_events()[-1].trust == Versions(1, 1, 1, 1).full
    assert len({event.record for event in site.list_events()}) == 2


async def test_row_10_numbers_that_a_thief_ran_up_lock_nobody_out(site: Site) -> None:
    """New online keys end the memory of the old ones' numbers, also that in the audit log."""
    repository = wiring.places(site.config).repository
    kept = repository.with_name("kept")
    shutil.copytree(repository, kept)
    stolen: Metadata[Any] = Metadata.from_file(str(repository / "metadata/timestamp.json"))
    stolen.signed.version = 2**40
    stolen.sign(site.online)
    (repository / "metadata/timestamp.json").write_bytes(stolen.to_bytes())
    await site.daemon.trust.refresh()
    assert site.daemon.trust.versions.timestamp == 2**40
    shutil.rmtree(repository)
    shutil.copytree(kept, repository)
    await site.daemon.trust.refresh()
    assert getattr(site.daemon.trust.error, "code", "") == "HP-T08"

    new = CryptoSigner.generate_ed25519()
    changes = [
        Online(role="snapshot", key=PublicKey.of(new.public_key)),
        Online(role="timestamp", key=PublicKey.of(new.public_key)),
    ]
    site.list.change(changes, signers=[site.officer], online=[site.online, new])
    await site.daemon.trust.refresh()
    assert site.daemon.trust.versions.root == 2
    await site.restart({})
    assert (await site.get(SPICE)).problem["code"] == "HP-T10"


async def test_row_23_a_clock_that_was_set_back_stops_a_daemon_that_starts(
    site: Site, clock: Ahead
) -> None:
    clock.by = -30 * A_DAY
    await site.restart({})

    got, ready = await site.get(SPICE), await site.get("-/ready")

    assert (got.status, got.problem["code"]) == (503, "HP-T14")
    assert got.problem["detail"] == "clock is behind the last audited event by 30 days"
    assert "hubproxy audit accept-clock" in got.problem["remedy"]
    assert ready.status == 503
    assert ready.body.startswith(b"not ready: HP-T14: clock is behind the last audited event")
    refused = site.events()[-1]
    assert (refused.code, refused.outcome) == ("HP-T14", "failed")
    assert refused.time >= site.events()[0].time  # the log believes no wrong clock

    await site.restart({})  # and so the next start does not either
    assert (await site.get(SPICE)).problem["code"] == "HP-T14"
    clock.by = timedelta()
    await site.daemon.trust.refresh()
    assert (await site.get(SPICE)).status == 410


async def test_row_23_a_clock_that_is_set_back_stops_a_daemon_that_runs(
    site: Site, clock: Ahead
) -> None:
    clock.by = timedelta(minutes=-4)
    assert (await site.get(SPICE)).status == 410
    clock.by = timedelta(minutes=-6)
    assert (await site.get(SPICE)).problem["code"] == "HP-T14"
    await site.daemon.trust.refresh()
    await site.daemon.trust.refresh()
    clock.by = timedelta()
    await site.daemon.trust.refresh()
    assert (await site.get(SPICE)).status == 410
    assert [event.code for event in site.list_events()[-2:]] == ["HP-T14", ""]
