"""Who signs changes: officers, teams, online keys. What a reader sees at every moment of it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from hubproxy.trust.changes import (
    Change,
    Member,
    Officer,
    Online,
    PublicKey,
    Renew,
    Threshold,
    Undelegate,
)
from hubproxy.trust.draft import Draft
from tests.trust.board import Board
from tests.trust.crashing import CrashError, CrashingWrite
from tests.trust.published import SPICE_PATH, make_record

RECORD = make_record()
OTHER = make_record("h.org/a/1")


@pytest.fixture
def board(tmp_path: Path) -> Board:
    board = Board(tmp_path)
    board.delegate("lea")
    board.approve(RECORD, by=("lea",))
    board.approve(OTHER, by=("ada", "bob"))
    return board


def key(board: Board, name: str, holder: str = "") -> PublicKey:
    return PublicKey.of(board.keys[name].public_key, holder)


def officer_leaves(board: Board) -> list[Change]:
    """bob has signed all that is in force; with cyd alone of those who stay it has one of two."""
    return [Officer(name="bob", key=key(board, "new"))]


def all_officers(board: Board) -> list[Change]:
    return [
        Officer(name="bob"),
        Officer(name="cyd"),
        Officer(name="ada", key=key(board, "new")),
        Threshold(role="root", number=1),
        Threshold(role="targets", number=1),
    ]


def online(board: Board) -> list[Change]:
    return [
        Online(role="snapshot", key=key(board, "new")),
        Online(role="timestamp", key=key(board, "new")),
    ]


def everything(board: Board) -> list[Change]:
    return [*officer_leaves(board), Online(role="timestamp", key=key(board, "eve"))]


def team(board: Board) -> list[Change]:
    return [Member(team="nlp", name="lea", key=key(board, "new"))]


def undelegated(board: Board) -> list[Change]:
    return [Undelegate(team="nlp")]


def renewed(board: Board) -> list[Change]:
    return [Renew(role="root"), Renew(role="targets"), Renew(role="nlp")]


CASES = [
    pytest.param(officer_leaves, ("ada", "cyd"), (), 7, id="an officer's key"),
    pytest.param(all_officers, ("ada", "bob", "new"), (), 7, id="every officer"),
    pytest.param(online, ("ada", "bob"), ("new",), 6, id="the online keys"),
    pytest.param(everything, ("ada", "cyd"), ("eve",), 7, id="an officer's and an online key"),
    pytest.param(team, ("ada", "bob", "new"), (), 4, id="a team's key"),
    pytest.param(undelegated, ("ada", "bob"), (), 3, id="a team that goes"),
    pytest.param(renewed, ("ada", "bob", "lea"), (), 5, id="nothing but dates"),
]


def drafted(board: Board, changes: Sequence[Change], by: Sequence[str]) -> Draft:
    return board.sign(board.draft(*changes), *by)


@pytest.mark.parametrize(("changes", "by", "new", "writes"), CASES)
def test_every_moment_of_a_change_leaves_a_list(
    board: Board,
    changes: Callable[[Board], list[Change]],
    by: Sequence[str],
    new: Sequence[str],
    writes: int,
) -> None:
    """A crash at any file, before or after it: old and new readers and the officers go on."""
    keys = [*board.online, *(board.keys[name] for name in new)]
    draft = drafted(board, changes(board), by)
    kept = board.copy("kept")
    for at in range(-1, writes):
        board.restore(kept)
        before = board.reader().refresh()
        crashing = CrashingWrite(max(at, 0), after=at >= 0)
        with pytest.raises(CrashError):
            draft.publish(board.repository(crashing), keys)

        for state in ("state", "fresh"):
            client = board.reader(state)
            seen = client.refresh()
            assert client.cached() == seen
            assert not seen.versions.behind(before.versions)
            assert OTHER.exact in [handle for handle, _ in seen.listing()]
        assert board.list.in_force().versions == seen.versions
        if crashing.written < writes:
            assert board.found(SPICE_PATH) is not None

        # What was begun can be finished, also when a timer has renewed the list meanwhile.
        board.list.renew(online=keys)
        versions = Draft.load(board.copied(draft)).publish(board.list, keys)
        assert board.reader().refresh().versions == versions
        assert board.reader("fresh").refresh().versions == versions
    board.restore(kept)
    counting = CrashingWrite(1000, after=True)
    draft.publish(board.repository(counting), keys)
    assert counting.written == writes
