import pytest

from tests.cli.place import SPICE, Place, fetch


@pytest.fixture
async def loaded(place: Place) -> Place:
    """A place where one caller has loaded `SPICE`, which was then revoked."""
    await place.begin()
    await place.good("trust", "approve", SPICE)
    async with place.serving() as (url, _):
        for _ in range(2):
            assert (await fetch(f"{url}/{SPICE}"))[0] == 200
    await place.good("trust", "revoke", SPICE, "--reason", "it leaks addresses")
    return place


async def test_a_report_tells_what_is_listed_and_who_loaded_it(loaded: Place) -> None:
    listed, caller = (await loaded.good("recall", "report", SPICE, "--json")).objects
    assert (listed["listed"], listed["status"]) == (SPICE, "revoked")
    assert listed["reason"] == "it leaks addresses"
    assert (caller["caller"], caller["loads"], caller["asked"]) == ("127.0.0.1", 2, 0)
    assert caller["archives"] == [listed["archive"]]
    assert caller["handles"] == [SPICE]
    assert caller["first"] <= caller["last"]

    text = (await loaded.good("recall", "report", SPICE)).out.splitlines()
    assert text[0].startswith(f"{SPICE}  saved_model  revoked ")
    assert text[0].endswith(" by ada: it leaks addresses")
    assert text[2].startswith("127.0.0.1 ")
    assert "2 loads, asked 0 times" in text[2]


@pytest.mark.parametrize("kind", ["archive", "record", "tree"])
async def test_a_digest_of_any_kind_leads_to_who_loaded_it(loaded: Place, kind: str) -> None:
    listed, _ = (await loaded.good("recall", "report", SPICE, "--json")).objects
    again, caller = (await loaded.good("recall", "report", listed[kind], "--json")).objects
    assert (again, caller["caller"]) == (listed, "127.0.0.1")


async def test_it_is_reported_while_the_list_cannot_be_read(loaded: Place) -> None:
    await loaded.good("trust", "status")
    (loaded.data / "trust" / "repo").rename(loaded.data / "trust" / "away")
    done = await loaded.good("recall", "report", SPICE, "--json")
    assert "looking at the list as it was read last" in done.errors
    # The list as it was read last still names a record; its text lies where the list was.
    assert [one["caller"] for one in done.objects if "caller" in one] == ["127.0.0.1"]


async def test_what_nobody_loaded_is_told(loaded: Place) -> None:
    done = await loaded.good("recall", "report", "sha256:" + "00" * 32)
    assert done.out == ""
    assert "nothing of it is on the trust list now" in done.errors
    assert "the audit log names nobody who loaded it" in done.errors


@pytest.mark.parametrize("wanted", ["sha256:zz", "sha256:" + "AB" * 32, "ftp://tfhub.dev/a/b/1"])
async def test_what_is_neither_digest_nor_handle_is_refused(place: Place, wanted: str) -> None:
    done = await place.run("recall", "report", wanted)
    assert (done.status, done.out) == (2, "")
    assert wanted in done.errors or "not a handle" in done.errors
