"""Batches that another process has staged, on their way into the store."""

from pathlib import Path

import pytest

from hubproxy.core.staged import Ready
from hubproxy.errors import StorageFailedError, StorageFullError
from hubproxy.store.staging import Stage, Staging
from hubproxy.store.takein import install_list, release, take_in
from tests.made import Made, make
from tests.stores import Store, open_store

SMALL, BIG = make("tfhub.dev/a/small/1", size=4096), make("tfhub.dev/a/big/1", size=65_536)


def staged(folder: Path, *modules: Made, name: str = "batch") -> Stage:
    stage = Staging(folder).stage(name)
    stage.begin()
    for made in modules:
        path = stage.new_path()
        path.write_bytes(made.plain)
        stage.keep(made.record, path)
        stage.put_record(made.record)
    return stage


def take(store: Store, stage: Stage, *modules: Made) -> None:
    records = [made.record for made in modules]
    take_in(stage, records, store.blobs, store.refs, store.budget)


def test_archives_are_moved_named_and_kept(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        stage = staged(tmp_path, SMALL, BIG)
        take(store, stage, SMALL, BIG)
        for made in (SMALL, BIG):
            assert store.blobs.path(made.digest).read_bytes() == made.plain
            ref = store.refs.get(made.handle, "saved_model")
            assert ref is not None
            assert ref.kept
        assert store.budget.used == len(SMALL.plain) + len(BIG.plain)
        take(store, stage, SMALL, BIG)  # once more, as after a crash
        assert store.budget.used == len(SMALL.plain) + len(BIG.plain)


def test_what_is_kept_makes_no_room_for_others(tmp_path: Path) -> None:
    with open_store(tmp_path, limit=70_000) as store:
        take(store, staged(tmp_path, BIG), BIG)
        other = make("tfhub.dev/a/other/1", size=8192)
        with pytest.raises(StorageFullError):
            take(store, staged(tmp_path, other, name="other"), other)
        assert store.blobs.path(BIG.digest).exists()
        assert store.refs.get(other.handle, "saved_model") is None
        release([f"{BIG.handle}/saved_model.json"], store.refs, store.budget)
        take(store, staged(tmp_path, other, name="other"), other)
        assert not store.blobs.path(BIG.digest).exists()


def test_nothing_is_taken_where_there_is_no_room_for_all(tmp_path: Path) -> None:
    with open_store(tmp_path, limit=10_000) as store:
        stage = staged(tmp_path, SMALL, BIG)
        with pytest.raises(StorageFullError):
            take(store, stage, SMALL, BIG)
        assert store.budget.used == 0
        assert stage.has(SMALL.record)
        assert stage.has(BIG.record)


def test_an_archive_that_is_nowhere_is_told(tmp_path: Path) -> None:
    with open_store(tmp_path) as store, pytest.raises(StorageFailedError, match="neither staged"):
        take(store, staged(tmp_path), SMALL)


def timestamp(number: int) -> bytes:
    return b'{"signed":{"version":%d}}' % number


def test_of_two_lists_that_wait_the_older_does_not_come_into_force(tmp_path: Path) -> None:
    published = tmp_path / "repo"
    for number in (7, 5, 8):
        stage = staged(tmp_path, name=f"list-{number}")
        stage.put_list_file("metadata/timestamp.json", timestamp(number))
        stage.put_list_file(f"metadata/{number}.snapshot.json", b"{}")
        install_list(stage, published)
        assert (published / "metadata" / f"{number}.snapshot.json").exists()
        newest = max(7, number)
        assert (published / "metadata" / "timestamp.json").read_bytes() == timestamp(newest)


def test_a_batch_is_seen_when_it_is_ready_and_not_before(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    assert staging.waiting() == []
    stage = staged(tmp_path, SMALL)
    assert staging.waiting() == []
    ready = Ready(event="mirror", id="1", caller="mirror", reason="test")
    stage.ready(ready)
    (found,) = staging.waiting()
    assert found.read() == ready
    found.drop()
    assert staging.waiting() == []
    assert not stage.folder.exists()


@pytest.mark.parametrize("harm", ["missing", "damaged"])
def test_a_record_that_is_lost_or_damaged_is_told(tmp_path: Path, harm: str) -> None:
    stage = staged(tmp_path)
    digest = stage.put_record(SMALL.record)
    path = stage.folder / "records" / digest.removeprefix("sha256:")
    path.unlink() if harm == "missing" else path.write_bytes(BIG.record.encode())
    with pytest.raises(StorageFailedError, match="cannot be read"):
        stage.record(digest)


def test_a_batch_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    stage = staged(tmp_path)
    (stage.folder / "ready.json").write_text("{}")
    with pytest.raises(StorageFailedError, match="cannot be read"):
        stage.read()
