import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hubproxy.core.record import CHUNK_SIZE
from tests import faults
from tests.models import tiny
from tests.site import PYTHON, SMALL, SPICE, Site, large, plain_tar, tar_gz

PATH = "/google/spice/2"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with Site(tmp_path) as site:
        yield site


async def test_a_cold_miss_is_fetched_once_and_served_as_the_plain_tar(site: Site) -> None:
    wanted = site.put(SPICE)
    await site.approve(SPICE)

    got = await site.get(SPICE)

    assert got.body == wanted
    assert got.headers["Cache-Status"] == "hubproxy; fwd=uri-miss; stored"
    assert site.fetches(SPICE) == 1


async def test_a_warm_hit_needs_no_upstream(site: Site) -> None:
    wanted = site.put(SPICE, large())
    await site.approve(SPICE)
    await site.get(SPICE)
    await site.settled()

    await site.origin.stop()
    warm = await site.get(SPICE)

    assert warm.body == wanted
    assert warm.headers["Cache-Status"] == "hubproxy; hit"


async def test_a_module_outlives_a_restart_and_is_read_through_before_it_is_served(
    site: Site,
) -> None:
    wanted = site.put(SPICE, large())
    await site.approve(SPICE)
    await site.get(SPICE)
    await site.settled()
    await site.stop()
    await site.origin.stop()

    await site.start()

    assert (await site.get(SPICE)).body == wanted
    await site.settled()
    assert (await site.get(SPICE)).headers["Cache-Status"] == "hubproxy; hit"


async def test_row_24_an_unlisted_module_is_refused_without_asking_upstream(site: Site) -> None:
    site.put(SPICE)

    got = await site.get(SPICE)

    assert got.status == 403
    assert got.reason.startswith(f"hubproxy HP-T01: {SPICE} is not on the trust list (root 1")
    assert got.problem["remedy"] == (
        f"Ask for it: `hubproxy request {SPICE} --why REASON`; a trust officer lists it "
        f"with `hubproxy trust approve {SPICE}`"
    )
    assert site.fetches(SPICE) == 0


async def test_row_11b_latest_is_the_highest_version_that_the_list_names(site: Site) -> None:
    for version in (2, 10, 9):
        site.put(f"tfhub.dev/google/spice/{version}", {"saved_model.pb": tiny(str(version))})
        await site.approve(f"tfhub.dev/google/spice/{version}")
    site.put("tfhub.dev/google/spice/11")

    got = await site.get("tfhub.dev/google/spice")

    assert got.headers["X-Hubproxy-Handle"] == "tfhub.dev/google/spice/10"


async def test_many_waiters_share_one_transfer(site: Site) -> None:
    wanted = site.put(SPICE, large())
    await site.approve(SPICE)

    got = await site.many(SPICE, 20)

    assert {answer.body for answer in got} == {wanted}
    assert site.fetches(SPICE) == 1


@pytest.mark.parametrize(
    "where", [0.01, 0.5, 0.999], ids=["at-the-start", "in-the-middle", "in-the-last-chunk"]
)
async def test_bytes_that_differ_never_leave(site: Site, where: float) -> None:
    files = large(3.5)
    wanted = site.put(SPICE, files)
    await site.approve(SPICE)
    weights = bytearray(files["variables/variables.data-00000-of-00001"])
    weights[int(len(weights) * where)] ^= 1
    site.origin.put(
        PATH, tar_gz({**files, "variables/variables.data-00000-of-00001": bytes(weights)})
    )

    got = await site.get(SPICE)

    if got.status == 200:
        assert got.error is not None
        assert len(got.body) % CHUNK_SIZE == 0
        assert wanted.startswith(got.body)
    else:
        assert got.status == 502
        assert "HP-T03" in got.reason
    assert (await site.get(SPICE)).status == 502  # and it is not asked for again at once
    assert site.fetches(SPICE) == 1


async def test_a_failed_fetch_reaches_every_waiter_and_is_remembered(site: Site) -> None:
    site.put(SPICE)
    await site.approve(SPICE)
    site.origin.always(PATH, faults.status(404))

    got = await site.many(SPICE, 50)

    assert {answer.status for answer in got} == {404}
    assert {answer.problem["code"] for answer in got} == {"UPSTREAM_NOT_FOUND"}
    assert site.fetches(SPICE) == 1
    assert (await site.get(SPICE)).status == 404
    assert site.fetches(SPICE) == 1


