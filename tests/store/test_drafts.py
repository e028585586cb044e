"""Archives that an officer has read."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hubproxy.core.handle import Handle
from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.record import Record
from hubproxy.errors import UnsafeArchiveError
from hubproxy.store.discovery import Discovery
from hubproxy.store.drafts import Drafts
from tests.archives import MODEL, tar_of, zip_of
from tests.made import NOON, SPICE, make
from tests.stores import names_in


@asynccontextmanager
async def looked_at(drafts: Drafts, archive: bytes) -> AsyncIterator[tuple[Discovery, Record]]:
    async with drafts.discover() as discovery:
        async with discovery.attempt() as feed:
            await feed.write(archive)
            found = await feed.finish()
        record = await discovery.describe(
            Handle.parse(SPICE), found, url="https://tfhub.dev/x", decided_at=NOON
        )
        yield discovery, record


async def draft(drafts: Drafts, files: Mapping[str, bytes] = MODEL) -> Record:
    async with looked_at(drafts, tar_of(files)) as (discovery, record):
        await drafts.adopt(discovery, record)
    return record


@pytest.fixture
def drafts(tmp_path: Path) -> Drafts:
    return Drafts(tmp_path / "drafts", ArchiveLimits())


def kept(drafts: Drafts, record: Record) -> bytes | None:
    draft = drafts.open(record)
    if draft is None:
        return None
    with draft:
        return draft.read()


async def test_what_is_adopted_is_the_plain_tar(drafts: Drafts, tmp_path: Path) -> None:
    record = await draft(drafts)
    assert kept(drafts, record) == make(files=MODEL).plain
    assert names_in(tmp_path / "drafts") == [f"{record.archive_digest.hex}.tar"]
    assert (tmp_path / "drafts").stat().st_mode & 0o777 == 0o700


async def test_what_is_not_adopted_leaves_nothing(drafts: Drafts, tmp_path: Path) -> None:
    async with looked_at(drafts, zip_of(MODEL)):
        pass
    with pytest.raises(UnsafeArchiveError):
        async with looked_at(drafts, b"<!doctype html>" * 100):
            pass
    assert names_in(tmp_path / "drafts") == []


async def test_two_drafts_of_one_handle_stand_side_by_side(drafts: Drafts) -> None:
    older = await draft(drafts)
    newer = await draft(drafts, {"saved_model.pb": b"another graph"})
    assert older.handle == newer.handle
    drafts.drop(older)
    assert kept(drafts, older) is None
    assert kept(drafts, newer) == make(files={"saved_model.pb": b"another graph"}).plain


async def test_what_is_not_there_is_none_and_may_be_dropped(drafts: Drafts) -> None:
    record = make().record
    assert kept(drafts, record) is None
    await draft(drafts)
    drafts.drop(record)
    drafts.drop(record)
