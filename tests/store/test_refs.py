"""Names on disk."""

from pathlib import Path

import pytest

from hubproxy.core.handle import Handle
from hubproxy.store.refs import Ref, RefStore
from tests.stores import names_in

SPICE = Handle.parse("tfhub.dev/google/spice/2")
ONE = Ref("sha256:" + "1" * 64, 10, "sha256:" + "2" * 64)
TWO = Ref("sha256:" + "3" * 64, 10, "sha256:" + "4" * 64)
GOOD = b'{"record":"sha256:%s","record_size":1,"archive":"sha256:%s"}' % (b"1" * 64, b"2" * 64)


def loaded(folder: Path) -> RefStore:
    refs = RefStore(folder)
    refs.load()
    return refs


def test_a_ref_is_there_when_the_store_is_opened_again(tmp_path: Path) -> None:
    loaded(tmp_path).put(SPICE, "saved_model", ONE)
    refs = loaded(tmp_path)
    assert refs.get(SPICE, "saved_model") == ONE
    assert refs.get(SPICE, "tflite") is None
    assert list(refs) == [(SPICE, "saved_model", ONE)]


def test_a_ref_is_replaced(tmp_path: Path) -> None:
    refs = loaded(tmp_path)
    refs.put(SPICE, "saved_model", ONE)
    refs.put(SPICE, "saved_model", TWO)
    assert refs.get(SPICE, "saved_model") == TWO
    assert list(loaded(tmp_path)) == [(SPICE, "saved_model", TWO)]


def test_a_ref_that_is_dropped_is_gone(tmp_path: Path) -> None:
    refs = loaded(tmp_path)
    refs.put(SPICE, "saved_model", ONE)
    refs.drop(SPICE, "saved_model")
    refs.drop(SPICE, "saved_model")
    assert list(refs) == list(loaded(tmp_path)) == []


def test_a_handle_may_be_the_folder_of_another(tmp_path: Path) -> None:
    refs = loaded(tmp_path)
    inner = Handle.parse("tfhub.dev/google/spice/2/saved_model/1")
    refs.put(SPICE, "saved_model", ONE)
    refs.put(inner, "saved_model", TWO)
    refs.drop(SPICE, "saved_model")
    assert list(loaded(tmp_path)) == [(inner, "saved_model", TWO)]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b'{"record":1}', GOOD.replace(b"sha256:1", b"sha256:x"), GOOD[:-1]],
    ids=["empty", "no JSON", "no UTF-8", "other types", "no digest", "cut"],
)
def test_a_damaged_ref_is_listed_and_the_others_are_read(tmp_path: Path, content: bytes) -> None:
    refs = loaded(tmp_path)
    refs.put(SPICE, "saved_model", ONE)
    refs.put(SPICE, "tflite", TWO)
    path = tmp_path / str(SPICE) / "@saved_model"
    path.write_bytes(content)
    refs = loaded(tmp_path)
    assert list(refs) == [(SPICE, "tflite", TWO)]
    assert refs.damaged == [path]
    refs.load()
    assert refs.damaged == [path]


def test_a_folder_in_the_place_of_a_ref_is_listed(tmp_path: Path) -> None:
    path = tmp_path / str(SPICE) / "@saved_model"
    path.mkdir(parents=True)
    refs = loaded(tmp_path)
    assert list(refs) == []
    assert refs.damaged == [path]


@pytest.mark.parametrize("name", ["TFHUB.dev/google/spice/2", "tfhub.dev/google/..x/2", "x"])
def test_a_ref_under_another_spelling_is_not_believed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / "@saved_model"
    path.parent.mkdir(parents=True)
    path.write_bytes(GOOD)
    refs = loaded(tmp_path)
    assert list(refs) == []
    assert refs.damaged == [path]


def test_a_format_of_a_later_version_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / str(SPICE) / "@onnx"
    path.parent.mkdir(parents=True)
    path.write_bytes(GOOD)
    refs = loaded(tmp_path)
    assert list(refs) == []
    assert refs.damaged == []
    assert refs.lost(SPICE)
    assert path.exists()


def test_a_handle_whose_ref_was_damaged_is_told_from_one_that_never_had_any(
    tmp_path: Path,
) -> None:
    loaded(tmp_path).put(SPICE, "saved_model", ONE)
    (tmp_path / str(SPICE) / "@saved_model").write_bytes(b"{")
    refs = loaded(tmp_path)
    assert refs.lost(SPICE)
    assert not refs.lost(SPICE.at(3))
    assert not refs.lost(SPICE.unversioned)


def test_what_a_killed_writer_had_not_yet_named_is_swept(tmp_path: Path) -> None:
    loaded(tmp_path).put(SPICE, "saved_model", ONE)
    folder = tmp_path / str(SPICE)
    (folder / ".@saved_model.0123456789abcdef").write_bytes(b'{"rec')
    assert list(loaded(tmp_path)) == [(SPICE, "saved_model", ONE)]
    assert names_in(folder) == ["@saved_model"]


def test_a_ref_that_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    refs = loaded(tmp_path)
    (tmp_path / "tfhub.dev").mkdir()
    (tmp_path / "tfhub.dev" / "google").touch()
    with pytest.raises(OSError, match="exists"):
        refs.put(SPICE, "saved_model", ONE)
    assert refs.get(SPICE, "saved_model") is None