async def test_a_broken_transfer_resumes_where_it_stopped(site: Site) -> None:
    wanted = site.put(SPICE, large())
    await site.approve(SPICE)
    cut = 9_000_000
    site.origin.misbehave(PATH, faults.truncated(cut))

    got = await site.get(SPICE)

    assert got.body == wanted
    first, second = site.origin.requests
    assert "range" not in first.headers
    resumed_at = int(second.headers["range"].removeprefix("bytes=").removesuffix("-"))
    assert 0 < resumed_at <= cut
    assert second.headers["if-range"].startswith('"')


async def test_a_transfer_starts_over_when_the_validator_changed(site: Site) -> None:
    files = large()
    wanted = site.put(SPICE, files)
    await site.approve(SPICE)
    site.origin.misbehave(PATH, faults.truncated(9_000_000))
    before = asyncio.create_task(site.get(SPICE))
    await site.origin.asked(PATH)
    site.origin.put(PATH, tar_gz(files), etag='"another"')

    assert (await before).body == wanted


async def test_the_leader_hanging_up_changes_nothing_for_the_others(site: Site) -> None:
    wanted = site.put(SPICE, large())
    await site.approve(SPICE)
    go_on = asyncio.Event()
    site.origin.misbehave(PATH, faults.stalled(6_000_000, until=go_on))
    leader = asyncio.create_task(site.get(SPICE))
    await site.origin.asked(PATH)
    follower = asyncio.create_task(site.get(SPICE))
    leader.cancel()
    await asyncio.gather(leader, return_exceptions=True)

    go_on.set()

    assert (await follower).body == wanted
    assert site.fetches(SPICE) == 1


async def test_a_waiter_reads_any_part_of_a_growing_file(site: Site) -> None:
    wanted = site.put(SPICE, large())
    await site.approve(SPICE)
    go_on = asyncio.Event()
    site.origin.misbehave(PATH, faults.stalled(6_000_000, until=go_on))
    late = asyncio.create_task(site.get(SPICE, {**PYTHON, "Range": "bytes=9000000-9000099"}))
    await site.origin.asked(PATH)

    early = await site.get(SPICE, {**PYTHON, "Range": "bytes=1000-1999"})
    assert (early.status, early.body) == (206, wanted[1000:2000])
    assert not late.done()

    go_on.set()
    assert (await late).body == wanted[9_000_000:9_000_100]


async def test_a_growing_answer_is_chunked_and_a_whole_one_has_its_length(site: Site) -> None:
    wanted = site.put(SPICE, large())
    await site.approve(SPICE)
    go_on = asyncio.Event()
    site.origin.misbehave(PATH, faults.stalled(6_000_000, until=go_on))

    async with site.session.get(f"{site.url}/{SPICE}", headers=PYTHON) as cold:
        go_on.set()
        assert await cold.read() == wanted
    await site.settled()
    warm = await site.get(SPICE)

    assert "Content-Length" not in cold.headers
    assert cold.headers["Transfer-Encoding"] == "chunked"
    assert int(warm.headers["Content-Length"]) == len(wanted)


async def test_a_revoked_module_is_refused_with_the_reason(site: Site) -> None:
    site.put(SPICE)
    record = await site.approve(SPICE)
    await site.get(SPICE)
    await site.revoke(record, reason="found to leak addresses")

    got = await site.get(SPICE)

    assert got.status == 410
    assert "found to leak addresses" in got.reason


async def test_a_damaged_blob_is_noticed_put_aside_and_fetched_anew(site: Site) -> None:
    wanted = site.put(SPICE, large())
    record = await site.approve(SPICE)
    await site.get(SPICE)
    await site.settled()
    await site.stop()
    blob = (
        site.folder
        / "data/blobs/sha256"
        / record.archive_digest.hex[:2]
        / record.archive_digest.hex
    )
    with blob.open("r+b") as file:
        file.seek(100)
        file.write(b"rot")

    await site.start()
    got = await site.get(SPICE)

    assert got.body == wanted
    assert len(list((site.folder / "data/quarantine").iterdir())) == 1


