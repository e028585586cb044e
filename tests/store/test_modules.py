"""The store as the use cases see it."""

import asyncio
import os
import threading
from pathlib import Path

import msgspec
import pytest

from hubproxy.core.digest import Descriptor, Digest
from hubproxy.core.handle import Handle
from hubproxy.core.record import CHUNK_SIZE, LARGEST_RECORD, Record
from hubproxy.errors import HubproxyError, MismatchError, StorageFullError, UpstreamError
from tests.archives import MODEL, tar_of, zip_of
from tests.made import NOON, SPICE, Made, describe, make
from tests.stores import Store, open_store


def opened(store: Store, record: Record) -> tuple[bytes, bool] | None:
    """The archive's bytes, and whether it counts as proven."""
    found = store.modules.open(record)
    if found is None:
        return None
    try:
        return os.pread(found[0], 1 << 30, 0), found[1]
    finally:
        os.close(found[0])


async def prove(store: Store, record: Record) -> list[int]:
    found = store.modules.open(record)
    assert found is not None
    told: list[int] = []
    try:
        await store.modules.prove(record, found[0], told.append)
    finally:
        os.close(found[0])
    return told


async def test_a_module_is_there_once_it_was_received(tmp_path: Path) -> None:
    made = make(size=CHUNK_SIZE + 4096)
    with open_store(tmp_path) as store:
        assert store.modules.open(made.record) is None
        await store.bring(made)
        assert opened(store, made.record) == (made.plain, True)
        assert store.modules.used == len(made.plain)
        assert store.parts == []
        text = await store.modules.read_record(made.record.descriptor)
        assert text == made.record.encode()


async def test_after_a_restart_it_must_be_proven_again(tmp_path: Path) -> None:
    made = make(size=2 * CHUNK_SIZE)
    with open_store(tmp_path) as store:
        await store.bring(made)
    with open_store(tmp_path) as store:
        assert opened(store, made.record) == (made.plain, False)
        assert await prove(store, made.record) == [CHUNK_SIZE, 2 * CHUNK_SIZE, 2 * CHUNK_SIZE]
        assert opened(store, made.record) == (made.plain, True)


@pytest.mark.parametrize("where", [0, CHUNK_SIZE, -1])
async def test_a_damaged_archive_is_good_up_to_the_damage_and_then_put_aside(
    tmp_path: Path, where: int
) -> None:
    made = make(size=CHUNK_SIZE + 4096)
    with open_store(tmp_path) as store:
        await store.bring(made)
        path = store.blobs.path(made.digest)
        content = bytearray(path.read_bytes())
        content[where] ^= 1
        path.unlink()
        path.write_bytes(content)
        found = store.modules.open(made.record)
        assert found is not None
        assert not found[1]
        told: list[int] = []
        with pytest.raises(MismatchError):
            await store.modules.prove(made.record, found[0], told.append)
        os.close(found[0])
        assert told == ([] if where == 0 else [CHUNK_SIZE])
        assert store.modules.open(made.record) is None
        assert store.modules.used == 0


async def test_an_archive_that_cannot_be_read_is_put_aside(tmp_path: Path) -> None:
    made = make()
    with open_store(tmp_path) as store:
        await store.bring(made)
    with open_store(tmp_path) as store:
        unreadable = os.open(store.blobs.path(made.digest), os.O_WRONLY)
        with pytest.raises(MismatchError):
            await store.modules.prove(made.record, unreadable, lambda _: None)
        os.close(unreadable)
        assert store.modules.open(made.record) is None


async def test_no_thread_reads_on_when_a_proof_was_given_up(tmp_path: Path) -> None:
    """Else it would read whatever file has the descriptor's number next."""
    made = make(size=3 * CHUNK_SIZE)
    with open_store(tmp_path) as store:
        await store.bring(made)
    with open_store(tmp_path) as store:
        found = store.modules.open(made.record)
        assert found is not None
        begun, go_on = threading.Event(), threading.Event()
        told: list[int] = []

        def verified(size: int) -> None:
            told.append(size)
            begun.set()
            assert go_on.wait(60)

        proving = asyncio.create_task(store.modules.prove(made.record, found[0], verified))
        await asyncio.to_thread(begun.wait)
        proving.cancel()
        for _ in range(10):
            await asyncio.sleep(0)
        assert not proving.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await proving
        assert told == [CHUNK_SIZE]
        os.close(found[0])
        assert opened(store, made.record) == (made.plain, False)


async def test_an_archive_found_without_a_name_gets_it_when_it_is_proven(tmp_path: Path) -> None:
    """So a crash before the name was set costs no module its pin, nor fsck its peace."""
    made = make()
    with open_store(tmp_path) as store:
        await store.bring(made)
        store.refs.drop(made.handle, "saved_model")
    with open_store(tmp_path, limit=len(made.plain), pinned=["tfhub.dev/google/*"]) as store:
        await prove(store, made.record)
        assert opened(store, made.record) == (made.plain, True)
        with pytest.raises(StorageFullError):
            await store.bring(make("tfhub.dev/google/nnlm/1"))
    with open_store(tmp_path) as store:
        assert store.refs.get(made.handle, "saved_model") is not None


