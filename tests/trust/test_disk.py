import fcntl
import os
import resource
import signal
from pathlib import Path

import pytest

from hubproxy.trust.disk import locked, locked_folder, write_secret, write_unsynced


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


def test_a_secret_is_never_written_over_and_never_half_there(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "online.pem"
    write_secret(path, b"first")

    with pytest.raises(FileExistsError):
        write_secret(path, b"second")
    path.with_name("dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        write_secret(path.with_name("dangling"), b"x")

    assert path.read_bytes() == b"first"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_nlink == 1
    assert sorted(one.name for one in path.parent.iterdir()) == ["dangling", "online.pem"]


def test_a_secret_that_cannot_be_written_whole_is_not_there(tmp_path: Path) -> None:
    """As after a power cut: `hubproxy trust init` can be run again."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            write_secret(tmp_path / "online.pem", b"x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_locked_by_itself_and_keeps_nothing_of_it(tmp_path: Path) -> None:
    other = os.open(tmp_path, os.O_RDONLY)
    with locked_folder(tmp_path), pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)

    assert list(tmp_path.iterdir()) == []
