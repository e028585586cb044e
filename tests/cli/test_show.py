import pytest

from tests.cli.place import SPICE, Place, fetch


@pytest.fixture
async def approved(place: Place) -> Place:
    await place.begin()
    await place.good("trust", "approve", SPICE)
    return place


async def test_a_module_is_explained(approved: Place) -> None:
    async with approved.serving() as (url, _):
        for _ in range(2):
            await fetch(f"{url}/{SPICE}")
        lines = (await approved.good("trust", "show", SPICE, "--url")).out.splitlines()
        (shown,) = (await approved.good("trust", "show", SPICE, "--url", "--json")).objects
        for page in ("module", "why", "record"):
            assert (await fetch(shown["urls"][page]))[0] == 200, page
    rows = {line[:11].strip(): line[11:] for line in lines if line.startswith("  ")}
    assert rows["signed"].startswith("for the officers by ada (1 of 1 needed), version 2, until ")
    assert rows["verdict"] == "served"
    assert rows["card"] == "none"
    assert rows["loaded"].startswith("2 times and asked about 0 times, by 1 callers, ")
    assert rows["module"] == f"{url}/{SPICE}"
    assert (shown["status"], shown["refused"], shown["mode"]) == ("approved", None, "enforce")
    assert shown["signed"]["signed"] == ["ada"]
    assert (shown["loads"]["callers"], shown["loads"]["loads"]) == (1, 2)


async def test_a_revoked_module_is_explained_too(approved: Place) -> None:
    await approved.good("trust", "revoke", SPICE, "--reason", "it leaks addresses")
    out = (await approved.good("trust", "show", SPICE)).out
    assert "  verdict  refused, HP-T10: " in out
    assert ": it leaks addresses\n" in out
    (shown,) = (await approved.good("trust", "show", SPICE, "--json")).objects
    assert (shown["refused"]["code"], shown["urls"]) == ("HP-T10", {})


async def test_what_is_not_listed_is_explained_by_who_could_list_it(approved: Place) -> None:
    done = await approved.run("trust", "show", "tfhub.dev/google/other/1")
    assert done.status == 3
    assert done.out == "could be approved by the officers together\n"
    assert "HP-T01: tfhub.dev/google/other/1 is not on the trust list" in done.errors
    assert "hubproxy trust approve tfhub.dev/google/other/1" in done.errors
