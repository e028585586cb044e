"""`hubproxy bundle`: from a connected host to a site that has no network."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hubproxy.cards.document import encode
from hubproxy.store.auditread import read
from tests.cards.cards import filled_in
from tests.cli.gap import NNLM, OLD, Gap, open_gap
from tests.cli.place import SPICE, fetch
from tests.cli.test_reload import minded
from tests.site import large


@pytest.fixture
async def gap(tmp_path: Path) -> AsyncIterator[Gap]:
    async with open_gap(tmp_path) as gap:
        yield gap


async def served(gap: Gap, *handles: str) -> list[int]:
    """What a daemon inside answers for each."""
    async with gap.inside.serving() as (url, _):
        return [(await fetch(f"{url}/{handle}"))[0] for handle in handles]


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


async def test_three_commands_bring_a_module_to_a_site_without_a_network(gap: Gap) -> None:
    await gap.outside.good("mirror", "sync", NNLM, SPICE)
    made = await gap.outside.good("bundle", "create", str(gap.bundle), NNLM, SPICE)
    assert "2 modules, 2 archives of " in made.out
    await gap.outside.origin.stop()

    done = await gap.inside.good("bundle", "import", str(gap.bundle), "--root", str(gap.root))

    assert done.out.startswith("imported: 2 modules; trust list root 1, timestamp ")
    async with gap.inside.serving() as (url, _):
        assert (await fetch(f"{url}/{NNLM}"))[0] == 200
        assert (await fetch(f"{url}/tfhub.dev/google/nnlm"))[0] == 200
        status, reason, body = await fetch(f"{url}/{OLD}")
        assert (status, "NOT_MIRRORED" in reason) == (504, True)
        assert f"hubproxy bundle create DIR {OLD}" in json.loads(body)["remedy"]
        assert (await fetch(f"{url}/tfhub.dev/google/other/1"))[0] == 403
    told = [event for event in read(gap.inside.data / "audit") if event.event == "import"]
    assert {event.handle for event in told} == {"", NNLM, SPICE}


async def test_a_running_daemon_serves_what_was_imported(gap: Gap) -> None:
    await gap.bring(SPICE)
    await gap.inside.good("bundle", "import", str(gap.bundle), "--root", str(gap.root))
    shutil.rmtree(gap.bundle)
    await gap.bring(NNLM)
    async with gap.inside.serving() as (url, _):
        await minded(gap.inside)
        assert (await fetch(f"{url}/{NNLM}"))[0] == 504
        await gap.inside.good("bundle", "import", str(gap.bundle))
        assert (await fetch(f"{url}/{NNLM}"))[0] == 200
        assert (await fetch(f"{url}/{SPICE}"))[0] == 200


async def test_only_what_the_site_lacks_is_carried(gap: Gap) -> None:
    await gap.bring(SPICE)
    await gap.inside.good("bundle", "import", str(gap.bundle), "--root", str(gap.root))
    inventory = gap.stick / "inventory"
    told = await gap.inside.good("bundle", "inventory", "-o", str(inventory), "--site", "plant")
    assert "plant has 1 archives, of 1 records; its key is " in told.errors
    shutil.rmtree(gap.bundle)
    await gap.outside.good("mirror", "sync", NNLM)

    words = (str(gap.bundle), SPICE, NNLM, "--since", str(inventory))
    done = await gap.outside.good("bundle", "create", "--json", *words)

    assert (done.objects[0]["modules"], done.objects[0]["archives"]) == (1, 1)
    assert "plant is new here" in done.errors
    await gap.inside.good("bundle", "import", str(gap.bundle))
    assert await served(gap, SPICE, NNLM) == [200, 200]


async def test_a_revocation_is_carried_with_its_reason(gap: Gap) -> None:
    await gap.bring(SPICE)
    await gap.inside.good("bundle", "import", str(gap.bundle), "--root", str(gap.root))
    await gap.outside.good("trust", "revoke", SPICE, "--reason", "it leaks addresses")
    shutil.rmtree(gap.bundle)
    await gap.bring(NNLM)
    await gap.inside.good("bundle", "import", str(gap.bundle))
    async with gap.inside.serving() as (url, _):
        status, reason, _ = await fetch(f"{url}/{SPICE}")
    assert (status, "it leaks addresses" in reason) == (410, True)


async def test_the_same_contents_give_the_same_bytes(gap: Gap) -> None:
    await gap.bring(SPICE, NNLM)
    other = gap.stick / "other"
    await gap.outside.good("bundle", "create", str(other), SPICE, NNLM)
    assert files(gap.bundle) == files(other)


async def test_the_list_goes_on_behind_what_was_carried(gap: Gap) -> None:
    """No number stands for two timestamps."""
    await gap.bring(SPICE)
    held = json.loads((gap.outside.data / "trust/repo/metadata/timestamp.json").read_bytes())
    carried = await gap.outside.good(
        "bundle", "show", "--json", str(gap.bundle), "--root", str(gap.root)
    )
    number = int(carried.objects[-1]["trust"].split()[-1])
    assert held["signed"]["version"] == number + 1
    assert carried.objects[-1]["contents_signed"] is True


async def test_volumes_are_imported_in_any_order(gap: Gap) -> None:
    await split(gap)
    volumes = sorted(gap.bundle.iterdir())
    assert len(volumes) == 3
    for volume in volumes:
        assert sum(len(data) for data in files(volume).values()) <= 12_000_000
    first = await gap.inside.run(
        "bundle", "import", str(volumes[2]), "--root", str(gap.root), "--json"
    )
    assert first.status == 4
    assert first.objects[0]["missing_volumes"] == [1, 2]
    assert await served(gap, *BIG) == [503, 503, 503]
    second = await gap.inside.run("bundle", "import", str(volumes[0]))
    assert second.status == 4
    assert "volume 2 of 3 still to come" in second.out
    await gap.inside.good("bundle", "import", str(volumes[1]))
    assert await served(gap, *BIG) == [200, 200, 200]


async def test_all_volumes_may_come_at_once(gap: Gap) -> None:
    await split(gap)
    await gap.inside.good("bundle", "import", str(gap.bundle), "--root", str(gap.root))
    assert await served(gap, *BIG) == [200, 200, 200]


async def test_a_bundle_with_a_volume_missing_is_told_so(gap: Gap) -> None:
    await split(gap)
    shutil.rmtree(gap.bundle / "volume-2")
    done = await gap.inside.run("bundle", "verify", str(gap.bundle), "--root", str(gap.root))
    assert done.status == 4
    assert "not looked at: volume 2 of 3" in done.errors


async def test_what_every_volume_has_is_verified_in_each(gap: Gap) -> None:
    await split(gap)
    words = ("bundle", "verify", str(gap.bundle), "--root", str(gap.root))
    await gap.inside.good(*words)
    timestamp = next(
        path
        for path in (gap.bundle / "volume-2" / "blobs" / "sha256").iterdir()
        if b'"_type":"timestamp"' in path.read_bytes()
    )
    timestamp.write_bytes(timestamp.read_bytes()[:-1] + b" ")
    done = await gap.inside.run(*words)
    assert (done.status, "has other bytes than its name says" in done.errors) == (1, True)


async def test_what_must_be_copied_leaves_the_disk_its_floor(gap: Gap) -> None:
    away = Path("/dev/shm")
    if not away.is_dir() or away.stat().st_dev == gap.folder.stat().st_dev:
        pytest.skip("there is no second disk here")
    await gap.bring(SPICE)
    copy = Path(shutil.copytree(gap.bundle, away / f"hubproxy-test-{os.getpid()}"))
    gap.inside.variables["HUBPROXY_STORE_FREE_FLOOR"] = "900TiB"
    try:
        done = await gap.inside.run("bundle", "import", str(copy), "--root", str(gap.root))
        assert (done.status, "STORAGE_FULL" in done.errors) == (1, True)
        assert "copy the bundle onto that disk" in done.errors  # before any of it was copied
        assert await served(gap, SPICE) == [503]
    finally:
        shutil.rmtree(copy)


BIG = [f"tfhub.dev/google/big/{number}" for number in (1, 2, 3)]


async def split(gap: Gap) -> None:
    """A bundle of three modules of some 10 MB each, in volumes of 12."""
    for number, handle in enumerate(BIG):
        gap.outside.put(handle, large(2.4, seed=number))
    await gap.approve(*BIG)
    await gap.outside.good("mirror", "sync", *BIG)
    await gap.outside.good("bundle", "create", str(gap.bundle), *BIG, "--split", "12MB")


async def test_an_archive_that_no_volume_can_hold_is_named(gap: Gap) -> None:
    await gap.outside.good("mirror", "sync", SPICE)
    done = await gap.outside.run("bundle", "create", str(gap.bundle), SPICE, "--split", "12000")
    assert done.status == 2
    assert f"{SPICE} has " in done.errors
    assert "Raise --split" in done.errors
    assert list(gap.stick.iterdir()) == [gap.root]


async def test_a_second_import_has_nothing_to_do(gap: Gap) -> None:
    await gap.bring(SPICE)
    await gap.inside.good("bundle", "import", str(gap.bundle), "--root", str(gap.root))
    events = len(list(read(gap.inside.data / "audit")))
    again = await gap.inside.good("bundle", "import", str(gap.bundle))
    assert again.out.startswith("was imported before: 1 modules")
    assert len(list(read(gap.inside.data / "audit"))) == events


async def test_two_imports_at_once_end_well(gap: Gap) -> None:
    await gap.bring(SPICE, NNLM)
    words = ("bundle", "import", str(gap.bundle), "--root", str(gap.root))
    done = await asyncio.gather(*(gap.inside.run(*words) for _ in range(2)))
    assert [one.status for one in done] == [0, 0], done
    assert sorted(one.out.split(":")[0] for one in done) == ["imported", "was imported before"]
    assert await served(gap, SPICE, NNLM) == [200, 200]


async def test_an_import_leaves_its_input_as_it_was(gap: Gap) -> None:
    await gap.bring(SPICE, NNLM)
    before = files(gap.bundle)
    await gap.inside.good("bundle", "import", str(gap.bundle), "--root", str(gap.root))
    assert files(gap.bundle) == before


async def test_an_import_from_the_same_disk_copies_no_archive(gap: Gap) -> None:
    gap.outside.put(BIG[0], large(2.4))
    await gap.approve(BIG[0])
    await gap.bring(BIG[0])
    await gap.inside.good("bundle", "import", str(gap.bundle), "--root", str(gap.root))
    shared = [
        path
        for path in (gap.inside.data / "blobs").rglob("*")
        if path.is_file() and path.stat().st_nlink > 1
    ]
    if not shared:
        pytest.skip("this disk shares bytes between files in its own way, or not at all")
    assert max(path.stat().st_size for path in shared) > 2.4 * 4 * 1024 * 1024


async def test_an_older_bundle_is_refused(gap: Gap) -> None:
    await gap.bring(SPICE)
    old = gap.stick / "old"
    gap.bundle.rename(old)
    await gap.outside.good("trust", "revoke", SPICE, "--reason", "it leaks")
    await gap.bring(NNLM)
    await gap.inside.good("bundle", "import", str(gap.bundle), "--root", str(gap.root))
    done = await gap.inside.run("bundle", "import", str(old))
    assert done.status == 1
    assert "HP-T08" in done.errors
    assert await served(gap, SPICE, NNLM) == [410, 200]


async def test_an_older_bundle_is_refused_after_the_list_is_wiped(gap: Gap) -> None:
    """It is on record also where no daemon has run since the newer one came in."""
    await gap.bring(SPICE)
    old = gap.stick / "old"
    gap.bundle.rename(old)
    await gap.outside.good("trust", "renew")
    await gap.bring(NNLM)
    await gap.inside.good("bundle", "import", str(gap.bundle), "--root", str(gap.root))
    shutil.rmtree(gap.inside.data / "trust" / "repo")
    assert "HP-T08" in (await gap.inside.run("bundle", "import", str(old))).errors


async def test_an_older_bundle_is_refused_after_the_state_is_wiped(gap: Gap) -> None:
    await gap.bring(SPICE)
    old = gap.stick / "old"
    gap.bundle.rename(old)
    await gap.outside.good("trust", "revoke", SPICE, "--reason", "it leaks")
    await gap.bring(NNLM)
    await gap.inside.good("bundle", "import", str(gap.bundle), "--root", str(gap.root))
    assert await served(gap, SPICE) == [410]
    shutil.rmtree(gap.inside.data / "trust" / "state")
    assert "HP-T08" in (await gap.inside.run("bundle", "import", str(old))).errors
    # Without the audit log as well, the list that lies there is still the newer one.
    shutil.rmtree(gap.inside.data / "audit")
    assert "HP-T08" in (await gap.inside.run("bundle", "import", str(old))).errors


async def test_a_bundle_of_another_list_is_refused(gap: Gap, tmp_path: Path) -> None:
    await gap.bring(SPICE)
    (tmp_path / "foreign").mkdir()
    async with open_gap(tmp_path / "foreign") as foreign:
        await foreign.bring(SPICE)
        root = ("--root", str(gap.root))
        for command in ("import", "verify", "show"):
            done = await gap.inside.run("bundle", command, str(foreign.bundle), *root)
            assert done.status == 1
            assert "HP-T09" in done.errors
    assert not (gap.inside.data / "staged").exists()
    assert not (gap.inside.data / "trust" / "root.json").exists()


async def test_another_root_is_not_slipped_in(gap: Gap, tmp_path: Path) -> None:
    await gap.bring(SPICE)
    await gap.inside.good("bundle", "import", str(gap.bundle), "--root", str(gap.root))
    (tmp_path / "foreign").mkdir()
    async with open_gap(tmp_path / "foreign") as foreign:
        await foreign.bring(SPICE)
        done = await gap.inside.run(
            "bundle", "import", str(foreign.bundle), "--root", str(foreign.root)
        )
    assert done.status == 2
    assert "another root is pinned" in done.errors


async def test_without_a_root_nothing_is_believed(gap: Gap) -> None:
    await gap.bring(SPICE)
    for command in ("import", "verify"):
        done = await gap.inside.run("bundle", command, str(gap.bundle))
        assert done.status == 1
        assert "TRUST_ROOT" in done.errors


async def test_a_list_that_expired_on_its_way_brings_nothing_in(gap: Gap) -> None:
    await gap.outside.good("mirror", "sync", SPICE)
    await gap.outside.good("bundle", "create", str(gap.bundle), SPICE, "--valid-days", "1")
    faketime = shutil.which("faketime")
    if faketime is None:
        pytest.skip("faketime is not installed")
    gap.inside.variables |= {
        "LD_PRELOAD": "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
        "FAKETIME": "+3d",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    done = await gap.inside.run("bundle", "import", str(gap.bundle), "--root", str(gap.root))
    assert done.status == 1
    assert "HP-T07" in done.errors


async def test_two_bundles_are_not_mixed(gap: Gap) -> None:
    await gap.bring(SPICE)
    other = gap.stick / "other"
    await gap.outside.good("mirror", "sync", NNLM)
    await gap.outside.good("bundle", "create", str(other), NNLM)
    words = (str(gap.bundle), str(other), "--root", str(gap.root))
    done = await gap.inside.run("bundle", "import", *words)
    assert (done.status, "volumes of two bundles" in done.errors) == (1, True)


async def test_what_the_store_has_not_is_left_out_and_named(gap: Gap) -> None:
    await gap.outside.good("mirror", "sync", SPICE)
    done = await gap.outside.run("bundle", "create", str(gap.bundle), SPICE, NNLM)
    assert done.status == 1
    assert f"{NNLM}: left out, the store has it not: `hubproxy mirror sync` first" in done.errors
    await gap.inside.good("bundle", "import", str(gap.bundle), "--root", str(gap.root))
    assert await served(gap, SPICE, NNLM) == [200, 504]


async def test_a_damaged_archive_is_never_carried(gap: Gap) -> None:
    await gap.outside.good("mirror", "sync", SPICE)
    for path in (gap.outside.data / "blobs").rglob("*"):
        if path.is_file() and b"saved_model.pb" in (content := path.read_bytes()):
            path.write_bytes(content[:-1] + b"x")
    done = await gap.outside.run("bundle", "create", str(gap.bundle), SPICE)
    assert (done.status, "HP-T03" in done.errors) == (1, True)
    assert list(gap.stick.iterdir()) == [gap.root]


async def test_a_folder_that_is_not_empty_is_left_alone(gap: Gap) -> None:
    gap.bundle.mkdir()
    (gap.bundle / "mine").write_text("x")
    done = await gap.outside.run("bundle", "create", str(gap.bundle))
    assert (done.status, "is not empty" in done.errors) == (2, True)
    assert os.listdir(gap.bundle) == ["mine"]


async def test_a_folder_without_a_bundle_is_told_so(gap: Gap) -> None:
    gap.bundle.mkdir()
    done = await gap.inside.run("bundle", "import", str(gap.bundle), "--root", str(gap.root))
    assert (done.status, "holds no bundle" in done.errors) == (1, True)


async def test_an_inventory_that_was_altered_is_refused(gap: Gap) -> None:
    inventory = gap.stick / "inventory"
    await gap.inside.good("bundle", "inventory", "-o", str(inventory), "--site", "plant")
    text = json.loads(inventory.read_text())
    text["inventory"]["archives"] = ["0" * 64]
    inventory.write_text(json.dumps(text))
    done = await gap.outside.run("bundle", "create", str(gap.bundle), "--since", str(inventory))
    assert (done.status, "its signature does not fit" in done.errors) == (1, True)


async def test_an_inventory_by_another_key_is_refused(gap: Gap) -> None:
    inventory = gap.stick / "inventory"
    await gap.inside.good("bundle", "inventory", "-o", str(inventory), "--site", "plant")
    await gap.outside.run("bundle", "create", str(gap.bundle), "--since", str(inventory))
    (gap.inside.data / "bundle" / "site.pem").unlink()
    await gap.inside.good("bundle", "inventory", "-o", str(inventory), "--site", "plant")
    other = str(gap.stick / "other")
    done = await gap.outside.run("bundle", "create", other, "--since", str(inventory))
    assert (done.status, "SITE_KEY" in done.errors) == (1, True)
    assert not Path(other).exists()


async def test_a_site_that_lost_what_it_said_it_had_is_told(gap: Gap) -> None:
    await gap.bring(SPICE)
    await gap.inside.good("bundle", "import", str(gap.bundle), "--root", str(gap.root))
    inventory = gap.stick / "inventory"
    await gap.inside.good("bundle", "inventory", "-o", str(inventory), "--site", "plant")
    await gap.outside.good("trust", "approve", SPICE)  # again: another record, the same bytes
    shutil.rmtree(gap.bundle)
    words = (str(gap.bundle), SPICE, "--since", str(inventory), "--json")
    made = await gap.outside.good("bundle", "create", *words)
    assert (made.objects[0]["modules"], made.objects[0]["archives"]) == (1, 0)
    for path in (gap.inside.data / "blobs").rglob("*"):
        if path.is_file() and b"saved_model.pb" in path.read_bytes():
            path.unlink()
    done = await gap.inside.run("bundle", "import", str(gap.bundle))
    assert done.status == 1
    assert "make a new inventory" in done.errors


async def test_a_mirror_without_the_lists_key_carries_what_its_publisher_exported(
    gap: Gap, tmp_path: Path
) -> None:
    """The mirror reads the list from where it is published, and signs nothing."""
    mirror = type(gap.inside)(make(tmp_path / "mirror"), gap.outside.origin)
    mirror.variables["HUBPROXY_NETWORK_OFFLINE"] = "0"
    mirror.variables["HUBPROXY_TRUST_SOURCE"] = str(gap.outside.data / "trust" / "repo")
    mirror.variables["HUBPROXY_TRUST_ROOT"] = str(gap.root)
    await mirror.good("mirror", "sync", SPICE)
    told = await mirror.good("bundle", "create", str(gap.stick / "short"), SPICE)
    assert "hubproxy trust export DIR" in told.errors
    exported = gap.stick / "list"
    await gap.outside.good("trust", "export", str(exported), "--valid-days", "60")
    made = await mirror.good(
        "bundle", "create", str(gap.bundle), SPICE, "--trust", str(exported), "--json"
    )
    import datetime

    until = datetime.datetime.fromisoformat(made.objects[0]["valid_until"])
    assert (until - datetime.datetime.now(datetime.UTC)).days in (59, 60)
    done = await gap.inside.good("bundle", "import", str(gap.bundle), "--root", str(gap.root))
    assert done.out.startswith("imported: 1 modules")
    shown = await gap.inside.good("bundle", "show", str(gap.bundle))
    assert "table of contents not signed as a whole" in shown.out
    assert await served(gap, SPICE) == [200]


def make(folder: Path) -> Path:
    folder.mkdir()
    return folder


async def test_evidence_and_cards_are_carried(gap: Gap) -> None:
    pytest.importorskip("cyclonedx")
    card = gap.stick / "card.json"
    await gap.outside.good("trust", "card", "edit", SPICE, "-o", str(card))
    card.write_bytes(encode(filled_in(json.loads(card.read_bytes()))))
    await gap.outside.good("trust", "approve", SPICE, "--card", str(card))
    await gap.bring(SPICE)
    await gap.inside.good("bundle", "import", str(gap.bundle), "--root", str(gap.root))
    async with gap.inside.serving() as (url, _):
        status, _, body = await fetch(f"{url}/-/card/{SPICE}")
    assert status == 200
    assert b"CycloneDX" in body


async def test_every_root_is_carried_also_by_a_host_that_began_with_a_later_one(
    gap: Gap, tmp_path: Path
) -> None:
    """The site inside begins with the first; the mirror outside was set up after a rotation."""
    await gap.outside.good("trust", "rotate", "online")
    later = gap.stick / "later.json"
    later.write_bytes((gap.outside.data / "trust/repo/metadata/2.root.json").read_bytes())
    mirror = type(gap.inside)(make(tmp_path / "mirror"), gap.outside.origin)
    mirror.variables["HUBPROXY_NETWORK_OFFLINE"] = "0"
    mirror.variables["HUBPROXY_TRUST_SOURCE"] = str(gap.outside.data / "trust" / "repo")
    mirror.variables["HUBPROXY_TRUST_ROOT"] = str(later)
    await mirror.good("mirror", "sync", SPICE)
    await mirror.good("bundle", "create", str(gap.bundle), SPICE)
    for root in (gap.root, later):
        await gap.inside.good("bundle", "verify", str(gap.bundle), "--root", str(root))
    done = await gap.inside.good("bundle", "import", str(gap.bundle), "--root", str(gap.root))
    assert "trust list root 2, " in done.out
    assert await served(gap, SPICE) == [200]


async def test_an_expired_list_goes_on_through_its_grace_inside(gap: Gap) -> None:
    library = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
    if not library.exists():
        pytest.skip("faketime is not installed")
    await gap.bring(SPICE)
    await gap.inside.good("bundle", "import", str(gap.bundle), "--root", str(gap.root))
    gap.inside.variables |= {
        "LD_PRELOAD": str(library),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME": "+95d",
    }
    assert await served(gap, SPICE, NNLM) == [200, 504]
    gap.inside.variables["FAKETIME"] = "+120d"
    assert await served(gap, SPICE) == [503]


async def test_who_publishes_the_list_gets_no_list_by_a_bundle(gap: Gap) -> None:
    """It would be the one that was signed to be carried; the published one has gone on."""
    await gap.bring(SPICE)
    before = files(gap.outside.data / "trust" / "repo")
    await gap.outside.good("bundle", "import", str(gap.bundle))
    assert files(gap.outside.data / "trust" / "repo") == before
    await gap.outside.good("trust", "renew")
