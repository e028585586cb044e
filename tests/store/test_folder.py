"""The data folder and its parts."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hubproxy.errors import DataFolderError, HubproxyError, StorageFailedError, StorageFullError
from hubproxy.store.folder import DataFolder, Part, disk_errors
from tests.stores import names_in

OTHER = """
import sys
from pathlib import Path
from hubproxy.store.folder import DataFolder
folder = DataFolder.open(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def part(tmp_path: Path) -> Part:
    return Part.create(tmp_path)


def test_nobody_else_may_look_into_the_folder(tmp_path: Path) -> None:
    folder = DataFolder.open(tmp_path / "a" / "data")
    inner = folder.sub("blobs", "sha256")
    assert {path.stat().st_mode & 0o777 for path in (folder.path, inner, inner.parent)} == {0o700}
    assert (folder.path / "lock").stat().st_mode & 0o777 == 0o600
    folder.close()


def test_a_second_owner_is_refused_and_told_the_first_ones_pid(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OTHER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(DataFolderError, match=rf"another process \(pid {other.pid}\)"):
            DataFolder.open(tmp_path)
        other.communicate()
    DataFolder.open(tmp_path).close()


def test_what_a_dead_owner_left_unfinished_is_swept(tmp_path: Path) -> None:
    folder = DataFolder.open(tmp_path)
    folder.new_part()
    folder.close()
    assert len(names_in(tmp_path / "tmp")) == 1

    DataFolder.open(tmp_path).close()

    assert names_in(tmp_path / "tmp") == []


def test_what_a_living_owner_writes_is_not_swept_by_one_who_is_refused(tmp_path: Path) -> None:
    folder = DataFolder.open(tmp_path)
    folder.new_part()
    with pytest.raises(DataFolderError):
        DataFolder.open(tmp_path)
    assert len(names_in(tmp_path / "tmp")) == 1
    folder.close()


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataFolderError, match="cannot be used"):
        DataFolder.open(tmp_path / "file")


def test_a_folder_that_cannot_be_swept_is_refused_and_given_back(tmp_path: Path) -> None:
    stray = tmp_path / "tmp" / "a-folder"
    stray.mkdir(parents=True)
    with pytest.raises(DataFolderError, match="a-folder"):
        DataFolder.open(tmp_path)
    stray.rmdir()
    DataFolder.open(tmp_path).close()


def test_a_part_takes_its_name_whole(tmp_path: Path) -> None:
    made = part(tmp_path)
    made.write_at(0, [b"one", b"two"])
    made.write_at(6, [b"three"])
    made.become(tmp_path / "ab" / "blob")
    made.drop()
    assert (tmp_path / "ab" / "blob").read_bytes() == b"onetwothree"
    assert names_in(tmp_path) == ["ab"]


def test_a_part_replaces_a_file_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"old")
    made = part(tmp_path)
    made.write_at(0, [b"new"])
    made.become(tmp_path / "blob")
    made.drop()
    assert (tmp_path / "blob").read_bytes() == b"new"


def test_a_part_that_is_dropped_leaves_nothing(tmp_path: Path) -> None:
    made = part(tmp_path)
    made.write_at(0, [b"one"])
    made.drop()
    made.drop()
    assert names_in(tmp_path) == []


def test_any_number_of_pieces_is_written_at_once(tmp_path: Path) -> None:
    made = part(tmp_path)
    pieces = [bytes([number % 251]) * (number % 7) for number in range(3000)]
    made.write_at(10, pieces)
    assert os.pread(made.descriptor, 1 << 20, 10) == b"".join(pieces)
    made.drop()


def test_a_part_that_cannot_take_its_name_is_not_left_under_it(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    made = part(tmp_path)
    with pytest.raises(StorageFailedError, match="Is a directory"):
        made.become(tmp_path / "taken")
    made.drop()
    assert names_in(tmp_path) == ["taken"]


def test_no_part_can_be_made_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(StorageFailedError):
        part(tmp_path / "missing")


def test_an_error_while_writing_is_told_as_one_of_the_disk(tmp_path: Path) -> None:
    made = part(tmp_path)
    os.close(made.descriptor)
    made.descriptor = os.open(made.path, os.O_RDONLY)
    with pytest.raises(StorageFailedError, match="Bad file descriptor"):
        made.write_at(0, [b"x"])
    made.drop()


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, StorageFullError),
        (errno.EDQUOT, StorageFullError),
        (errno.EFBIG, StorageFullError),
        (errno.EIO, StorageFailedError),
        (errno.EROFS, StorageFailedError),
    ],
)
def test_errors_of_the_disk_have_a_code_and_a_remedy(
    number: int, kind: type[HubproxyError]
) -> None:
    with pytest.raises(kind) as caught, disk_errors():
        raise OSError(number, os.strerror(number))
    assert caught.value.remedy


def test_free_bytes_are_those_of_the_disk(tmp_path: Path) -> None:
    folder = DataFolder.open(tmp_path)
    assert 0 < folder.free_bytes() < 1 << 60
    folder.close()
