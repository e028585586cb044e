"""Reading a module that nobody has described."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from hubproxy.core.handle import Handle
from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.original import Original, OriginalHash
from hubproxy.core.record import CHUNK_SIZE, Record
from hubproxy.errors import StorageFullError, UnsafeArchiveError
from hubproxy.store.discovery import Discovery
from hubproxy.store.folder import Part
from tests.archives import MODEL, tar_of, zip_of
from tests.made import NOON, SPICE, make


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


def discovery_in(
    folder: Path,
    executor: ThreadPoolExecutor,
    room: Callable[[int], None] = lambda _: None,
    originals: frozenset[OriginalHash] = frozenset(),
) -> Discovery:
    return Discovery(
        executor=executor,
        limits=ArchiveLimits(),
        new_part=partial(Part.create, folder),
        room=room,
        spool=lambda: cast("BinaryIO", tempfile.TemporaryFile(dir=folder)),
        originals=originals,
    )


async def read(discovery: Discovery, archive: bytes) -> Record:
    async with discovery.attempt() as feed:
        await feed.write(archive)
        found = await feed.finish()
    return await discovery.describe(
        Handle.parse(SPICE), found, url="https://tfhub.dev/x", decided_at=NOON
    )


def under(top: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"{top}/{name}": contents for name, contents in files.items()}


@pytest.mark.parametrize("pack", [tar_of, zip_of])
async def test_a_record_describes_what_was_read(
    tmp_path: Path, executor: ThreadPoolExecutor, pack: Callable[[Mapping[str, bytes]], bytes]
) -> None:
    discovery = discovery_in(tmp_path, executor)
    record = await read(discovery, pack(MODEL))
    wanted = make(files=MODEL)
    assert discovery.part.path.read_bytes() == wanted.plain
    assert record.archive == wanted.record.archive
    assert record.chunks == wanted.record.chunks
    assert record.files == wanted.record.files
    assert Record.decode(record.encode()) == record
    assert record.origin.size == len(pack(MODEL))
    assert record.root == ""
    discovery.drop()
    assert list(tmp_path.iterdir()) == []


async def test_a_module_under_a_top_folder_gets_its_root_here(
    tmp_path: Path, executor: ThreadPoolExecutor
) -> None:
    discovery = discovery_in(tmp_path, executor)
    record = await read(discovery, tar_of(under("model", MODEL)))
    wanted = make(files=MODEL)
    assert discovery.part.path.read_bytes() == wanted.plain
    assert (record.archive, record.files) == (wanted.record.archive, wanted.record.files)
    assert record.root == "model"
    assert record.format == "saved_model"
    assert "took away the top folder model/" in record.changes
    assert record.origin.size == len(tar_of(under("model", MODEL)))
    assert list(tmp_path.iterdir()) == [discovery.part.path]
    discovery.drop()
    assert list(tmp_path.iterdir()) == []


async def test_a_folder_that_is_no_module_stays_as_it_is(
    tmp_path: Path, executor: ThreadPoolExecutor
) -> None:
    discovery = discovery_in(tmp_path, executor)
    record = await read(discovery, tar_of({"docs/readme.txt": b"x"}))
    assert (record.root, record.format) == ("", "other")
    assert [entry.path for entry in record.files] == ["docs/readme.txt"]
    discovery.drop()


async def test_a_second_attempt_starts_over(tmp_path: Path, executor: ThreadPoolExecutor) -> None:
    discovery = discovery_in(tmp_path, executor)
    large = make(size=CHUNK_SIZE + 4096)
    async with discovery.attempt() as feed:
        await feed.write(large.upstream[: CHUNK_SIZE + 2048])
    record = await read(discovery, tar_of(MODEL))
    assert discovery.part.path.read_bytes() == make(files=MODEL).plain
    assert record.archive == make(files=MODEL).record.archive
    discovery.drop()


async def test_no_room_is_told_and_the_file_stays_within_it(
    tmp_path: Path, executor: ThreadPoolExecutor
) -> None:
    def room(size: int) -> None:
        if size > CHUNK_SIZE:
            raise StorageFullError("full")

    discovery = discovery_in(tmp_path, executor, room)
    with pytest.raises(StorageFullError):
        await read(discovery, make(size=CHUNK_SIZE + 4096).upstream)
    assert discovery.part.path.stat().st_size <= CHUNK_SIZE
    discovery.drop()
    assert list(tmp_path.iterdir()) == []


async def test_a_new_root_needs_room_for_both(tmp_path: Path, executor: ThreadPoolExecutor) -> None:
    asked: list[int] = []
    discovery = discovery_in(tmp_path, executor, asked.append)
    record = await read(discovery, tar_of(under("model", MODEL)))
    size = record.archive.size
    first, both, after = asked
    assert both == first + size
    assert after == size
    discovery.drop()


async def test_no_room_for_a_new_root_leaves_no_second_file(
    tmp_path: Path, executor: ThreadPoolExecutor
) -> None:
    once = len(make(files=under("model", MODEL)).plain)

    def room(size: int) -> None:
        if size > once:
            raise StorageFullError("full")

    discovery = discovery_in(tmp_path, executor, room)
    with pytest.raises(StorageFullError):
        await read(discovery, tar_of(under("model", MODEL)))
    discovery.drop()
    assert list(tmp_path.iterdir()) == []


async def test_what_may_never_be_accepted_is_refused(
    tmp_path: Path, executor: ThreadPoolExecutor
) -> None:
    discovery = discovery_in(tmp_path, executor)
    with pytest.raises(UnsafeArchiveError):
        await read(discovery, tar_of({"../saved_model.pb": b"x"}))
    discovery.drop()


@pytest.mark.parametrize("pack", [tar_of, zip_of])
@pytest.mark.parametrize(
    "asked", [frozenset[OriginalHash](), frozenset[OriginalHash]({"sha512", "blake2b"})]
)
async def test_what_is_asked_of_upstreams_archive_is_computed_and_no_more(
    tmp_path: Path,
    executor: ThreadPoolExecutor,
    pack: Callable[[Mapping[str, bytes]], bytes],
    asked: frozenset[OriginalHash],
) -> None:
    archive = pack(under("model", MODEL))
    discovery = discovery_in(tmp_path, executor, originals=asked)
    async with discovery.attempt() as feed:
        await feed.write(archive[:700])
    async with discovery.attempt() as feed:
        await feed.write(archive)
        found = await feed.finish()
    record = await discovery.describe(Handle.parse(SPICE), found, url="https://x", decided_at=NOON)
    discovery.drop()

    sha256 = hashlib.sha256(archive).hexdigest()
    assert record.origin.digest == f"sha256:{sha256}"
    assert discovery.original(found) == Original(
        sha256,
        sha512=hashlib.sha512(archive).hexdigest() if asked else "",
        blake2b=hashlib.blake2b(archive).hexdigest() if asked else "",
    )
