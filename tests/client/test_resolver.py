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
from hubproxy.core.handle import Handle
from hubproxy.core.lock import Lock, Locked
from tests.client.wireserver import Answer, WireServer, module, refusal, repr_digest
from tests.made import describe

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
    assert Path(HubproxyResolver()(handle)) == folder
    assert [asked.method for asked in server.requests] == ["GET", "HEAD"]
    assert server.requests[0].path == server.requests[1].path


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


@pytest.fixture
def copy(cache: Path, server: WireServer) -> Path:
    """A local copy of the module, which hubproxy has given; it has been asked nothing since."""
    server.put(PATH, module(ARCHIVE))
    folder = Path(HubproxyResolver()(HANDLE))
    server.requests.clear()
    return folder


REFUSALS = [
    pytest.param(410, "HP-T10", id="revoked"),
    pytest.param(403, "HP-T01", id="no longer listed"),
    pytest.param(403, "HP-T16", id="against the policy"),
    pytest.param(406, "FORMAT", id="another format"),
]


@pytest.mark.parametrize(("status", "code"), REFUSALS)
def test_a_copy_that_is_refused_is_not_used(
    status: int, code: str, copy: Path, server: WireServer
) -> None:
    server.put(PATH, refusal(status, code=code, detail="it leaks", remedy="Use another."))

    with pytest.raises(HubproxyError) as caught:
        HubproxyResolver()(HANDLE)

    assert str(caught.value).split("\n")[:3] == [
        f"hubproxy {code}: it leaks",
        f"The copy in {copy} is not used. It is left as it is.",
        "Use another.",
    ]
    assert (caught.value.code, caught.value.status) == (code, status)
    assert (copy / "saved_model.pb").exists()


AWAY = [
    pytest.param(refusal(503, code="HP-T07", detail="expired"), "answered 503", id="expired list"),
    pytest.param(Answer(b"", status=502), "answered 502", id="bad gateway"),
    pytest.param(Answer(b"<html>", status=403), "answered 403", id="another proxy's refusal"),
    pytest.param(refusal(401, code="AUTH_REQUIRED"), "answered 401", id="an expired token"),
    pytest.param(refusal(429, code="TOO_MANY_CONNECTIONS"), "answered 429", id="busy"),
    pytest.param(Answer(b"<html>welcome"), "is not hubproxy's", id="a login page"),
    pytest.param(None, "cannot be reached", id="gone"),
]


def away(server: WireServer, answer: Answer | None) -> None:
    if answer is None:
        server.stop()
        server.stop = lambda: None  # type: ignore[method-assign]  # the fixture stops it as well
    else:
        server.put(PATH, answer)


@pytest.mark.parametrize(("answer", "why"), AWAY)
def test_a_copy_is_used_with_a_warning_where_hubproxy_gives_no_verdict(
    answer: Answer | None, why: str, copy: Path, server: WireServer
) -> None:
    away(server, answer)
    with pytest.warns(RuntimeWarning, match=f"{copy} may be used: .*{why}.* It is used"):
        assert Path(HubproxyResolver()(HANDLE)) == copy


