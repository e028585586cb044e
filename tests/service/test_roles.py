"""The teams' roles: read when a handle needs them, once for all who wait."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from hubproxy.core.handle import Handle
from hubproxy.core.record import FORMATS
from hubproxy.core.trustlist import MOST_ROLES, Delegation, TrustSnapshot
from hubproxy.errors import TrustListError
from hubproxy.service.trusted import TrustKeeper
from tests.made import SPICE, describe
from tests.service.lists import Clock, Log, Source, a_list, a_role, keeping

NLP, CV = Handle.parse("tfhub.dev/nlp/bert/1"), Handle.parse("tfhub.dev/cv/resnet/1")
BERT = describe(b"bert", str(NLP))
TEAMS = {"nlp": "tfhub.dev/nlp/*/*/*", "cv": "tfhub.dev/cv/*/*/*"}
AWAY = TrustListError("TRUST_UNREACHABLE", "3.nlp.json cannot be read")


@pytest.fixture
def source() -> Source:
    roles = {"nlp": a_role("nlp", BERT), "cv": a_role("cv")}
    return Source(current=a_list(teams=TEAMS), roles=dict(roles))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def keeper(source: Source, clock: Clock) -> AsyncIterator[TrustKeeper]:
    async with keeping(source, clock, None) as keeper:
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


async def test_a_role_that_the_version_alone_needs_is_read_however_many_list_others(
    keeper: TrustKeeper, source: Source
) -> None:
    fifth = Handle.parse("tfhub.dev/nlp/bert/5")
    found = msgspec.structs.replace(describe(b"bert", str(fifth)), format=FORMATS[-1])
    teams = {"first": f"{fifth}/{FORMATS[-1]}.json"}
    teams |= {f"team{number}": f"{NLP}/*" for number in range(MOST_ROLES)}
    teams |= {"last": f"{fifth}/{FORMATS[0]}.json"}
    source.current = a_list(teams=teams)
    source.roles = {name: a_role(name) for name in teams}
    source.roles |= {"first": a_role("first", found), "last": AWAY}
    await keeper.refresh()
    with pytest.raises(TrustListError, match="cannot be read"):
        await keeper.resolve(NLP.unversioned)
    source.current = a_list(2, teams=teams)
    source.roles["last"] = a_role("last")
    await keeper.refresh()
    snapshot, exact = await keeper.resolve(NLP.unversioned)
    assert exact == fifth
    named = snapshot.find(exact, FORMATS)
    assert named is not None
    assert named.role == "first"


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
    names = [f"team{number}" for number in range(40)]
    source.let_go = threading.Event()
    source.roles = {name: a_role(name) for name in names}
    source.current = a_list(teams={name: f"tfhub.dev/{name}/*/*/*" for name in names})
    await keeper.refresh()
    waiting = [
        asyncio.create_task(keeper.known(Handle.parse(f"tfhub.dev/{name}/bert/1")))
        for name in names
    ]
    while len(source.loaded) < 4:
        await asyncio.sleep(0.001)

    async with asyncio.timeout(30):
        snapshot = await keeper.known(Handle.parse(SPICE))
        assert snapshot.find(Handle.parse(SPICE), FORMATS) is not None
        assert await asyncio.to_thread(lambda: "other work goes on") == "other work goes on"

    assert not any(task.done() for task in waiting)
    source.let_go.set()
    await asyncio.gather(*waiting)


async def test_after_a_refresh_the_roles_are_read_though_nobody_asks(
    keeper: TrustKeeper, source: Source
) -> None:
    await keeper.refresh()
    await ahead(keeper)
    assert sorted(source.loaded) == ["cv", "nlp"]
    source.roles.clear()  # the source goes away
    assert (await keeper.known(NLP)).find(NLP, FORMATS) is not None

    source.roles["nlp"] = a_role("nlp")
    source.roles["cv"] = a_role("cv")
    source.current = a_list(2, teams=TEAMS)
    await keeper.refresh()
    assert (await keeper.known(NLP)).find(NLP, FORMATS) is None
    assert keeper.error is None


async def test_row_5_a_new_list_whose_team_is_kept_back_takes_nothing_away(
    source: Source, clock: Clock
) -> None:
    log = Log()
    async with keeping(source, clock, None, log=log) as keeper:
        await keeper.refresh()
        await ahead(keeper)
        for version in (2, 3):
            source.current = a_list(version, teams=TEAMS)
            source.roles["nlp"] = AWAY
            await keeper.refresh()
            assert keeper.versions.timestamp == version
            assert (await keeper.known(NLP)).find(NLP, FORMATS) is not None
            assert keeper.error is not None
        (told,) = (text for text in log.told if not text.startswith(": in force"))
        assert told.startswith("TRUST_UNREACHABLE: the trust list was not refreshed: ")
        assert told.endswith("what nlp changed cannot be read: 3.nlp.json cannot be read")

        source.current, source.roles["nlp"] = a_list(4, teams=TEAMS), a_role("nlp")
        await keeper.refresh()
        assert keeper.error is None
        assert (await keeper.known(NLP)).find(NLP, FORMATS) is None


async def test_row_5_what_is_lent_is_good_for_as_long_as_the_list_that_said_so(
    keeper: TrustKeeper, source: Source, clock: Clock
) -> None:
    await keeper.refresh()
    await ahead(keeper)
    source.roles["nlp"] = AWAY
    for version in (2, 3):
        source.current = a_list(version, days=60, teams=TEAMS)
        await keeper.refresh()
    snapshot = await keeper.known(NLP)
    found = snapshot.find(NLP, FORMATS)
    assert found is not None
    assert found.expires == a_list().expires
    clock.now += timedelta(days=7 + 14) - timedelta(seconds=1)
    assert keeper.usable(found, snapshot).standing(clock.now) == "in grace"
    clock.now += timedelta(seconds=1)
    with pytest.raises(TrustListError, match="grace of 14 days ended"):
        keeper.usable(found, snapshot)


async def test_row_8_what_a_changed_key_has_signed_is_not_lent(
    keeper: TrustKeeper, source: Source
) -> None:
    await keeper.refresh()
    await ahead(keeper)
    source.current = with_keys(a_list(2, teams=TEAMS), "nlp", {"new": {}})
    source.roles["nlp"] = AWAY
    await keeper.refresh()
    with pytest.raises(TrustListError, match="cannot be read"):
        await keeper.known(NLP)


def with_keys(snapshot: TrustSnapshot, name: str, keys: dict[str, dict[str, str]]) -> TrustSnapshot:
    """The list with other keys for a team of the officers'."""
    top = snapshot.roles["targets"]
    changed = (replace(one, keys=keys) if one.role == name else one for one in top.delegations)
    return snapshot.with_role(replace(top, delegations=tuple(changed)))


