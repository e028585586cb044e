import fcntl
from pathlib import Path

import pytest

from hubproxy.trust.disk import locked


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    path = tmp_path / "lock"

    with locked(path), path.open("ab") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)

    with path.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
