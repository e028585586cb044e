"""Bytes by digest."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubproxy.core.digest import Descriptor, Digest
from hubproxy.errors import MismatchError, StorageFailedError
from hubproxy.store.blobs import BlobStore, Held, read_beside
from hubproxy.store.folder import DataFolder
from tests.made import describe
from tests.stores import names_in


@pytest.fixture
def blobs(tmp_path: Path) -> Iterator[BlobStore]:
    folder = DataFolder.open(tmp_path)
    yield BlobStore(folder)
    folder.close()


def overwrite(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def quarantined(blobs: BlobStore) -> int:
    return len(names_in(blobs.quarantine(Digest.of_hex("0" * 64)).parent))


def test_what_is_put_can_be_read_and_is_named_by_its_digest(blobs: BlobStore) -> None:
    wanted = blobs.put(b"a record")
    assert wanted.digest.hex == hashlib.sha256(b"a record").hexdigest()
    assert blobs.path(wanted.digest).parent.name == wanted.digest.hex[:2]
    assert blobs.read(wanted) == b"a record"
    assert blobs.has(wanted)
    assert not blobs.has(Descriptor(wanted.digest, wanted.size + 1))


def test_what_is_there_is_not_written_again(blobs: BlobStore) -> None:
    path = blobs.path(blobs.put(b"once").digest)
    before = path.stat()
    blobs.put(b"once")
    assert path.stat().st_ino == before.st_ino


def test_a_blob_that_was_cut_is_written_again(blobs: BlobStore) -> None:
    wanted = blobs.put(b"a record")
    overwrite(blobs.path(wanted.digest), b"")
    assert blobs.read(blobs.put(b"a record")) == b"a record"


def test_a_damaged_blob_is_moved_away_and_not_read(blobs: BlobStore) -> None:
    wanted = blobs.put(b"a record")
    overwrite(blobs.path(wanted.digest), b"a recorD")
    with pytest.raises(MismatchError, match="was damaged"):
        blobs.read(wanted)
    assert quarantined(blobs) == 1
    with pytest.raises(FileNotFoundError):
        blobs.read(wanted)


def test_an_archive_of_another_size_is_moved_away_and_not_opened(blobs: BlobStore) -> None:
    record = describe(b"an archive")
    blobs.put(b"an archive")
    overwrite(blobs.path(record.archive_digest), b"")
    assert blobs.open(record) is None
    assert quarantined(blobs) == 1
    assert blobs.open(record) is None


def test_a_link_is_not_followed(blobs: BlobStore, tmp_path: Path) -> None:
    record = describe(b"an archive")
    path = blobs.path(blobs.put(b"an archive").digest)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageFailedError):
        blobs.open(record)


def test_only_the_very_file_that_was_checked_counts_as_proven(blobs: BlobStore) -> None:
    record = describe(b"an archive")
    path = blobs.path(blobs.put(b"an archive").digest)
    descriptor = blobs.open(record)
    assert descriptor is not None
    assert not blobs.proven(record, descriptor)
    blobs.prove(record, descriptor)
    assert blobs.proven(record, descriptor)
    os.close(descriptor)

    other = path.with_name("other")
    other.write_bytes(b"an Archive")
    other.rename(path)
    descriptor = blobs.open(record)
    assert descriptor is not None
    assert not blobs.proven(record, descriptor)
    os.close(descriptor)


def test_what_one_record_has_proven_does_not_count_for_other_chunks(blobs: BlobStore) -> None:
    record = describe(b"an archive")
    liar = describe(b"another one", "tfhub.dev/mallory/spice/1")
    blobs.put(b"an archive")
    descriptor = blobs.open(record)
    assert descriptor is not None
    blobs.prove(record, descriptor)
    liar = type(liar)(
        **{name: getattr(liar, name) for name in liar.__struct_fields__}
        | {"archive": record.archive}
    )
    assert not blobs.proven(liar, descriptor)
    os.close(descriptor)


def test_writing_into_a_proven_file_makes_it_unproven(blobs: BlobStore) -> None:
    record = describe(b"an archive")
    path = blobs.path(blobs.put(b"an archive").digest)
    descriptor = blobs.open(record)
    assert descriptor is not None
    blobs.prove(record, descriptor)
    with path.open("r+b") as file:
        file.write(b"A")
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert not blobs.proven(record, descriptor)
    os.close(descriptor)


def test_a_use_is_noted_without_making_the_file_another_one(blobs: BlobStore) -> None:
    record = describe(b"an archive")
    path = blobs.path(blobs.put(b"an archive").digest)
    descriptor = blobs.open(record)
    assert descriptor is not None
    blobs.prove(record, descriptor)
    os.utime(path, ns=(0, path.stat().st_mtime_ns))
    blobs.prove(record, descriptor)

    blobs.touch(record.archive_digest)

    assert path.stat().st_atime > 0
    assert blobs.proven(record, descriptor)
    os.close(descriptor)
    blobs.remove(record.archive_digest)
    blobs.touch(record.archive_digest)


def test_a_use_is_noted_once_a_minute_only(blobs: BlobStore) -> None:
    wanted = blobs.put(b"an archive")
    before = blobs.path(wanted.digest).stat()
    blobs.touch(wanted.digest)
    assert blobs.path(wanted.digest).stat().st_ctime_ns == before.st_ctime_ns


def test_who_reads_a_removed_blob_reads_on(blobs: BlobStore) -> None:
    record = describe(b"an archive")
    blobs.put(b"an archive")
    descriptor = blobs.open(record)
    assert descriptor is not None
    blobs.remove(record.archive_digest)
    blobs.remove(record.archive_digest)
    assert os.read(descriptor, 100) == b"an archive"
    os.close(descriptor)
    assert blobs.open(record) is None


def test_a_scan_finds_blobs_and_nothing_else(blobs: BlobStore) -> None:
    wanted = blobs.put(b"an archive")
    path = blobs.path(wanted.digest)
    os.utime(path, (1000, 2000))
    (path.parent / "README").touch()
    (path.parent.parent / "file").touch()
    assert blobs.scan() == {wanted.digest: Held(10, 1000.0)}


def test_a_blob_is_read_through(blobs: BlobStore) -> None:
    wanted = blobs.put(b"an archive")
    assert blobs.rehash(wanted.digest)
    overwrite(blobs.path(wanted.digest), b"an Archive")
    assert not blobs.rehash(wanted.digest)


def test_a_small_blob_is_read_beside_its_owner(blobs: BlobStore, tmp_path: Path) -> None:
    data, kept = tmp_path, blobs.put(b"a record")
    assert read_beside(data, kept.digest, most=8) == b"a record"
    assert read_beside(data, kept.digest, most=7) is None
    assert read_beside(data, Digest.of_hex("ab" * 32), most=8) is None
    blobs.path(kept.digest).write_bytes(b"a Record")
    assert read_beside(data, kept.digest, most=8) is None
    assert blobs.path(kept.digest).exists()