async def test_a_blob_replaced_while_running_is_read_again_before_it_is_served(
    site: Site,
) -> None:
    wanted = site.put(SPICE, large())
    record = await site.approve(SPICE)
    await site.get(SPICE)
    await site.settled()
    blob = (
        site.folder
        / "data/blobs/sha256"
        / record.archive_digest.hex[:2]
        / record.archive_digest.hex
    )
    content = bytearray(blob.read_bytes())
    content[100] ^= 1
    blob.unlink()
    blob.write_bytes(content)

    assert (await site.get(SPICE)).body == wanted


async def test_the_archive_of_another_record_is_never_served_by_its_name(site: Site) -> None:
    """A record may lie about its archive's digest, not about the bytes that are served for it."""
    other = "tfhub.dev/mallory/spice/1"
    wanted = site.put(SPICE, large())
    good = await site.approve(SPICE)
    site.put(other, large(seed=8))
    await site.approve(other, archive_digest=good.archive.digest)

    assert (await site.get(other)).body != wanted
    assert (await site.get(SPICE)).body == wanted


async def test_every_answer_is_one_event(site: Site) -> None:
    wanted = site.put(SPICE)
    record = await site.approve(SPICE)
    await site.get(SPICE)
    await site.settled()
    await site.get(SPICE)
    await site.get("tfhub.dev/google/nnlm/1")

    events = site.events()

    assert [(event.outcome, event.status, event.cache) for event in events] == [
        ("served", 200, "miss"),
        ("served", 200, "hit"),
        ("refused", 403, ""),
    ]
    assert events[0].archive == record.archive.digest
    assert events[0].bytes == len(wanted)
    assert events[0].caller == "127.0.0.1"
    assert events[2].code == "HP-T01"


async def test_an_answer_that_broke_off_is_on_record(site: Site) -> None:
    files = large()
    site.put(SPICE, files)
    await site.approve(SPICE)
    changed = {**files, "variables/variables.data-00000-of-00001": b"x" * 14_000_000}
    changed["variables/variables.data-00000-of-00001"] = files[
        "variables/variables.data-00000-of-00001"
    ][:9_000_000] + b"x" * (len(files["variables/variables.data-00000-of-00001"]) - 9_000_000)
    site.origin.put(PATH, tar_gz(changed))

    got = await site.get(SPICE)

    assert got.error is not None
    assert [event.event for event in site.events()] == ["answer", "aborted"]


async def test_a_module_under_one_top_folder_is_re_rooted(site: Site) -> None:
    plain = site.put(SPICE, {f"model/{name}": content for name, content in SMALL.items()})
    record = await site.approve(SPICE)

    got = await site.get(SPICE)

    assert got.body == plain_tar(tar_gz(SMALL))
    assert got.body != plain
    assert record.root == "model"
    assert "took away the top folder model/" in record.changes


async def test_row_20_first_use_pins_what_it_saw(tmp_path: Path) -> None:
    async with Site(tmp_path, {"trust.mode": "first-use"}) as site:
        wanted = site.put(SPICE)
        got = await site.get(SPICE)
        assert got.body == wanted
        assert got.headers["X-Hubproxy-Trust"] == "unreviewed"

        await site.evict(SPICE)
        site.put(SPICE, {**SMALL, "saved_model.pb": tiny("another graph")})
        refused = await site.get(SPICE)

        assert refused.status == 502
        assert "HP-T11" in refused.reason


