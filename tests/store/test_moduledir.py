"""A copy of a module on disk: what of it is not as the record has it."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hubproxy.core.record import FileEntry
from hubproxy.store.moduledir import differences

CONTENT = {
    "saved_model.pb": b"a graph",
    "variables/variables.index": b"an index",
    "assets/empty": b"",
}
FILES = tuple(
    FileEntry(path, 0, len(content), hashlib.sha256(content).hexdigest())
    for path, content in CONTENT.items()
)


@pytest.fixture
def module(tmp_path: Path) -> Path:
    folder = tmp_path / "module"
    for path, content in CONTENT.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    (folder / "no files here").mkdir()
    return folder


def test_the_very_files_do_not_differ(module: Path) -> None:
    assert differences(module, FILES) == []


def link_to(target: str, name: str) -> Callable[[Path], object]:
    def work(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return work


def link_folder(folder: Path) -> None:
    (folder / "variables").rename(folder.parent / "elsewhere")
    (folder / "variables").symlink_to("../elsewhere")


def write(name: str, content: bytes) -> Callable[[Path], object]:
    def work(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)

    return work


TAMPERED = [
    pytest.param(
        write("saved_model.pb", b"A graph"), ["changed saved_model.pb"], id="row 25: one bit"
    ),
    pytest.param(write("assets/empty", b"x"), ["changed assets/empty"], id="row 25: one byte more"),
    pytest.param(
        lambda folder: (folder / "saved_model.pb").unlink(),
        ["missing saved_model.pb"],
        id="row 25: a file less",
    ),
    pytest.param(write(".git/evil.so", b"x"), ["extra .git/evil.so"], id="row 25: a hidden file"),
    pytest.param(write("keras.py", b"x"), ["extra keras.py"], id="row 25: a file more"),
    pytest.param(
        lambda folder: (folder / "saved_model.pb").rename(folder / "SAVED_MODEL.pb"),
        ["extra SAVED_MODEL.pb", "missing saved_model.pb"],
        id="row 25: renamed",
    ),
    pytest.param(
        link_to("variables/variables.index", "more"), ["link more"], id="row 25: a link more"
    ),
    pytest.param(link_to("/nowhere", "more"), ["link more"], id="row 25: a link to nowhere"),
    pytest.param(
        link_folder,
        ["link variables", "missing variables/variables.index"],
        id="row 25: a folder that is a link to the right files",
    ),
    pytest.param(
        lambda folder: os.mkfifo(folder / "pipe"), ["special pipe"], id="row 25: a named pipe"
    ),
    pytest.param(
        lambda folder: (
            (folder / "assets/empty").unlink(),
            (folder / "assets/empty").mkdir(),
        ),
        ["missing assets/empty"],
        id="row 25: a folder for a file",
    ),
    pytest.param(
        write(os.fsdecode(b"\xff"), b"x"), ["extra \udcff"], id="row 25: a name that is no text"
    ),
]


@pytest.mark.parametrize(("tamper", "found"), TAMPERED)
def test_what_was_tampered_with_is_named(
    module: Path, tamper: Callable[[Path], object], found: list[str]
) -> None:
    tamper(module)
    assert [f"{one.kind} {one.path}" for one in differences(module, FILES)] == found


def test_row_25_a_link_to_the_right_bytes_is_not_good(module: Path) -> None:
    (module / "saved_model.pb").rename(module.parent / "real")
    (module / "saved_model.pb").symlink_to("../real")
    (one,) = differences(module, FILES)
    assert (one.kind, one.path, one.text) == ("link", "saved_model.pb", "to ../real")


def test_row_25_a_folder_in_a_folder_without_end_is_not_followed_to_it(module: Path) -> None:
    before = os.open(module, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d", dir_fd=before)
        inner = os.open("d", os.O_RDONLY, dir_fd=before)
        os.close(before)
        before = inner
    os.close(before)
    (one,) = differences(module, FILES)
    assert (one.kind, one.path) == ("unreadable", "/".join("d" * 65))


def test_the_folder_itself_may_be_reached_by_a_link(module: Path) -> None:
    (module.parent / "link").symlink_to("module")
    assert differences(module.parent / "link", FILES) == []


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        differences(tmp_path / "missing", FILES)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError):
        differences(tmp_path / "file", FILES)
