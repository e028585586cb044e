"""What an upstream, or whoever asks, may try: nothing comes of it, and it is on record."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from yarl import URL

from tests import faults
from tests.byhand import ByHand
from tests.site import PYTHON, SMALL, SPICE, Site, large, tar_gz

PATH = "/google/spice/2"
OTHER = "tfhub.dev/google/nnlm/1"
FILES = large(1.5)
ARCHIVE = tar_gz(FILES)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A site with `SPICE` on its list."""
    settings = {"network.idle_seconds": 0.3, "network.first_byte_seconds": 0.3}
    async with Site(tmp_path, settings) as site:
        site.put(SPICE, FILES)
        await site.approve(SPICE)
        yield site


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faults.truncated(4_500_000, framing="close"), id="row 2: short"),
        pytest.param(faults.Fault(body=ARCHIVE + b"more" * 1000), id="row 2: long"),
        pytest.param(faults.Fault(endless="body"), id="row 2: endless"),
        pytest.param(faults.stalled(1_000_000), id="row 2: stalled"),
        pytest.param(faults.stalled(0), id="row 2: stalled from the start"),
        pytest.param(
            faults.Fault(body=tar_gz({**FILES, "extra.so": b"code"})),
            id="row 11b: a file that the list does not name",
        ),
    ],
)
async def test_an_upstream_that_sends_something_else_serves_nobody(
    site: Site, fault: faults.Fault
) -> None:
    site.origin.always(PATH, fault)

    got = await site.get(SPICE)

    assert got.error is not None or got.status in (502, 504)
    assert not list((site.folder / "data" / "tmp").iterdir())
    assert not list((site.folder / "data" / "refs").rglob("@*"))
    assert site.events()[-1].outcome in ("failed", "aborted")


@pytest.mark.parametrize(
    ("spelling", "known"),
    [
        pytest.param(SPICE, True, id="row 11: as it is"),
        pytest.param(f"{SPICE}?tf-hub-format=compressed", True, id="row 11: with its format"),
        pytest.param("tfhub.dev/google/Spice/2", False, id="row 11: case"),
        pytest.param("tfhub.dev/google/spice/02", False, id="row 11: a zero in front"),
        pytest.param("tfhub.dev/google/spice%2F2", False, id="row 11: an escaped slash"),
        pytest.param("tfhub.dev/google/%73pice/2", True, id="row 11: an escaped letter"),
        pytest.param("tfhub.dev/google/x/../spice/2", False, id="row 11: dots"),
        pytest.param("tfhub.dev/google/%2e%2e/google/spice/2", False, id="row 11: escaped dots"),
        pytest.param("tfhub.dev/google//spice/2", False, id="row 11: an empty segment"),
        pytest.param(
            "tfhub.dev/g%D0%BEogle/spice/2", False, id="row 11: a letter that looks alike"
        ),
        pytest.param(
            "tfhub.dev/google/spice/2?x=../3", True, id="row 11: a query that means nothing"
        ),
    ],
)
async def test_a_module_has_one_name(site: Site, spelling: str, known: bool) -> None:
    url = URL(f"{site.url}/{spelling}", encoded=True)
    async with site.session.get(url, headers=PYTHON) as got:
        await got.read()
    if known:
        assert (got.status, got.headers["X-Hubproxy-Handle"]) == (200, SPICE)
    else:
        assert got.status in (400, 403, 404)
        assert site.origin.requests == []


async def test_row_12_the_record_of_one_model_does_not_pass_for_another(site: Site) -> None:
    record = await site.approve(SPICE)
    officers = ByHand(site)
    top = officers.teams.load("targets")
    officers.teams.list_as(top, f"{OTHER}/saved_model.json", record)
    officers.teams.change("targets", top, site.officer)
    await site.daemon.trust.refresh()
    site.put(OTHER, SMALL)

    got = await site.get(OTHER)

    assert (got.status, got.problem["code"]) == (503, "HP-T09")
    assert got.problem["detail"] == f"the trust list names for {OTHER} the record of {SPICE}"
    assert site.fetches(OTHER) == 0
