"""The resolver's choice of handles; and, where it can be imported, inside the real tensorflow_hub.

The end-to-end tests drive all of it through `hub.load`.
"""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hubproxy.client.refusal import HubproxyError
from hubproxy.client.resolver import HubproxyResolver
from tests.client.wireserver import WireServer, module, refusal, repr_digest

BASE = "http://hubproxy.example:8440"
HANDLE = "https://tfhub.dev/google/spice/2"
PATH = "/tfhub.dev/google/spice/2"


@pytest.mark.parametrize(
    ("handle", "supported"),
    [
        ("https://tfhub.dev/google/spice/2", True),
        ("http://tfhub.dev/google/spice/2", True),
        ("HTTPS://tfhub.dev/google/spice/2", True),
        ("https://tfhub.dev/google/spice/2/#fragment", True),
        (f"{BASE}/tfhub.dev/google/spice/2", False),
        (f"{BASE}1/tfhub.dev/google/spice/2", True),
        ("gs://bucket/module.tar.gz", False),
        ("/data/module", False),
        (object(), False),
    ],
)
@pytest.mark.parametrize("load_format", ["AUTO", "COMPRESSED", "UNCOMPRESSED", "nonsense"])
def test_every_http_handle_is_taken_but_hubproxys_own(
    handle: object, supported: bool, load_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBPROXY_URL", BASE)
    monkeypatch.setenv("TFHUB_MODEL_LOAD_FORMAT", load_format)
    assert HubproxyResolver().is_supported(handle) is supported


def test_credentials_in_the_address_change_nothing_about_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HUBPROXY_URL", BASE.replace("//", "//nlp:hp_token@"))
    assert HubproxyResolver().is_supported(HANDLE)
    assert not HubproxyResolver().is_supported(f"{BASE}/tfhub.dev/google/spice/2")


def test_no_handle_is_taken_once_the_variable_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUBPROXY_URL", raising=False)
    assert not HubproxyResolver().is_supported(HANDLE)


def test_a_wrong_address_takes_the_handle_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    # So that it fails aloud, instead of going to the internet.
    monkeypatch.setenv("HUBPROXY_URL", "hubproxy.example:8440")
    assert HubproxyResolver().is_supported(HANDLE)


def archive(files: dict[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        root = tarfile.TarInfo("./")
        root.type = tarfile.DIRTYPE
        root.mode = 0o755
        tar.addfile(root)
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return whole.getvalue()


ARCHIVE = archive({"saved_model.pb": b"graph" * 1000, "README": b"words"})


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer() as running:
        yield running


@pytest.fixture
def cache(tmp_path: Path, server: WireServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, in the environment of the real tensorflow_hub."""
    pytest.importorskip("tensorflow_hub", reason="needs the real tensorflow_hub")
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("HUBPROXY_URL", server.url)
    return tmp_path


@pytest.mark.parametrize("handle", [HANDLE, f"{HANDLE}/", f"{HANDLE}#top", f"{HANDLE}?x=1"])
def test_a_module_is_cached_under_the_handle_as_typed(
    handle: str, cache: Path, server: WireServer
) -> None:
    server.put(PATH, module(ARCHIVE))

    folder = Path(HubproxyResolver()(handle))

    assert folder == cache / hashlib.sha1(handle.encode()).hexdigest()
    assert (folder / "saved_model.pb").read_bytes() == b"graph" * 1000
    server.stop()
    assert Path(HubproxyResolver()(handle)) == folder


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(refusal(403, code="HP-T01", detail="no"), "HP-T01: no", id="refused"),
        pytest.param(module(ARCHIVE, sent=9000), "broke off", id="short"),
        pytest.param(module(ARCHIVE, sent=1), "broke off", id="one byte"),
        pytest.param(module(ARCHIVE, sent=len(ARCHIVE) - 1), "broke off", id="end cut off"),
        pytest.param(module(ARCHIVE, framing="chunked", sent=9000), "broke off", id="chunks cut"),
        pytest.param(
            module(ARCHIVE, framing="chunked", sent=len(ARCHIVE)), "broke off", id="no last chunk"
        ),
        pytest.param(module(ARCHIVE, digest=repr_digest(b"x")), "another sha-256", id="digest"),
        pytest.param(
            module(b"\xff" * 9000, digest=repr_digest(ARCHIVE)), "another sha-256", id="not a tar"
        ),
        pytest.param(module(ARCHIVE, digest=None), "cannot be checked", id="no digest"),
    ],
)
def test_what_was_not_checked_leaves_nothing_in_the_cache(
    answer: Any, reason: str, cache: Path, server: WireServer
) -> None:
    server.put(PATH, answer)

    with pytest.raises(HubproxyError, match=reason):
        HubproxyResolver()(HANDLE)

    assert list(cache.iterdir()) == []


def test_a_right_digest_over_bytes_that_are_no_archive_stays_tensorflow_hubs_error(
    cache: Path, server: WireServer
) -> None:
    server.put(PATH, module(b"\xff" * 9000))

    with pytest.raises(OSError, match="does not appear to be a valid module"):
        HubproxyResolver()(HANDLE)

    assert list(cache.iterdir()) == []
