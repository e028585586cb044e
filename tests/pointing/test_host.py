from pathlib import Path
from typing import Any

import pytest

from hubproxy.config import Config, load
from hubproxy.pointing.host import check_disk, check_key, is_here


def config(folder: Path, **settings: Any) -> Config:
    named = {name.replace("__", "."): value for name, value in settings.items()}
    return load(None, {}, {"data": str(folder), **named})


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8440", True),
        ("http://localhost:8440", True),
        ("http://192.0.2.7:8440", False),
        ("http://[2001:db8::7]:8440", False),
    ],
)
def test_an_address_of_this_machine_is_known(url: str, here: bool) -> None:
    assert is_here(url) == here


def test_room_on_the_disk_is_compared_with_the_floor(tmp_path: Path) -> None:
    (good,) = check_disk(config(tmp_path, store__free_floor=0))
    assert good.state == "ok"
    (full,) = check_disk(config(tmp_path, store__free_floor="900TiB"))
    assert full.state == "FAIL"
    assert "no new module can be stored" in full.text
    assert full.fix.startswith("df -h")


def test_little_room_is_warned_of(tmp_path: Path) -> None:
    import shutil

    free = shutil.disk_usage(tmp_path).free
    (found,) = check_disk(config(tmp_path, store__free_floor=free * 2 // 3))
    assert found.state == "warn"


def test_a_folder_that_is_not_here_is_not_looked_at(tmp_path: Path) -> None:
    assert list(check_disk(config(tmp_path / "none"))) == []
    assert list(check_key(config(tmp_path / "none"))) == []


def test_a_folder_that_cannot_be_written_is_told() -> None:
    (found,) = check_disk(config(Path("/proc/self")))
    assert (found.state, found.text) == ("FAIL", "/proc/self cannot be written")


def test_a_key_is_its_owners_alone(tmp_path: Path) -> None:
    key = tmp_path / "ca" / "ca.key"
    key.parent.mkdir(mode=0o700)
    key.write_text("a key")
    key.chmod(0o600)
    (good,) = check_key(config(tmp_path))
    assert good.state == "ok"
    key.chmod(0o640)
    (bad,) = check_key(config(tmp_path))
    assert (bad.state, bad.fix.partition("   #")[0]) == ("FAIL", f"chmod 600 {key}")
    key.chmod(0o600)
    key.parent.chmod(0o755)
    (folder,) = check_key(config(tmp_path))
    assert (folder.state, folder.fix.partition("   #")[0]) == ("FAIL", f"chmod 700 {key.parent}")


def test_the_folder_of_a_key_of_ones_own_is_not_ours_to_judge(tmp_path: Path) -> None:
    (tmp_path / "own.key").write_text("a key")
    (tmp_path / "own.key").chmod(0o600)
    tmp_path.chmod(0o755)
    own = config(
        tmp_path,
        forward__ca_key=str(tmp_path / "own.key"),
        forward__ca_certificate=str(tmp_path / "own.pem"),
    )
    (found,) = check_key(own)
    assert found.state == "ok"