async def test_offline_serves_what_is_there_and_says_what_is_not(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        site.put(SPICE)
        await site.approve(SPICE)
        await site.get(SPICE)
        other = "tfhub.dev/google/nnlm/1"
        site.put(other, {"saved_model.pb": tiny("another graph")})
        await site.approve(other)
        await site.restart({"network.offline": True})

        assert (await site.get(SPICE)).status == 200
        missing = await site.get(other)

        assert missing.status == 504
        assert "NOT_MIRRORED" in missing.reason


async def test_an_unknown_hub_is_named_with_the_setting_that_would_add_it(site: Site) -> None:
    got = await site.get("models.example.org/a/1")

    assert got.status == 404
    assert '[[hub]] table with host = "models.example.org"' in got.problem["remedy"]


async def test_nothing_is_served_when_it_cannot_be_recorded(site: Site) -> None:
    site.put(SPICE)
    await site.approve(SPICE)
    await site.get(SPICE)
    await site.daemon.audit.close()

    got = await site.get(SPICE)

    assert got.status == 503
    assert "AUDIT_UNAVAILABLE" in got.reason


async def test_the_origin_is_a_hub_that_another_hubproxy_can_be(tmp_path: Path) -> None:
    async with Site(tmp_path / "a") as first:
        wanted = first.put(SPICE, large(1.2))
        await first.approve(SPICE)
        trust = first.folder / "data" / "trust"
        settings = {"trust.source": str(trust / "repo"), "trust.root": str(trust / "root.json")}
        async with Site(tmp_path / "b", settings, behind=first) as second:
            assert (await second.get(SPICE)).body == wanted


async def test_first_use_never_overrules_what_the_list_says_of_another_format(
    tmp_path: Path,
) -> None:
    async with Site(tmp_path, {"trust.mode": "first-use"}) as site:
        site.put(SPICE, {"model.tflite": b"a model"})
        record = await site.approve(SPICE)
        site.put(SPICE, SMALL)

        listed = await site.get(SPICE)
        await site.revoke(record, reason="found to leak addresses")
        revoked = await site.get(SPICE)

        assert (listed.status, listed.problem["code"]) == (406, "FORMAT")
        assert (revoked.status, revoked.problem["code"]) == (410, "HP-T10")
        assert site.fetches(SPICE) == 0


async def test_latest_passes_over_a_version_that_was_revoked(site: Site) -> None:
    for version in (2, 3):
        site.put(f"tfhub.dev/google/spice/{version}", {"saved_model.pb": tiny(str(version))})
        record = await site.approve(f"tfhub.dev/google/spice/{version}")
    await site.revoke(record, reason="found to leak addresses")

    got = await site.get("tfhub.dev/google/spice")

    assert got.headers["X-Hubproxy-Handle"] == "tfhub.dev/google/spice/2"


async def test_a_look_at_an_unlisted_module_fetches_nothing_in_first_use(tmp_path: Path) -> None:
    async with Site(tmp_path, {"trust.mode": "first-use"}) as site:
        site.put(SPICE)

        assert (await site.get(SPICE, method="HEAD")).status == 403
        assert site.fetches(SPICE) == 0
        await site.get(SPICE)

        assert [event.cache for event in site.events()] == ["", "miss"]


async def test_a_module_revoked_while_a_client_waits_is_not_served_to_it(site: Site) -> None:
    site.put(SPICE, large())
    record = await site.approve(SPICE)
    go_on = asyncio.Event()
    site.origin.misbehave(PATH, faults.stalled(6_000_000, until=go_on))
    late = asyncio.create_task(site.get(SPICE, {**PYTHON, "Range": "bytes=9000000-"}))
    early = await site.get(SPICE, {**PYTHON, "Range": "bytes=0-9"})
    assert early.status == 206

    await site.revoke(record, reason="found to leak addresses")
    go_on.set()

    assert (await late).status == 410
    assert [event.code for event in site.events()] == ["", "HP-T10"]


async def test_a_zip_that_is_larger_than_the_module_can_be_is_cut_off(site: Site) -> None:
    site.put(SPICE)
    await site.approve(SPICE)
    site.origin.put(PATH, b"PK\x03\x04" + bytes(80_000_000), media_type="application/zip")

    got = await site.get(SPICE)

    assert got.status == 502
    assert "larger than" in got.reason


async def test_a_damaged_pin_is_not_made_anew(tmp_path: Path) -> None:
    async with Site(tmp_path, {"trust.mode": "first-use"}) as site:
        site.put(SPICE)
        await site.get(SPICE)
        await site.settled()
        await site.stop()
        pin = next((site.folder / "data" / "pins").rglob("@*"))
        pin.write_bytes(pin.read_bytes()[:-5])
        site.put(SPICE, {**SMALL, "saved_model.pb": tiny("another graph")})
        await site.start()

        got = await site.get(SPICE)

        assert (got.status, got.problem["code"]) == (503, "STORAGE_FAILED")
        assert site.fetches(SPICE) == 1
