import os
from pathlib import Path

import pytest

from hubproxy.core.limits import ArchiveLimits
from hubproxy.errors import NotAModelError, UnsafeArchiveError
from hubproxy.store.packing import pack
from tests.archives import read_tar, tar_of, unpack, zip_of

LIMITS = ArchiveLimits(members=5, depth=3)
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"


def packed(path: Path, name: str = "") -> dict[str, bytes | None]:
    """What an archive reader finds in it."""
    whole = b"".join(pack(path, name or path.name, LIMITS).pieces)
    plain, _ = unpack(whole)
    return {name.removeprefix("./"): content for name, content in read_tar(plain).items()}


def files(path: Path, name: str = "") -> dict[str, bytes]:
    return {inner: found for inner, found in packed(path, name).items() if found is not None}


def test_a_folder_holds_every_file_below_it_in_one_order(tmp_path: Path) -> None:
    for name in ("b/c/deep.txt", ".hidden", "a.txt", "a/b.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode() * 1000)
    (tmp_path / "empty").mkdir()
    found = files(tmp_path)
    assert list(found) == [".hidden", "a.txt", "a/b.txt", "b/c/deep.txt"]
    assert all(content == name.encode() * 1000 for name, content in found.items())


def test_the_named_folder_may_be_a_link_itself(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").write_bytes(b"x")
    (tmp_path / "link").symlink_to("real")
    assert files(tmp_path / "link") == {"a": b"x"}


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        pytest.param("file-link", "'in/it' is a link, to '/etc/passwd'", id="link-to-a-file"),
        pytest.param("folder-link", "'in/it' is a link, to '..'", id="link-to-a-folder"),
        pytest.param("fifo", "'in/it' is neither a file nor a folder", id="fifo"),
        pytest.param("deep", "lies under more than 3 folders", id="too-deep"),
        pytest.param("many", "is one too many: the limit is 5", id="too-many"),
        pytest.param("bytes", "has a name that is not UTF-8", id="not-utf-8"),
        pytest.param("backslash", "has a backslash in its name", id="judged-by-the-reader"),
    ],
)
def test_what_an_archive_may_not_hold_a_folder_may_not(
    tmp_path: Path, kind: str, told: str
) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "good").write_bytes(b"x")
    if kind == "file-link":
        (inside / "it").symlink_to("/etc/passwd")
    elif kind == "folder-link":
        (inside / "it").symlink_to("..")
    elif kind == "fifo":
        os.mkfifo(inside / "it")
    elif kind == "deep":
        (inside / "a" / "b" / "c" / "d").mkdir(parents=True)
    elif kind == "many":
        for number in range(6):
            (inside / f"{number}").write_bytes(b"")
    elif kind == "bytes":
        (inside / os.fsdecode(b"\xff")).write_bytes(b"x")
    else:
        (inside / "a\\b").write_bytes(b"x")
    with pytest.raises(UnsafeArchiveError, match=told.replace("\\", ".")):
        packed(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "alone"),
    [
        pytest.param("m.keras", zip_of({"config.json": b"{}"}), "m.keras", id="keras"),
        pytest.param("m.npz", zip_of({"a.npy": b"x"}), "m.npz", id="npz"),
        pytest.param("saved_model.pb", b"\x08\x01", "saved_model.pb", id="graph"),
        pytest.param("other.pb", b"\x08\x01", "saved_model.pb", id="graph-renamed"),
        pytest.param("m.json", b"{}", "model.json", id="tfjs"),
        pytest.param("m.bin", b"\x89HDF\r\n\x1a\n", "model.h5", id="hdf5-by-its-beginning"),
        pytest.param("m.hdf5", b"\x89HDF\r\n\x1a\n", "m.hdf5", id="hdf5"),
        pytest.param("m", b"\x1c\0\0\0TFL3", "model.tflite", id="tflite-by-its-beginning"),
        pytest.param("m.tflite", b"\x1c\0\0\0TFL3", "m.tflite", id="tflite"),
        pytest.param("m.pkl", b"\x80\x04.", "m.pkl", id="pickle"),
    ],
)
def test_a_lone_file_has_a_name_that_tells_its_kind(
    tmp_path: Path, name: str, content: bytes, alone: str
) -> None:
    (tmp_path / "it").write_bytes(content)
    made_of = pack(tmp_path / "it", name, LIMITS).made_of
    assert made_of == f"{alone}, a module of one file"
    assert files(tmp_path / "it", name) == {alone: content}


@pytest.mark.parametrize("name", ["m.zip", "m.bin", "m"])
def test_a_zip_of_another_name_is_an_archive(tmp_path: Path, name: str) -> None:
    (tmp_path / "it").write_bytes(zip_of({"inner.txt": b"x"}))
    assert files(tmp_path / "it", name) == {"inner.txt": b"x"}


def test_what_is_called_an_archive_is_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / "m.tar.gz").write_bytes(b"no archive")
    with pytest.raises(UnsafeArchiveError, match="not an archive"):
        packed(tmp_path / "m.tar.gz")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (POINTER, "is a pointer of Git LFS"),
        (b" \n<!DOCTYPE HTML>", "is a web page"),
        (b"<html><body>", "is a web page"),
        (b"", "is empty"),
    ],
)
def test_what_people_get_in_a_model_s_place_is_told(
    tmp_path: Path, content: bytes, told: str
) -> None:
    (tmp_path / "m.tar.gz").write_bytes(content)
    with pytest.raises(NotAModelError, match=f"m.tar.gz {told}"):
        packed(tmp_path / "m.tar.gz")


def test_a_pointer_within_a_folder_is_told_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "variables").mkdir()
    (tmp_path / "variables" / "data").write_bytes(POINTER)
    with pytest.raises(NotAModelError, match="variables/data is a pointer of Git LFS") as caught:
        packed(tmp_path)
    assert caught.value.remedy == "Run `git lfs pull` in its repository."


def test_a_file_that_changes_meanwhile_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 600)
    for changed in (b"x" * 1200, b"x" * 100):
        pieces = pack(tmp_path, "", LIMITS).pieces
        next(pieces)
        (tmp_path / "a").write_bytes(changed)
        with pytest.raises(NotAModelError, match="a changed while it was read"):
            list(pieces)
        (tmp_path / "a").write_bytes(b"x" * 600)


def test_a_file_that_goes_or_becomes_a_link_meanwhile_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    pieces = pack(tmp_path, "", LIMITS).pieces
    (tmp_path / "a").unlink()
    with pytest.raises(NotAModelError, match="a cannot be read: No such file"):
        list(pieces)
    (tmp_path / "a").write_bytes(b"x")
    pieces = pack(tmp_path, "", LIMITS).pieces
    (tmp_path / "a").unlink()
    (tmp_path / "a").symlink_to("/etc/passwd")
    with pytest.raises(NotAModelError, match="a cannot be read: Too many levels"):
        list(pieces)


def test_a_lone_archive_goes_as_it_is(tmp_path: Path) -> None:
    archive = tar_of({"a": b"x"})
    (tmp_path / "m.tar").write_bytes(archive)
    assert b"".join(pack(tmp_path / "m.tar", "m.tar", LIMITS).pieces) == archive
