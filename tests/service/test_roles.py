"""The teams' roles: read when a handle needs them, once for all who wait."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from hubproxy.core.handle import Handle
from hubproxy.core.record import FORMATS
from hubproxy.errors import TrustListError
from hubproxy.service.trusted import TrustKeeper
from tests.made import SPICE, describe
from tests.service.lists import Clock, Source, a_list, a_role, keeping

NLP, CV = Handle.parse("tfhub.dev/nlp/bert/1"), Handle.parse("tfhub.dev/cv/resnet/1")
BERT = describe(b"bert", str(NLP))
TEAMS = {"nlp": "tfhub.dev/nlp/*/*/*", "cv": "tfhub.dev/cv/*/*/*"}
AWAY = TrustListError("TRUST_UNREACHABLE", "3.nlp.json cannot be read")


@pytest.fixture
def source() -> Source:
    roles = {"nlp": a_role("nlp", BERT), "cv": a_role("cv")}
    return Source(current=a_list(teams=TEAMS), roles=dict(roles))


@pytest.fixture
async def keeper(source: Source) -> AsyncIterator[TrustKeeper]:
    async with keeping(source, Clock(), None) as keeper:
        yield keeper


async def ahead(keeper: TrustKeeper) -> None:
    """Wait until every role was tried that nobody has asked for."""
    assert keeper._reading_ahead is not None
    await keeper._reading_ahead


async def test_a_role_is_read_when_a_handle_needs_it(keeper: TrustKeeper) -> None:
    await keeper.refresh()
    snapshot = await keeper.known(NLP)
    found = snapshot.find(NLP, FORMATS)
    assert found is not None
    assert (found.role, found.record) == ("nlp", BERT.descriptor)
    assert (await keeper.known(NLP.unversioned)).exact(NLP.unversioned) == NLP


async def test_it_is_read_once_however_many_wait(keeper: TrustKeeper, source: Source) -> None:
    source.let_go = threading.Event()
    await keeper.refresh()
    waiting = [asyncio.create_task(keeper.known(NLP)) for _ in range(20)]
    while "nlp" not in source.loaded:
        await asyncio.sleep(0.001)
    source.let_go.set()
    for snapshot in await asyncio.gather(*waiting):
        assert snapshot.find(NLP, FORMATS) is not None
    await ahead(keeper)
    assert sorted(source.loaded) == ["cv", "nlp"]


async def test_who_hangs_up_takes_it_from_nobody(keeper: TrustKeeper, source: Source) -> None:
    source.let_go = threading.Event()
    await keeper.refresh()
    first, second = (asyncio.create_task(keeper.known(NLP)) for _ in range(2))
    while "nlp" not in source.loaded:
        await asyncio.sleep(0.001)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    source.let_go.set()
    assert (await second).find(NLP, FORMATS) is not None
    assert source.loaded.count("nlp") == 1


async def test_a_role_that_cannot_be_read_refuses_its_own_handles_alone(
    keeper: TrustKeeper, source: Source
) -> None:
    source.roles["nlp"] = AWAY
    await keeper.refresh()
    with pytest.raises(TrustListError, match="cannot be read"):
        await keeper.known(NLP)
    await keeper.known(CV)
    await keeper.known(Handle.parse(SPICE))


async def test_a_role_that_failed_is_not_asked_for_at_once_again(
    keeper: TrustKeeper, source: Source
) -> None:
    source.roles["nlp"] = AWAY
    await keeper.refresh()
    await ahead(keeper)
    for _ in range(20):
        with pytest.raises(TrustListError, match="cannot be read"):
            await keeper.known(NLP)
    assert source.loaded.count("nlp") == 1

    source.roles["nlp"] = a_role("nlp", BERT)
    source.current = a_list(2, teams=TEAMS)
    await keeper.refresh()
    assert (await keeper.known(NLP)).find(NLP, FORMATS) is not None


async def test_a_source_that_hangs_holds_up_only_who_needs_it(
    keeper: TrustKeeper, source: Source
) -> None:
    source.let_go = threading.Event()
    await keeper.refresh()
    waiting = asyncio.create_task(keeper.known(NLP))
    snapshot = await keeper.known(Handle.parse(SPICE))
    assert snapshot.find(Handle.parse(SPICE), FORMATS) is not None
    assert not waiting.done()
    assert await asyncio.to_thread(lambda: "other work goes on") == "other work goes on"
    source.let_go.set()
    await waiting


async def test_after_a_refresh_the_roles_are_read_though_nobody_asks(
    keeper: TrustKeeper, source: Source
) -> None:
    await keeper.refresh()
    await ahead(keeper)
    assert sorted(source.loaded) == ["cv", "nlp"]
    source.roles.clear()  # the source goes away
    assert (await keeper.known(NLP)).find(NLP, FORMATS) is not None

    source.roles["nlp"], source.roles["cv"] = a_role("nlp"), AWAY
    source.current = a_list(2, teams=TEAMS)
    await keeper.refresh()
    await ahead(keeper)
    assert (await keeper.known(NLP)).find(NLP, FORMATS) is None
    with pytest.raises(TrustListError):
        await keeper.known(CV)


async def test_a_role_of_a_list_that_is_out_of_force_is_not_taken(
    keeper: TrustKeeper, source: Source
) -> None:
    source.let_go = threading.Event()
    await keeper.refresh()
    waiting = asyncio.create_task(keeper.known(NLP))
    while "nlp" not in source.loaded:
        await asyncio.sleep(0.001)
    before, source.let_go = source.let_go, None
    source.current = a_list(2, teams=TEAMS)
    source.roles["nlp"] = a_role("nlp")
    await keeper.refresh()
    source.roles["nlp"] = a_role("nlp", BERT)
    before.set()
    snapshot = await waiting
    assert snapshot.versions.timestamp == 2
    assert source.loaded.count("nlp") == 2


async def test_what_is_being_read_is_given_up_at_the_end(source: Source) -> None:
    source.let_go = threading.Event()
    async with keeping(source, Clock(), None) as keeper:
        await keeper.refresh()
        waiting = asyncio.create_task(keeper.known(NLP))
        while not source.loaded:
            await asyncio.sleep(0.001)
        let_go = source.let_go
        waiting.add_done_callback(lambda _: let_go.set())
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not any(thread.name.startswith("trust") for thread in threading.enumerate())
