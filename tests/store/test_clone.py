"""Archives taken from elsewhere: shared or copied, and never without a check."""

import os
from pathlib import Path

import pytest

from hubproxy.core.record import CHUNK_SIZE
from hubproxy.errors import HubproxyError, MismatchError, StorageFailedError
from hubproxy.store.clone import check, take
from tests.made import Made, make


@pytest.fixture(scope="module")
def made() -> Made:
    return make(size=2 * CHUNK_SIZE + 1024 * 10)


@pytest.fixture
def source(tmp_path: Path, made: Made) -> Path:
    path = tmp_path / "source"
    path.write_bytes(made.plain)
    return path


def test_a_link_is_the_very_file(tmp_path: Path, made: Made, source: Path) -> None:
    into = tmp_path / "new"
    how = take(source, into, made.record, link=True)
    assert how in ("link", "reflink")
    assert into.read_bytes() == made.plain
    if how == "link":
        assert into.samefile(source)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "source"]


def test_without_a_link_the_new_file_is_of_its_own(
    tmp_path: Path, made: Made, source: Path
) -> None:
    into = tmp_path / "new"
    assert take(source, into, made.record, link=False, mode=0o640) in ("copy", "reflink")
    assert into.read_bytes() == made.plain
    assert not into.samefile(source)
    assert into.stat().st_mode & 0o777 == 0o640 & ~umask()


@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_a_file_that_others_may_write_to_is_never_the_new_one(
    tmp_path: Path, made: Made, source: Path, mode: int
) -> None:
    source.chmod(mode)
    assert take(source, tmp_path / "new", made.record, link=True) in ("copy", "reflink")


def test_a_file_of_somebody_else_is_never_the_new_one(
    tmp_path: Path, made: Made, source: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may give a file away")
    os.chown(source, 12345, 12345)
    assert take(source, tmp_path / "new", made.record, link=True) in ("copy", "reflink")


def test_another_disk_takes_a_copy(tmp_path: Path, made: Made) -> None:
    shm = Path("/dev/shm")
    if not shm.is_dir() or shm.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second disk here")
    source = shm / f"hubproxy-test-{os.getpid()}"
    source.write_bytes(made.plain)
    try:
        assert take(source, tmp_path / "new", made.record, link=True) == "copy"
    finally:
        source.unlink()
    assert (tmp_path / "new").read_bytes() == made.plain


@pytest.mark.parametrize("link", [True, False])
@pytest.mark.parametrize("at", [0, CHUNK_SIZE, 2 * CHUNK_SIZE + 1024 * 10 - 1])
def test_a_flipped_byte_is_refused_and_nothing_is_left(
    tmp_path: Path, made: Made, source: Path, at: int, link: bool
) -> None:
    content = bytearray(made.plain)
    content[at] ^= 1
    source.write_bytes(content)
    refused(source, tmp_path, made, link=link)
    with pytest.raises(MismatchError):
        check(source, made.record)


@pytest.mark.parametrize("link", [True, False])
@pytest.mark.parametrize("size", [0, CHUNK_SIZE, 2 * CHUNK_SIZE + 1024 * 10 - 1])
def test_a_file_that_is_cut_is_refused(
    tmp_path: Path, made: Made, source: Path, size: int, link: bool
) -> None:
    os.truncate(source, size)
    refused(source, tmp_path, made, link=link)


def test_a_file_that_is_longer_is_refused(tmp_path: Path, made: Made, source: Path) -> None:
    source.write_bytes(made.plain + b"more")
    refused(source, tmp_path, made, link=True)


@pytest.mark.parametrize("link", [True, False])
def test_what_lies_behind_a_whole_last_chunk_is_refused(tmp_path: Path, link: bool) -> None:
    whole = make(size=CHUNK_SIZE)
    (tmp_path / "source").write_bytes(whole.plain + b"more")
    refused(tmp_path / "source", tmp_path, whole, link=link)


def test_a_link_or_a_pipe_is_no_source(tmp_path: Path, made: Made, source: Path) -> None:
    (tmp_path / "linked").symlink_to(source)
    os.mkfifo(tmp_path / "pipe")
    for name in ("linked", "pipe"):
        told = refused(tmp_path / name, tmp_path, made, link=True)
        assert "is no regular file" in told


def test_a_source_that_is_not_there_is_an_error_of_the_disk(tmp_path: Path, made: Made) -> None:
    with pytest.raises(StorageFailedError):
        take(tmp_path / "none", tmp_path / "new", made.record, link=True)
    assert not (tmp_path / "new").exists()


def test_a_name_that_is_taken_is_left_alone(tmp_path: Path, made: Made, source: Path) -> None:
    (tmp_path / "new").write_text("somebody's")
    with pytest.raises(HubproxyError):
        take(source, tmp_path / "new", made.record, link=True)
    assert (tmp_path / "new").read_text() == "somebody's"


def test_the_very_bytes_pass(made: Made, source: Path) -> None:
    check(source, made.record)


def refused(source: Path, folder: Path, made: Made, *, link: bool) -> str:
    before = sorted(folder.iterdir())
    with pytest.raises(MismatchError) as caught:
        take(source, folder / "new", made.record, link=link)
    assert made.record.handle in str(caught.value)
    assert caught.value.remedy
    assert sorted(folder.iterdir()) == before
    return str(caught.value)


def umask() -> int:
    found = os.umask(0)
    os.umask(found)
    return found
