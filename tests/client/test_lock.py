"""What a job's lock is read as, by an interpreter that knows no TOML."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.client import lock as client
from hubproxy.client.refusal import HubproxyError
from hubproxy.client.resolver import HubproxyResolver
from hubproxy.core.cachetree import spellings
from hubproxy.core.handle import Handle
from hubproxy.core.lock import Lock, Locked
from tests.client.interpreters import python37
from tests.made import describe

SPICE = "tfhub.dev/google/spice/2"
KAGGLE = "kaggle.com/google/nnlm/tensorFlow2/en-dim50/1"


def written(folder: Path) -> Path:
    path = folder / "models.lock.toml"
    modules = [
        Locked.of(describe(b"spice", SPICE), [Handle.parse(SPICE).unversioned]),
        Locked.of(describe(b"nnlm", KAGGLE)),
    ]
    path.write_text(Lock.of(modules).encode())
    return path


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = written(tmp_path)
    monkeypatch.setenv("HUBPROXY_LOCK", str(path))
    return path


def test_without_the_variable_nothing_is_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUBPROXY_LOCK", raising=False)
    assert client.locked("https://tfhub.dev/a/b/1") is None


def test_each_spelling_is_locked_to_the_same_bytes(lock: Path) -> None:
    for text in (SPICE, KAGGLE):
        digest = describe(b"spice" if text == SPICE else b"nnlm", text).archive.digest[7:]
        for spelling in spellings(Handle.parse(text)):
            assert client.locked(spelling) == (text, digest)


def test_a_name_without_a_version_is_the_one_that_was_locked(lock: Path) -> None:
    found = client.locked("https://tfhub.dev/google/spice?tf-hub-format=compressed")
    assert found is not None
    assert found.handle == SPICE
    with pytest.raises(HubproxyError, match="is not in the lock"):
        client.locked("https://kaggle.com/google/nnlm/tensorFlow2/en-dim50")


def test_what_is_not_in_it_is_refused_with_the_remedy(lock: Path) -> None:
    with pytest.raises(HubproxyError, match="spice/3 is not in the lock") as caught:
        client.locked("https://tfhub.dev/google/spice/3")
    assert "hubproxy lock -o FILE" in caught.value.remedy


SEGMENT = st.text(alphabet="abzAZ09_.+-", min_size=1, max_size=6)


@given(
    st.sampled_from(["", "http://", "https://", "HTTPS://"]),
    st.sampled_from(["tfhub.dev", "TFHub.dev", "www.tfhub.dev", "hub.example"]),
    st.lists(SEGMENT, min_size=1, max_size=4),
    st.sampled_from(["", "/", "/3", "/3/", "?tf-hub-format=compressed", "#top"]),
)
def test_a_handle_is_read_as_everywhere_else(
    scheme: str, host: str, path: list[str], end: str
) -> None:
    text = f"{scheme}{host}/{'/'.join(path)}{end}"
    try:
        expected = str(Handle.parse(text))
    except ValueError:
        return
    assert client.canonical(text) == expected


@pytest.mark.parametrize("text", [KAGGLE, KAGGLE[:-2], "kaggle.com/a/b/tensorFlow1/c/7"])
def test_kaggles_spellings_are_read_as_everywhere_else(text: str) -> None:
    for spelling in spellings(Handle.parse(text)):
        assert client.canonical(spelling) == text


GOOD = Lock.of([Locked.of(describe(b"spice", SPICE))]).encode()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("lock = 2\n", 1),
        (GOOD.replace("lock = 1", "lock = 1 "), 3),
        (GOOD.replace('handle = "', "handle = '"), 6),
        (GOOD.replace("format", "formats"), 7),
        (GOOD.replace("sha256:", "sha512:"), 11),
        (GOOD + "more = 1\n", 11),
        (GOOD.replace("[[module]]", "[module]"), 5),
    ],
)
def test_what_is_not_as_it_was_written_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int
) -> None:
    path = tmp_path / "lock"
    path.write_text(text)
    with pytest.raises(HubproxyError, match=f"line {line}, is not as `hubproxy lock`"):
        client.read(str(path))


def test_a_lock_that_cannot_be_read_is_no_reason_to_go_on_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBPROXY_LOCK", str(tmp_path / "none"))
    with pytest.raises(HubproxyError, match="cannot be read"):
        client.locked("https://tfhub.dev/google/spice/2")


def test_the_hook_takes_every_handle_where_there_is_a_lock(
    lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HUBPROXY_URL", raising=False)
    assert HubproxyResolver().is_supported("https://tfhub.dev/google/spice/2")
    assert not HubproxyResolver().is_supported("gs://bucket/module")


def test_python_37_reads_it(lock: Path) -> None:
    code = (
        "from hubproxy.client import lock\n"
        "print(lock.locked('https://tfhub.dev/google/spice/2').archive)"
    )
    done = subprocess.run(
        [python37(), "-c", code],
        env={"PYTHONPATH": str(Path.cwd()), "HUBPROXY_LOCK": str(lock)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == describe(b"spice", SPICE).archive.digest[7:], done.stderr
