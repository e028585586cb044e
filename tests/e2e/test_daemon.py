"""The real daemon between a hub and the real tensorflow_hub, with the hook and without."""

import bz2
import gzip
import lzma
from pathlib import Path

import pytest

from hubproxy.core.record import CHUNK_SIZE
from tests.e2e.jobs import Job, pack, pack_zip
from tests.e2e.place import Place

pytestmark = pytest.mark.e2e
pytest.importorskip("tensorflow_hub", reason="needs the real tensorflow_hub")

NAME = "tfhub.dev/google/doubler/1"
HANDLE = f"https://{NAME}"
DOUBLED = {"value": [7.0]}


@pytest.fixture(scope="session")
def small(modules: Path) -> bytes:
    return pack(modules / "doubler")


@pytest.fixture(scope="session")
def big(modules: Path) -> bytes:
    """A module of several chunks, nearly all of which are the weights."""
    archive = pack(modules / "big")
    assert len(archive) > 3 * CHUNK_SIZE
    return archive


def test_a_module_is_loaded_cold_then_warm_then_without_the_hub(
    place: Place, job: Job, big: bytes, tmp_path: Path
) -> None:
    place.hub.put(NAME, gzip.compress(big, 1))
    place.approve(NAME)
    asked = place.hub.fetches(NAME)
    url = place.start()

    cold = job.do("load", HANDLE, HUBPROXY_URL=url, TFHUB_CACHE_DIR=tmp_path / "a")
    warm = job.do("load", HANDLE, TFHUB_CACHE_DIR=tmp_path / "b")
    assert place.hub.fetches(NAME) == asked + 1
    place.hub.stop()
    alone = job.do("load", HANDLE, TFHUB_CACHE_DIR=tmp_path / "c")

    assert [cold, warm, alone] == [DOUBLED] * 3


def test_the_stock_client_loads_it_by_the_daemons_own_address(
    place: Place, stock: Job, big: bytes, tmp_path: Path
) -> None:
    place.hub.put(NAME, gzip.compress(big, 1))
    place.approve(NAME)
    url = place.start()

    cold = stock.do("load", f"{url}/{NAME}", TFHUB_CACHE_DIR=tmp_path / "a")
    place.hub.stop()
    alone = stock.do("load", f"{url}/{NAME}", TFHUB_CACHE_DIR=tmp_path / "b")

    assert [cold, alone] == [DOUBLED] * 2


def test_an_unlisted_module_is_refused_with_the_reason_by_the_hook(
    place: Place, job: Job, small: bytes, tmp_path: Path
) -> None:
    place.hub.put(NAME, gzip.compress(small))
    url, cache = place.start(), tmp_path / "cache"

    failed = job.do("load", HANDLE, HUBPROXY_URL=url, TFHUB_CACHE_DIR=cache)

    reason, remedy, asked = failed["text"].split("\n")
    assert reason.startswith(f"hubproxy HP-T01: {NAME} is not on the trust list (root 1")
    assert remedy.startswith(f"Ask for it: `hubproxy request {NAME} --why REASON`; ")
    assert remedy.endswith(f" a trust officer lists it with `hubproxy trust approve {NAME}`")
    assert asked == f"asked: {url}/{NAME}?tf-hub-format=compressed"
    assert list(cache.iterdir()) == []
    assert place.hub.fetches(NAME) == 0


def test_an_unlisted_module_is_refused_with_the_reason_in_the_stock_clients_error(
    place: Place, stock: Job, small: bytes, tmp_path: Path
) -> None:
    place.hub.put(NAME, gzip.compress(small))
    url, cache = place.start(), tmp_path / "cache"

    failed = stock.do("load", f"{url}/{NAME}", TFHUB_CACHE_DIR=cache)

    assert failed["kinds"][0] == "HTTPError"
    assert failed["text"].startswith(
        f"HTTP Error 403: hubproxy HP-T01: {NAME} is not on the trust list"
    )
    assert f"hubproxy trust approve {NAME}" in failed["text"]
    assert list(cache.iterdir()) == []
    assert place.hub.fetches(NAME) == 0