@pytest.mark.parametrize(("answer", "why"), AWAY)
def test_a_strict_job_uses_no_copy_without_a_verdict(
    answer: Answer | None,
    why: str,
    copy: Path,
    server: WireServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HUBPROXY_STRICT", "1")
    away(server, answer)
    with pytest.raises(HubproxyError, match=why):
        HubproxyResolver()(HANDLE)
    assert copy.exists()


def test_a_copy_that_first_use_does_not_know_yet_is_asked_for_by_its_first_byte(
    copy: Path, server: WireServer
) -> None:
    # HEAD fetches nothing, so it cannot pin what nobody has asked for; a GET does.
    server.put(PATH, refusal(403, code="HP-T01", detail="no"), module(ARCHIVE))
    assert Path(HubproxyResolver()(HANDLE)) == copy
    head, get = server.requests
    assert (head.method, get.method, get.headers["Range"]) == ("HEAD", "GET", "bytes=0-0")


NO_VERDICT_AT_LAST = [
    pytest.param(Answer(b"ok"), "is not hubproxy's", id="no digest"),
    pytest.param(refusal(401, code="AUTH_REQUIRED"), "answered 401", id="an expired token"),
    pytest.param(refusal(429, code="TOO_MANY_CONNECTIONS"), "answered 429", id="busy"),
]


@pytest.mark.parametrize(("answer", "why"), NO_VERDICT_AT_LAST)
def test_a_refusal_whose_reason_cannot_be_had_is_no_verdict(
    answer: Answer,
    why: str,
    copy: Path,
    server: WireServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    head = refusal(410, code="HP-T10", detail="it leaks")
    server.put(PATH, head, answer)
    with pytest.warns(RuntimeWarning, match=why):
        assert Path(HubproxyResolver()(HANDLE)) == copy
    monkeypatch.setenv("HUBPROXY_STRICT", "1")
    server.put(PATH, head, answer)
    with pytest.raises(HubproxyError, match=why):
        HubproxyResolver()(HANDLE)


NEWER = archive({"saved_model.pb": b"another graph"})


def test_other_bytes_that_were_approved_since_come_beside_the_old_ones(
    copy: Path, server: WireServer
) -> None:
    server.put(PATH, module(NEWER))

    newer = Path(HubproxyResolver()(HANDLE))

    assert newer.name == f"{copy.name}-{hashlib.sha256(NEWER).hexdigest()[:16]}"
    assert (newer / "saved_model.pb").read_bytes() == b"another graph"
    assert (copy / "saved_model.pb").read_bytes() == b"graph" * 1000
    server.requests.clear()
    assert Path(HubproxyResolver()(HANDLE)) == newer
    assert [asked.method for asked in server.requests] == ["HEAD"]


def test_a_list_that_changes_once_more_meanwhile_leaves_nothing_under_a_wrong_name(
    copy: Path, server: WireServer
) -> None:
    server.put(PATH, module(NEWER), module(archive({"saved_model.pb": b"a third"})))
    with pytest.raises(HubproxyError, match="changed meanwhile"):
        HubproxyResolver()(HANDLE)
    assert [path for path in copy.parent.iterdir() if path.is_dir()] == [copy]


def test_a_copy_of_a_job_without_the_hook_is_used_while_its_handle_is_approved(
    copy: Path, server: WireServer
) -> None:
    copy.with_name(f"{copy.name}.hubproxy.txt").unlink()
    server.put(PATH, module(NEWER))
    assert Path(HubproxyResolver()(HANDLE)) == copy


def test_a_strict_job_takes_what_is_approved_in_place_of_a_copy_that_nobody_knows(
    copy: Path, server: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy.with_name(f"{copy.name}.hubproxy.txt").unlink()
    server.put(PATH, module(NEWER))
    monkeypatch.setenv("HUBPROXY_STRICT", "1")
    approved = Path(HubproxyResolver()(HANDLE))
    assert (approved / "saved_model.pb").read_bytes() == b"another graph"
    assert Path(HubproxyResolver()(HANDLE)) == approved
    assert (copy / "saved_model.pb").read_bytes() == b"graph" * 1000


def test_what_is_noted_of_a_copy_lies_beside_it(copy: Path) -> None:
    beside = copy.with_name(f"{copy.name}.hubproxy.txt")
    assert beside.read_text() == f"sha256:{hashlib.sha256(ARCHIVE).hexdigest()}\n"
    assert sorted(path.name for path in copy.iterdir()) == ["README", "saved_model.pb"]


def pin(folder: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the job hold itself to one archive of the module."""
    path = folder.parent / f"{folder.name}.lock.toml"
    locked = Locked.of(describe(content, "tfhub.dev/google/spice/2"), [UNVERSIONED])
    path.write_text(Lock.of([locked]).encode())
    monkeypatch.setenv("HUBPROXY_LOCK", str(path))


UNVERSIONED = Handle.parse("tfhub.dev/google/spice")


def test_a_locked_module_is_loaded_when_it_is_the_locked_one(
    cache: Path, server: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put(PATH, module(ARCHIVE))
    pin(cache, ARCHIVE, monkeypatch)
    for handle in (HANDLE, "https://tfhub.dev/google/spice"):
        folder = Path(HubproxyResolver()(handle))
        assert folder == cache / hashlib.sha1(handle.encode()).hexdigest()
        assert Path(HubproxyResolver()(handle)) == folder
    # Without a version, the locked one is asked for.
    assert {asked.path.partition("?")[0] for asked in server.requests} == {PATH}


def test_another_archive_than_the_locked_one_is_refused_and_not_kept(
    cache: Path, server: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put(PATH, module(NEWER))
    pin(cache, ARCHIVE, monkeypatch)
    with pytest.raises(HubproxyError, match="another archive than the one that is locked"):
        HubproxyResolver()(HANDLE)
    assert list(cache.iterdir()) == []


def test_what_is_not_in_the_lock_is_refused_unasked(
    cache: Path, server: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(cache, ARCHIVE, monkeypatch)
    with pytest.raises(HubproxyError, match="spice/3 is not in the lock"):
        HubproxyResolver()("https://tfhub.dev/google/spice/3")
    assert server.requests == []


def test_a_copy_that_is_not_the_locked_one_is_left_and_the_locked_one_comes_beside(
    copy: Path, server: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put(PATH, module(NEWER))
    pin(copy.parent, NEWER, monkeypatch)
    found = Path(HubproxyResolver()(HANDLE))
    assert (found / "saved_model.pb").read_bytes() == b"another graph"
    assert (copy / "saved_model.pb").read_bytes() == b"graph" * 1000
    assert Path(HubproxyResolver()(HANDLE)) == found


def test_a_copy_that_nobody_knows_is_not_taken_for_the_locked_one(
    copy: Path, server: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy.with_name(f"{copy.name}.hubproxy.txt").unlink()
    pin(copy.parent, ARCHIVE, monkeypatch)
    assert Path(HubproxyResolver()(HANDLE)) != copy
    monkeypatch.delenv("HUBPROXY_URL")
    for path in copy.parent.glob("*.hubproxy.txt"):
        path.unlink()
    with pytest.raises(HubproxyError, match="not known to be the locked one"):
        HubproxyResolver()(HANDLE)


def test_a_locked_copy_that_is_replaced_by_now_is_refused(
    copy: Path, server: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(copy.parent, ARCHIVE, monkeypatch)
    server.put(PATH, module(NEWER))
    with pytest.raises(HubproxyError, match="another archive than the one that is locked"):
        HubproxyResolver()(HANDLE)
    server.put(PATH, refusal(410, code="HP-T10", detail="it leaks"))
    with pytest.raises(HubproxyError, match="it leaks"):
        HubproxyResolver()(HANDLE)


def test_without_an_address_the_locked_copy_is_used_and_nothing_else(
    copy: Path, server: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from an exported cache folder: nobody is asked, and never the internet."""
    monkeypatch.delenv("HUBPROXY_URL")
    pin(copy.parent, ARCHIVE, monkeypatch)
    assert Path(HubproxyResolver()(HANDLE)) == copy
    with pytest.raises(HubproxyError, match="Set HUBPROXY_URL, or TFHUB_CACHE_DIR"):
        HubproxyResolver()("https://tfhub.dev/google/spice")
    pin(copy.parent, NEWER, monkeypatch)
    with pytest.raises(HubproxyError, match="not known to be the locked one"):
        HubproxyResolver()(HANDLE)
    assert server.requests == []
