"""The hook inside the real tensorflow_hub, against a stand-in that speaks the daemon's wire."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.wireserver import Answer, WireServer, module, refusal, repr_digest
from tests.e2e.jobs import Job, pack

pytestmark = pytest.mark.e2e
pytest.importorskip("tensorflow_hub", reason="needs the real tensorflow_hub")

HANDLE = "https://tfhub.dev/google/doubler/1"
PATH = "/tfhub.dev/google/doubler/1"
DOUBLED = {"value": [7.0]}


@pytest.fixture(scope="module")
def archive(modules: Path) -> bytes:
    return pack(modules / "doubler")


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer() as running:
        yield running


def test_a_job_has_only_the_finder_before_tensorflow_hub_is_imported(job: Job) -> None:
    assert "hubproxy_client.startup" in job.imported or "hubproxy.client.startup" in job.imported
    assert not any(name.endswith(("resolver", "wire")) for name in job.imported)


def test_a_module_is_loaded_through_hubproxy_and_then_from_the_cache(
    job: Job, archive: bytes, server: WireServer, tmp_path: Path
) -> None:
    server.put(PATH, module(archive))
    assert job.do("load", HANDLE, HUBPROXY_URL=server.url, TFHUB_CACHE_DIR=tmp_path) == DOUBLED

    (asked,) = server.requests
    assert asked.path == f"{PATH}?tf-hub-format=compressed"
    assert asked.headers["User-Agent"].startswith("hubproxy-client/")
    key = hashlib.sha1(HANDLE.encode()).hexdigest()
    beside = {f"{key}.descriptor.txt", f"{key}.hubproxy.txt"}
    assert {path.name for path in tmp_path.iterdir()} == {key, *beside}

    server.stop()
    assert job.do("load", HANDLE) == DOUBLED


@pytest.mark.parametrize(
    "handle",
    [
        pytest.param(f"{HANDLE}/", id="slash"),
        pytest.param(f"{HANDLE}#signature", id="fragment"),
        pytest.param(f"{HANDLE}?tf-hub-format=compressed", id="query"),
        pytest.param("http://TFHUB.dev/google/doubler/1", id="http and case"),
    ],
)
def test_every_spelling_is_asked_for_alike_and_cached_as_typed(
    job: Job, archive: bytes, server: WireServer, tmp_path: Path, handle: str
) -> None:
    server.put(PATH, module(archive, framing="chunked"))
    assert job.do("load", handle, HUBPROXY_URL=server.url, TFHUB_CACHE_DIR=tmp_path) == DOUBLED
    assert [asked.path for asked in server.requests] == [f"{PATH}?tf-hub-format=compressed"]
    assert (tmp_path / hashlib.sha1(handle.encode()).hexdigest()).is_dir()


def test_the_load_format_makes_no_difference(
    job: Job, archive: bytes, server: WireServer, tmp_path: Path
) -> None:
    server.put(PATH, module(archive))
    where = {"HUBPROXY_URL": server.url, "TFHUB_CACHE_DIR": tmp_path}
    loaded = job.do("load", HANDLE, **where, TFHUB_MODEL_LOAD_FORMAT="UNCOMPRESSED")
    job.do("load", HANDLE, TFHUB_MODEL_LOAD_FORMAT="AUTO")
    assert loaded == DOUBLED


def test_a_handle_that_names_hubproxy_goes_there_without_the_hook(
    job: Job, archive: bytes, server: WireServer, tmp_path: Path
) -> None:
    server.put(PATH, module(archive, digest=None))
    where = {"HUBPROXY_URL": server.url, "TFHUB_CACHE_DIR": tmp_path}
    assert job.do("load", server.url + PATH, **where) == DOUBLED
    assert server.requests[0].headers["User-Agent"].startswith("Python-urllib/")


def test_a_keras_layer_keeps_the_users_handle(
    job: Job, archive: bytes, server: WireServer, tmp_path: Path
) -> None:
    server.put(PATH, module(archive))
    kept = job.do("keras", HANDLE, HUBPROXY_URL=server.url, TFHUB_CACHE_DIR=tmp_path)
    assert kept == {"value": HANDLE}


def test_a_refusal_is_shown_in_hubproxys_words(
    job: Job, server: WireServer, tmp_path: Path
) -> None:
    server.put(
        PATH,
        refusal(
            403,
            code="HP-T01",
            detail="tfhub.dev/google/doubler/1 is not listed (root 1, timestamp 3)",
            remedy="hubproxy propose tfhub.dev/google/doubler/1",
        ),
    )

    failed = job.do("load", HANDLE, HUBPROXY_URL=server.url, TFHUB_CACHE_DIR=tmp_path)

    assert failed["text"].split("\n") == [
        "hubproxy HP-T01: tfhub.dev/google/doubler/1 is not listed (root 1, timestamp 3)",
        "hubproxy propose tfhub.dev/google/doubler/1",
        f"asked: {server.url}{PATH}?tf-hub-format=compressed",
    ]
    assert failed["kinds"][:2] == ["HubproxyError", "OSError"]
    assert "urllib.error.HTTPError" not in failed["trace"]
    assert list(tmp_path.iterdir()) == []


def test_a_proxy_that_is_not_there_is_named_with_the_cure(
    job: Job, server: WireServer, tmp_path: Path
) -> None:
    server.stop()

    failed = job.do("load", HANDLE, HUBPROXY_URL=server.url, TFHUB_CACHE_DIR=tmp_path)

    assert failed["text"].startswith(f"hubproxy at {server.url} cannot be reached: ")
    assert "unset HUBPROXY_URL" in failed["text"]
    assert "ConnectionRefusedError" not in failed["trace"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        pytest.param("short", "broke off after", id="short body"),
        pytest.param("end cut off", "broke off after", id="short body, after the end of the tar"),
        pytest.param("no last chunk", "broke off after", id="chunked, without the last chunk"),
        pytest.param("other digest", "another sha-256", id="another digest"),
        pytest.param("flipped", "another sha-256", id="one bit flipped"),
        pytest.param("no digest", "cannot be checked", id="no Repr-Digest"),
        pytest.param("web page", "cannot be checked", id="a web page"),
    ],
)
def test_what_was_not_checked_is_not_loaded_and_not_cached(
    job: Job, archive: bytes, server: WireServer, tmp_path: Path, case: str, reason: str
) -> None:
    middle = len(archive) // 2
    flipped = archive[:middle] + bytes([archive[middle] ^ 1]) + archive[middle + 1 :]
    answers = {
        "short": module(archive, sent=middle),
        "end cut off": module(archive, sent=len(archive) - 1),
        "no last chunk": module(archive, framing="chunked", sent=len(archive)),
        "other digest": module(archive, digest=repr_digest(b"another")),
        "flipped": module(flipped, digest=repr_digest(archive)),
        "no digest": module(archive, digest=None),
        "web page": Answer(b"<html>Please log in</html>"),
    }
    server.put(PATH, answers[case])

    failed = job.do("load", HANDLE, HUBPROXY_URL=server.url, TFHUB_CACHE_DIR=tmp_path)

    assert failed["kinds"][0] == "HubproxyError", failed
    assert reason in failed["text"]
    assert list(tmp_path.iterdir()) == []
    server.put(PATH, module(archive))
    assert job.do("load", HANDLE) == DOUBLED


def test_without_the_variable_all_is_stock(
    hook: Path, archive: bytes, server: WireServer, tmp_path: Path
) -> None:
    server.put("/google/doubler/1", module(archive, digest=None))
    with Job(hook, None, tmp_path / "log") as stock:
        assert stock.imported == []
        handle = f"{server.url}/google/doubler/1"
        assert stock.do("load", handle, TFHUB_CACHE_DIR=tmp_path / "cache") == DOUBLED
    assert server.requests[0].headers["User-Agent"].startswith("Python-urllib/")


def test_the_hook_makes_up_for_a_missing_pkg_resources(
    hook: Path, archive: bytes, server: WireServer, tmp_path: Path
) -> None:
    server.put(PATH, module(archive))
    with Job(hook, server.url, tmp_path / "log", "--without-pkg-resources") as bare:
        assert bare.do("load", HANDLE, TFHUB_CACHE_DIR=tmp_path / "cache") == DOUBLED
