from tests.cli.place import SPICE, Place, fetch


async def test_a_good_store_has_no_faults(place: Place) -> None:
    await filled(place)
    done = await place.good("fsck")
    assert done.out == ""
    assert done.errors.endswith(" blobs are good, 0 faults, 0 without a name\n")
    assert not done.errors.startswith("0")


async def test_a_damaged_store_is_status_1_and_named(place: Place) -> None:
    await filled(place)
    largest = max(place.data.glob("blobs/sha256/*/*"), key=lambda blob: blob.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[1000] ^= 1
    largest.write_bytes(content)

    done = await place.run("fsck", "--json")

    assert done.status == 1
    assert any(largest.name in found["subject"] for found in done.objects)
    assert all(set(found) == {"kind", "subject", "text"} for found in done.objects)
    assert not largest.exists()  # it is put aside
    again = await place.run("fsck")
    assert largest.name not in "".join(
        line for line in again.out.splitlines() if line.startswith("damaged")
    )


async def test_a_folder_in_use_is_left_alone(place: Place) -> None:
    await place.begin()
    async with place.serving() as (_, process):
        done = await place.run("fsck")
    assert (done.status, done.out) == (1, "")
    assert f"is in use by another process (pid {process.pid})" in done.errors


async def filled(place: Place) -> None:
    await place.begin()
    await place.good("trust", "approve", SPICE)
    async with place.serving() as (url, _):
        assert (await fetch(f"{url}/{SPICE}"))[0] == 200
