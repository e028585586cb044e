"""Files appear whole."""

import os
from pathlib import Path

import pytest

from hubproxy.files import fsync_folder, make_folder, write_whole
from tests.stores import names_in


def test_a_file_appears_with_its_content_and_mode(tmp_path: Path) -> None:
    write_whole(tmp_path / "key", b"secret", mode=0o600)
    assert (tmp_path / "key").read_bytes() == b"secret"
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert names_in(tmp_path) == ["key"]


def test_a_file_with_an_owner_has_its_mode_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_whole(tmp_path / "theirs", b"x", mode=0o644)
        write_whole(tmp_path / "whole", b"x", mode=0o644, owner=(-1, -1))
    finally:
        os.umask(before)
    assert (tmp_path / "theirs").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "whole").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "whole").stat().st_uid == os.geteuid()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_can_be_anothers(tmp_path: Path) -> None:
    write_whole(tmp_path / "theirs", b"x", mode=0o640, owner=(1234, 5678))
    found = (tmp_path / "theirs").stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (1234, 5678, 0o640)


@pytest.mark.skipif(os.geteuid() == 0, reason="root gives files away")
def test_a_file_that_cannot_be_anothers_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(PermissionError):
        write_whole(tmp_path / "theirs", b"x", owner=(0, 0))
    assert names_in(tmp_path) == []


def test_a_reader_of_the_old_file_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "ref"
    write_whole(path, b"old")
    with path.open("rb") as reader:
        write_whole(path, b"a newer one")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"a newer one"


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_whole(tmp_path / "taken", b"x")
    assert names_in(tmp_path) == ["taken"]


def test_a_file_in_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "missing" / "file", b"x")


def test_folders_are_made_down_to_the_last(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b" / "c", mode=0o700)
    make_folder(tmp_path / "a" / "b" / "c", mode=0o700)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "a/b", "a/b/c")] == [
        0o700
    ] * 3


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        make_folder(tmp_path / "file")
    with pytest.raises(NotADirectoryError):
        fsync_folder(tmp_path / "file")