async def test_an_archive_of_another_handle_is_named_without_being_read_again(
    tmp_path: Path,
) -> None:
    made = make()
    mirror = msgspec.structs.replace(made.record, handle="kaggle.com/google/spice/tfLite/x/1")
    with open_store(tmp_path) as store:
        await store.bring(made)
        assert opened(store, mirror) == (made.plain, False)
        assert await prove(store, mirror) == [len(made.plain)]
        assert opened(store, mirror) == (made.plain, True)
        assert {str(exact) for exact, _, _ in store.refs} == {SPICE, mirror.handle}
        assert store.modules.used == len(made.plain)


async def test_a_name_that_cannot_be_set_keeps_nobody_from_the_archive(tmp_path: Path) -> None:
    made = make()
    with open_store(tmp_path) as store:
        await store.bring(made)
        store.refs.drop(made.handle, "saved_model")
        folder = tmp_path / "refs" / SPICE
        folder.rmdir()
        folder.touch()
        assert await prove(store, made.record) == [len(made.plain)]
        assert opened(store, made.record) == (made.plain, False)


@pytest.mark.parametrize(
    "upstream",
    [
        make(size=2 * CHUNK_SIZE, files=None).upstream[: CHUNK_SIZE + 1000],
        make("tfhub.dev/mallory/spice/2", size=2 * CHUNK_SIZE).upstream,
        b"<!doctype html>" * 100,
        tar_of({"../evil": b"x"}),
    ],
    ids=["cut", "other bytes", "a web page", "unsafe"],
)
async def test_what_is_not_the_record_s_leaves_nothing(tmp_path: Path, upstream: bytes) -> None:
    made = make(size=2 * CHUNK_SIZE)
    with open_store(tmp_path) as store:
        with pytest.raises(MismatchError):
            await store.bring(Made(upstream, made.plain, made.record))
        assert store.modules.open(made.record) is None
        assert store.parts == []
        assert list(store.refs) == []
        assert store.modules.used == 0


async def test_what_was_verified_stays_while_a_broken_transfer_starts_over(
    tmp_path: Path,
) -> None:
    made = make(size=2 * CHUNK_SIZE + 4096)
    told: list[int] = []
    with open_store(tmp_path) as store:
        async with store.modules.receive(made.record, told.append) as receiving:
            # Broken off in the second chunk: the first stays, and is not told again.
            async with receiving.attempt() as feed:
                await feed.write(made.upstream[: CHUNK_SIZE + 100_000])
                while not told:
                    await asyncio.sleep(0)
            inode = os.fstat(receiving.descriptor).st_ino
            async with receiving.attempt() as feed:
                await feed.write(made.upstream)
                await feed.finish()
            assert os.fstat(receiving.descriptor).st_ino == inode
        assert told == [CHUNK_SIZE, 2 * CHUNK_SIZE, len(made.plain)]
        assert opened(store, made.record) == (made.plain, True)


async def test_a_module_that_does_not_fit_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    made = make()
    with open_store(tmp_path, limit=len(made.plain) - 1) as store:
        with pytest.raises(StorageFullError):
            async with store.receiving(made):
                raise AssertionError("not reached")
        assert store.parts == []


async def test_what_was_left_before_its_end_is_not_committed(tmp_path: Path) -> None:
    made = make(size=CHUNK_SIZE + 4096)
    with open_store(tmp_path) as store:
        with pytest.raises(MismatchError, match="before its end"):
            async with store.receiving(made) as receiving, receiving.attempt() as feed:
                await feed.write(made.upstream[:-100])
        assert store.modules.open(made.record) is None
        assert store.parts == []


async def test_room_that_was_reserved_is_given_back_whatever_happens(tmp_path: Path) -> None:
    made = make()
    with open_store(tmp_path, limit=len(made.plain)) as store:
        for _ in range(3):
            with pytest.raises(UpstreamError):
                async with store.receiving(made):
                    raise UpstreamError("gone")
        receiving = asyncio.create_task(store.bring(made))
        await asyncio.sleep(0)
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving
        await store.bring(made)
        assert opened(store, made.record) == (made.plain, True)


async def test_one_at_a_time_may_have_the_last_room(tmp_path: Path) -> None:
    one, other = make(), make("tfhub.dev/google/nnlm/1")
    with open_store(tmp_path, limit=len(one.plain)) as store:
        async with store.receiving(one) as receiving:
            with pytest.raises(StorageFullError):
                await store.bring(other)
            async with receiving.attempt() as feed:
                await feed.write(one.upstream)
                await feed.finish()
        await store.bring(other)
        assert store.modules.open(one.record) is None