@pytest.fixture(params=["at the start", "in the middle", "in the last chunk"])
def tampered(request: pytest.FixtureRequest, place: Place, modules: Path, big: bytes) -> str:
    """The URL of a daemon whose hub has changed one bit since the module was signed."""
    place.hub.put(NAME, gzip.compress(big, 1))
    place.approve(NAME)
    weights = (modules / "big/variables/variables.data-00000-of-00001").read_bytes()
    begin = big.index(weights)
    at = {
        "at the start": begin,
        "in the middle": begin + len(weights) // 2,
        "in the last chunk": begin + len(weights) - 1,
    }[request.param]
    # The archive ends within this chunk, so the last chunk is what the bit is in.
    assert request.param != "in the last chunk" or at // CHUNK_SIZE == len(big) // CHUNK_SIZE
    changed = bytearray(big)
    changed[at] ^= 1
    place.hub.put(NAME, gzip.compress(changed, 1))
    return place.start()


def test_the_stock_client_keeps_nothing_of_a_module_that_was_tampered_with(
    tampered: str, stock: Job, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    cache = tmp_path / "cache"

    failed = stock.do("load", f"{tampered}/{NAME}", TFHUB_CACHE_DIR=cache)

    assert "kinds" in failed, failed
    # Later than in the first chunk, the answer had begun, and all it could do was to break off.
    began = not failed["text"].startswith("HTTP Error 502: hubproxy HP-T03")
    assert began == ("at the start" not in request.node.name), failed
    assert list(cache.rglob("*")) == []
    again = stock.do("load", f"{tampered}/{NAME}")
    assert again["text"].startswith("HTTP Error 502: hubproxy HP-T03")
    assert list(cache.rglob("*")) == []


def test_the_hook_tells_why_a_transfer_broke_off(
    tampered: str, job: Job, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    cache = tmp_path / "cache"

    failed = job.do("load", HANDLE, HUBPROXY_URL=tampered, TFHUB_CACHE_DIR=cache)

    assert failed["kinds"][0] == "HubproxyError"
    reason, *more = failed["text"].split("\n")
    assert reason.startswith("hubproxy HP-T03: ")
    begun = "at the start" not in request.node.name
    assert any(line.startswith("The transfer broke off after") for line in more) == begun
    assert list(cache.rglob("*")) == []


@pytest.mark.parametrize("form", ["tar", "tar.gz", "tar.bz2", "tar.xz", "zip", "model/"])
def test_a_module_loads_however_the_hub_packs_it(
    form: str, place: Place, job: Job, modules: Path, small: bytes, tmp_path: Path
) -> None:
    archive, media_type = {
        "tar": (small, "application/x-tar"),
        "tar.gz": (gzip.compress(small), "application/gzip"),
        "tar.bz2": (bz2.compress(small), "application/x-bzip2"),
        "tar.xz": (lzma.compress(small), "application/x-xz"),
        "zip": (pack_zip(modules / "doubler"), "application/zip"),
        "model/": (pack(modules / "doubler", "model"), "application/x-tar"),
    }[form]
    place.hub.put(NAME, archive, media_type)
    (record,) = place.approve(NAME)
    url = place.start()

    loaded = job.do("load", HANDLE, HUBPROXY_URL=url, TFHUB_CACHE_DIR=tmp_path / "cache")

    assert loaded == DOUBLED
    assert record.format == "saved_model"
    assert record.root == ("model" if form == "model/" else "")


@pytest.mark.parametrize("top", [".", "model"])
def test_what_the_officer_read_on_this_host_is_not_fetched_again(
    top: str, job: Job, modules: Path, tmp_path: Path
) -> None:
    with Place(tmp_path, one_host=True) as place:
        place.hub.put(NAME, gzip.compress(pack(modules / "doubler", top)))
        place.approve(NAME)
        place.hub.stop()
        url = place.start()
        cache = tmp_path / "cache"
        assert job.do("load", HANDLE, HUBPROXY_URL=url, TFHUB_CACHE_DIR=cache) == DOUBLED
