"""Local copies of the real tensorflow_hub: hubproxy is asked each time that one is used."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.jobs import Job, pack
from tests.e2e.place import Place

pytestmark = pytest.mark.e2e
pytest.importorskip("tensorflow_hub", reason="needs the real tensorflow_hub")

NAME = "tfhub.dev/google/doubler/1"
HANDLE = f"https://{NAME}"
DOUBLED = {"value": [7.0]}


@pytest.fixture
def approved(place: Place, modules: Path) -> Place:
    place.hub.put(NAME, gzip.compress(pack(modules / "doubler")))
    place.approve(NAME)
    return place


def test_a_revoked_module_is_refused_where_it_lies_already_and_its_users_are_known(
    approved: Place, job: Job, tmp_path: Path
) -> None:
    cache, url = tmp_path / "cache", approved.start()
    for _ in range(3):
        assert job.do("load", HANDLE, HUBPROXY_URL=url, TFHUB_CACHE_DIR=cache) == DOUBLED
    approved.trust("revoke", NAME, "--reason", "it leaks addresses")
    approved.stop()
    url = approved.start()

    failed = job.do("load", HANDLE, HUBPROXY_URL=url, TFHUB_CACHE_DIR=cache)

    reason, kept, *_ = failed["text"].split("\n")
    assert failed["kinds"][0] == "HubproxyError"
    assert reason.startswith(f"hubproxy HP-T10: {NAME} was revoked on ")
    assert reason.endswith(": it leaks addresses")
    assert kept.startswith(f"The copy in {cache}/")
    (folder,) = (path for path in cache.iterdir() if path.is_dir())
    assert (folder / "saved_model.pb").exists()
    listed, caller = recalled(approved)
    assert (listed["status"], listed["reason"]) == ("revoked", "it leaks addresses")
    assert (caller["caller"], caller["loads"], caller["asked"]) == ("127.0.0.1", 1, 2)


def recalled(place: Place) -> list[dict[str, object]]:
    words = ["recall", "report", NAME, "--json", "--config", str(place.folder / "hubproxy.toml")]
    ran = subprocess.run(
        [sys.executable, "-m", "hubproxy", *words],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_training_goes_on_with_its_copy_while_the_proxy_is_away(
    approved: Place, job: Job, tmp_path: Path
) -> None:
    cache, url = tmp_path / "cache", approved.start()
    assert job.do("load", HANDLE, HUBPROXY_URL=url, TFHUB_CACHE_DIR=cache) == DOUBLED
    approved.stop()

    assert job.do("load", HANDLE, HUBPROXY_STRICT="") == DOUBLED
    failed = job.do("load", HANDLE, HUBPROXY_STRICT="1")
    job.do("load", HANDLE, HUBPROXY_STRICT="")

    assert failed["kinds"][0] == "HubproxyError"
    assert "hubproxy does not say whether" in failed["text"]


def test_bytes_that_were_approved_since_are_loaded_anew(
    approved: Place, job: Job, modules: Path, tmp_path: Path
) -> None:
    cache, url = tmp_path / "cache", approved.start()
    assert job.do("load", HANDLE, HUBPROXY_URL=url, TFHUB_CACHE_DIR=cache) == DOUBLED
    approved.stop()
    approved.hub.put(NAME, gzip.compress(pack(modules / "big")))
    approved.approve(NAME)
    url = approved.start()

    job.do("load", HANDLE, HUBPROXY_URL=url)

    folders = sorted(path for path in cache.iterdir() if path.is_dir())
    assert [path.name.startswith(folders[0].name) for path in folders] == [True, True]
    assert (folders[1] / "saved_model.pb").read_bytes() == (
        modules / "big/saved_model.pb"
    ).read_bytes()