async def test_a_discovered_module_is_kept_and_pinned(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        async with store.modules.discover() as discovery:
            async with discovery.attempt() as feed:
                await feed.write(zip_of(MODEL))
                found = await feed.finish()
            record = await discovery.describe(
                Handle.parse(SPICE), found, url="https://tfhub.dev/x", decided_at=NOON
            )
            await store.modules.adopt(discovery, record)
        assert opened(store, record) == (make(files=MODEL).plain, True)
        assert store.parts == []
    with open_store(tmp_path) as store:
        pinned = store.modules.pin(Handle.parse(SPICE))
        assert pinned is not None
        assert pinned.record == record.descriptor
        assert await store.modules.read_record(pinned.record) == record.encode()
        assert store.modules.pin(Handle.parse("tfhub.dev/google/spice/3")) is None


async def test_a_module_that_is_not_adopted_leaves_nothing(tmp_path: Path) -> None:
    with open_store(tmp_path, limit=100 * 1024**2) as store:
        for _ in range(3):  # each reserves 64 MiB
            async with store.modules.discover() as discovery, discovery.attempt() as feed:
                await feed.write(tar_of(MODEL))
                await feed.finish()
        assert store.parts == []
        assert store.modules.used == 0


async def test_an_unknown_module_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with open_store(tmp_path, limit=1024**2) as store:
        async with store.modules.discover() as discovery, discovery.attempt() as feed:
            await feed.write(tar_of(MODEL))
            with pytest.raises(StorageFullError):
                await feed.finish()
        assert store.parts == []


async def test_a_record_that_is_missing_or_damaged_is_none(tmp_path: Path) -> None:
    record = describe(b"x")
    with open_store(tmp_path) as store:
        assert await store.modules.read_record(record.descriptor) is None
        await store.modules.keep_record(record.encode())
        assert await store.modules.read_record(record.descriptor) == record.encode()
        path = store.blobs.path(record.descriptor.digest)
        path.write_bytes(b"{}")
        assert await store.modules.read_record(record.descriptor) is None
        path.mkdir()
        assert await store.modules.read_record(record.descriptor) is None
        with pytest.raises(MismatchError, match="too many"):
            await store.modules.read_record(Descriptor(Digest.of_hex("0" * 64), LARGEST_RECORD + 1))


async def test_a_draft_is_taken_in_through_the_same_checks_and_goes(tmp_path: Path) -> None:
    made = make(size=CHUNK_SIZE + 4096)
    draft = tmp_path / "drafts" / f"{made.digest.hex}.tar"
    with open_store(tmp_path) as store:
        async with store.receiving(made) as receiving:
            assert not await receiving.from_draft()
            draft.parent.mkdir()
            draft.write_bytes(made.plain)
            assert await receiving.from_draft()
        assert opened(store, made.record) == (made.plain, True)
        assert not draft.exists()


async def test_a_draft_that_is_wrong_is_removed_and_upstream_is_asked(tmp_path: Path) -> None:
    made = make(size=CHUNK_SIZE + 4096)
    draft = tmp_path / "drafts" / f"{made.digest.hex}.tar"
    draft.parent.mkdir()
    draft.write_bytes(made.plain[:-3000] + bytes(3000))
    with open_store(tmp_path) as store:
        async with store.receiving(made) as receiving:
            assert not await receiving.from_draft()
            assert not draft.exists()
            async with receiving.attempt() as feed:
                await feed.write(made.upstream)
                await feed.finish()
        assert opened(store, made.record) == (made.plain, True)


async def test_a_commit_that_began_is_finished_though_its_task_is_cancelled(
    tmp_path: Path,
) -> None:
    made = make()
    with open_store(tmp_path) as store:
        fed = asyncio.Event()

        async def bring() -> None:
            async with store.receiving(made) as receiving:
                async with receiving.attempt() as feed:
                    await feed.write(made.upstream)
                    await feed.finish()
                store.budget._naming.acquire()
                fed.set()

        bringing = asyncio.create_task(bring())
        await fed.wait()
        while not store.blobs.path(made.digest).exists():
            await asyncio.sleep(0)
        bringing.cancel()
        for _ in range(10):
            await asyncio.sleep(0)
        assert not bringing.done()
        store.budget._naming.release()
        with pytest.raises(asyncio.CancelledError):
            await bringing
        assert opened(store, made.record) == (made.plain, True)


async def test_errors_of_the_disk_are_told_as_such(tmp_path: Path) -> None:
    made = make()
    with open_store(tmp_path) as store:
        (tmp_path / "refs" / "tfhub.dev").touch()
        with pytest.raises(HubproxyError, match="the store's disk reported") as caught:
            await store.bring(made)
        assert caught.value.code == "STORAGE_FAILED"
        assert store.parts == []