async def test_a_refresh_waits_for_a_team_no_longer_than_it_must(
    source: Source, clock: Clock
) -> None:
    async with keeping(source, clock, None, patience=0.05) as keeper:
        await keeper.refresh()
        await ahead(keeper)
        hung = source.let_go = threading.Event()
        source.current, source.roles["nlp"] = a_list(2, teams=TEAMS), a_role("nlp")
        await asyncio.wait_for(keeper.refresh(), 10)
        assert "no answer" in str(keeper.error)
        assert (await keeper.known(NLP)).find(NLP, FORMATS) is not None

        hung.set()
        while (await keeper.known(NLP)).find(NLP, FORMATS) is not None:
            await asyncio.sleep(0.001)
        await ahead(keeper)
        await keeper.refresh()
        assert keeper.error is None


@pytest.mark.parametrize("first", ["nlp", "bert"])
async def test_row_8_a_team_below_a_team_is_read_anew_by_the_keys_that_it_has_then(
    first: str, source: Source, clock: Clock
) -> None:
    below = Delegation("bert", ("tfhub.dev/nlp/bert/*/*",))
    source.roles["nlp"] = replace(a_role("nlp"), delegations=(below,))
    source.roles["bert"] = a_role("bert", BERT)
    async with keeping(source, clock, None, patience=0.05) as keeper:
        await keeper.refresh()
        assert (await keeper.known(NLP)).find(NLP, FORMATS) is not None
        await ahead(keeper)

        nlp, bert = threading.Event(), threading.Event()
        source.let_go, source.current = nlp, a_list(2, teams=TEAMS)
        rotated = replace(below, keys={"new": {}})
        source.roles["nlp"] = replace(a_role("nlp"), delegations=(rotated,))
        source.loaded.clear()
        await keeper.refresh()  # which waits for nlp in vain

        source.let_go = bert
        waiting = asyncio.create_task(keeper.known(NLP))
        while "bert" not in source.loaded:
            await asyncio.sleep(0.001)
        if first == "bert":
            bert.set()
            assert (await waiting).delegation("bert") == below
        nlp.set()
        while keeper.snapshot().delegation("bert") == below:
            await asyncio.sleep(0.001)
        assert "bert" not in keeper.snapshot().roles
        bert.set()
        await waiting
        assert (await keeper.known(NLP)).find(NLP, FORMATS) is not None
        assert source.loaded.count("bert") == 2


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
