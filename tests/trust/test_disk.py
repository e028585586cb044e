import fcntl
from pathlib import Path

import pytest

from hubproxy.trust.disk import locked, write_unsynced


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    path = tmp_path / "lock"

    with locked(path), path.open("ab") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)

    with path.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_file_that_cannot_be_put_in_its_place_leaves_nothing(tmp_path: Path) -> None:
    write_unsynced(tmp_path / "file", b"first")
    write_unsynced(tmp_path / "file", b"second")
    (tmp_path / "folder").mkdir()

    with pytest.raises(OSError, match="folder"):
        write_unsynced(tmp_path / "folder", b"x")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
    assert (tmp_path / "file").read_bytes() == b"second"
